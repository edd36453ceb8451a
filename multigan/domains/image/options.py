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
)
