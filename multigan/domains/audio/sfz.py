"""A playable map of notes: an SFZ file, which samplers open (sfzformat.com)."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

_RELEASE = 0.3  # seconds


def sfz(files: Sequence[tuple[int, str]], about: str) -> str:
    """The map of files ``(pitch, name)``: each sounds for the keys that are nearest to it, several
    of one pitch in turn; from its lowest note to its highest."""
    takes: defaultdict[int, list[str]] = defaultdict(list)
    for pitch, name in files:
        takes[pitch].append(name)
    lines = [f"// {about}", f"<global> ampeg_release={_RELEASE}", ""]
    for pitch, (low, high) in key_ranges(sorted(takes)).items():
        names = takes[pitch]
        for place, name in enumerate(names, 1):
            turn = f" seq_length={len(names)} seq_position={place}" if len(names) > 1 else ""
            lines.append(
                f"<region> lokey={low} hikey={high} pitch_keycenter={pitch}{turn} sample={name}"
            )
    return "\n".join(lines) + "\n"


def key_ranges(pitches: Sequence[int]) -> Mapping[int, tuple[int, int]]:
    """The lowest and highest key of each of some rising pitches: no key between them is silent.

    >>> key_ranges([60, 64])
    {60: (60, 62), 64: (63, 64)}
    """
    ranges, low = {}, pitches[0]
    for i, pitch in enumerate(pitches):
        high = (pitch + pitches[i + 1]) // 2 if i + 1 < len(pitches) else pitch
        ranges[pitch] = (low, high)
        low = high + 1
    return ranges
