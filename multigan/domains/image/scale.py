"""One scale for all 16-bit and float pictures of a source: what of their values becomes black and
white. Needs no torch."""

Scale = tuple[float, float]

_FIXED = {"8bit": (0, 255), "16bit": (0, 65535)}
_DEPTHS = (8, 10, 12, 14, 16)  # bits that cameras and scanners have
_FLOATS = ((0, 1), (-1, 1), (0, 255))  # ranges that programs write floats in


def checked_range(text: str) -> str:
    """``data.range`` as it is; raises `ValueError` if it says nothing known."""
    fixed_scale(text)
    return text


def fixed_scale(text: str) -> Scale | None:
    """What ``8bit``, ``16bit`` or ``LOW..HIGH`` says; None for ``auto`` and ``full``: the data
    settle them."""
    if text in ("auto", "full"):
        return None
    if text in _FIXED:
        return _FIXED[text]
    try:
        low, high = (float(part) for part in text.split(".."))
        if not low < high:
            raise ValueError
    except ValueError:
        raise ValueError(
            f"{text!r} is none of auto, 8bit, 16bit, full and LOW..HIGH, such as 0..4095"
        ) from None
    return low, high


def chosen_scale(extremes: Scale, whole: bool, text: str) -> Scale:
    """The scale for values between these extremes, ``whole`` numbers or not: all of the range in
    use for ``full``, else the narrowest that such pictures are made in."""
    low, high = extremes
    if text == "full":
        return extremes
    known = [(0, 2**bits - 1) for bits in _DEPTHS] if whole else _FLOATS
    return next(((a, b) for a, b in known if a <= low and high <= b), extremes)


def scale_note(count: int, scale: Scale, extremes: Scale | None, text: str, bits: int) -> str:
    """What was done, in a line."""
    found = "" if extremes is None else f" with values from {extremes[0]:g} to {extremes[1]:g}"
    return (
        f"{count:,} pictures of 16 bits or floats{found}: {scale[0]:g}..{scale[1]:g} become "
        f"0..{2**bits - 1} in all of them (data.range = {text})"
    )
