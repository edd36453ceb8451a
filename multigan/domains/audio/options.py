"""What sounds can be asked for by, and how they are finished for their files."""

from multigan.options import Option

OPTIONS = (
    Option(
        "vocoder",
        str,
        "For spectrograms: the trained vocoder that makes the waveforms.",
        model=True,
    ),
    Option(
        "pitch",
        str,
        "Of notes: C4, or C3..C5, or C3,E3,G3; one after the other.",
        needs="data.pitch",
    ),
    Option(
        "tempo",
        float,
        "Of loops: beats a minute; by default the mean of the training loops.",
        writing=True,
        needs="data.loop",
    ),
    Option("rate", int, "Of sounds: Hz of the files, such as 48000.", writing=True),
    Option(
        "bits", str, "Of sounds: 16, 24 or float; more than 16 for wav, flac, aiff.", writing=True
    ),
    Option("loudness", float, "Of sounds: as loud as so many LUFS, such as -16.", writing=True),
    Option("fade_in", float, "Of sounds: seconds they fade in.", writing=True),
    Option("fade_out", float, "Of sounds: seconds they fade out.", writing=True),
)
