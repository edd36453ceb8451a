"""What sentences can be asked for by."""

from multigan.options import Option

OPTIONS = (
    Option(
        "temperature",
        float,
        "Text: below 1 keeps to likely words, above 1 dares more.",
        sweep=(1.2, 1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4),
    ),
    Option("prefix", str, "Text: what every sentence begins with."),
)
