"""Sounds handed over from a program, as WAV files of 32-bit floats."""

import io
import logging
from collections.abc import Mapping
from typing import Any

import numpy as np

from multigan.domains.audio.waveform import Waveform
from multigan.domains.handed import Handed, as_array, as_file, each_split, unpacked
from multigan.domains.keeping import keep
from multigan.errors import DataError

RATE = 44_100
"""Hz of sounds that come without, where the recipe does not say."""

COLUMNS = ("audio", "sound", "wav", "flac", "mp3", "ogg")
"""What a table may call its sounds."""

log = logging.getLogger(__name__)


def keep_sounds(data: Any, rate: int) -> str:
    """Waveforms, arrays ``(S,)`` or ``(channels, S)``, pairs or mappings with their rate, as files.

    What comes without a rate is taken to have ``rate`` Hz, and that is said. torchaudio's rows
    ``(waveform, rate, label, ...)`` give labels. Raises `DataError`.
    """
    bare: list[bool] = []

    def encode(sound: Any) -> bytes:
        content = as_file(sound)
        if content is not None:
            return content
        samples, own = sound if isinstance(sound, tuple) else _timed(sound)
        bare.append(own is None)
        return _encoded(samples, own or rate)

    path = keep(each_split(data, _with_rates), "wav", encode)
    if any(bare):
        log.info("%s sounds came without a rate: taken as %s Hz", f"{sum(bare):,}", f"{rate:,}")
    return path


def _with_rates(data: Any) -> Handed:
    """Each sample as (array, Hz or None)."""
    sized = hasattr(data, "__getitem__") and hasattr(data, "__len__") and len(data) > 0
    first = data[0] if sized and not isinstance(data, Mapping) else None
    if _is_timed(first):
        return _torchaudio([data[i] for i in range(len(data))])
    return unpacked(data, COLUMNS)


def _is_timed(row: Any) -> bool:
    """Whether a row is (waveform, rate) or (waveform, rate, label, ...)."""
    if not (isinstance(row, tuple) and len(row) >= 2 and hasattr(row[0], "__len__")):
        return False
    return isinstance(row[1], int) and row[1] >= 1000


def _torchaudio(rows: list[Any]) -> Handed:
    labels = [str(row[2]) for row in rows if len(row) > 2]
    timed = [(as_array(row[0]), int(row[1])) for row in rows]
    return Handed(timed, labels if len(labels) == len(rows) else None)


def _timed(sample: Any) -> tuple[np.ndarray, int | None]:
    if isinstance(sample, Waveform):
        return sample.samples, sample.sample_rate
    if isinstance(sample, Mapping) and {"array", "sampling_rate"} <= sample.keys():
        return as_array(sample["array"]), int(sample["sampling_rate"])
    return as_array(sample), None


def _encoded(sound: np.ndarray, rate: int) -> bytes:
    import soundfile

    sound = np.atleast_1d(sound)
    if sound.ndim > 2 or sound.size == 0:
        raise DataError(f"data holds an array of shape {sound.shape}: a sound is (S,) or (C, S)")
    if sound.dtype.kind in "iu":
        sound = sound / float(np.iinfo(sound.dtype).max)
    if sound.ndim == 2 and sound.shape[0] < sound.shape[1]:
        sound = sound.T
    file = io.BytesIO()
    soundfile.write(file, sound.astype(np.float32), rate, format="WAV", subtype="FLOAT")
    return file.getvalue()
