"""What sounds can be asked for by."""

from multigan.options import Option

OPTIONS = (
    Option(
        "vocoder",
        str,
        "For spectrograms: the trained vocoder that makes the waveforms.",
        model=True,
    ),
)
