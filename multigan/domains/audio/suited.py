"""Settings that suit a folder of sounds: whether they are single shots or long recordings."""

from typing import Any

import numpy as np

from multigan.domains.audio.reading import opened
from multigan.domains.files import Files

_LONG = 10.0  # seconds of a sound from which on it is no single shot
_FEW = 10  # files of which a tenth cannot be kept apart
_LOOKED_AT = 20


def suited(files: Files, sounds: np.ndarray) -> tuple[dict[str, Any], list[str]]:
    """The settings for the sounds at these positions ``(m,)``, and what there is to say of them.

    Recordings much longer than a clip are cut from their beginning to their end; of few files none
    is kept from training."""
    some = sounds[:: len(sounds) // _LOOKED_AT + 1]
    lengths = [seconds for i in some if (seconds := _seconds(files, i))]
    chosen: dict[str, Any] = {}
    said = []
    if lengths and np.mean(lengths) > _LONG:
        chosen |= {"data.cut": True, "data.trim": 0.0}
        said.append(
            f"its sounds are long ({np.mean(lengths):,.0f} s on average), so they are cut into "
            "clips; --set data.cut=false takes the beginning of each"
        )
    if len(sounds) < _FEW:
        chosen["data.held_out"] = 0.0
        said.append(
            "of so few files none is kept from training: --set data.held_out=0.2 keeps some"
        )
    return chosen, said


def _seconds(files: Files, i: int) -> float | None:
    """How long a sound is, where its header says so."""
    try:
        with files.open(i) as file, opened(file) as recording:
            return recording.seconds
    except Exception:  # a broken file raises nearly anything: it is named when it is decoded
        return None
