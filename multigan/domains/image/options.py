"""What pictures can be asked for by."""

from multigan.options import Option

OPTIONS = (
    Option(
        "mask",
        str,
        "For models that repair: a picture, or a folder of the same names, white where it is to be "
        "repaired.",
        reading=True,
    ),
    Option(
        "truncation",
        float,
        "Pictures: below 1 shrinks latents towards their mean: more typical, less varied.",
        least=0,
        sweep=(1.0, 0.9, 0.8, 0.7, 0.6, 0.5),
        said="latents are {value:g} times as long (truncation): below 1 pictures are more typical "
        "and less varied",
    ),
)
