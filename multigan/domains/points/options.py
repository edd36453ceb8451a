"""What points can be asked for by: nothing, yet."""

from multigan.options import Option

OPTIONS: tuple[Option, ...] = ()
