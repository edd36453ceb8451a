"""What both networks are told by default."""

from collections.abc import Callable

from torch import Tensor

from multigan.adversarial.condition import Condition, mapped


def told_of(
    represent: Callable[[Tensor], Tensor], labels: Tensor | None, sources: Condition
) -> Condition:
    """The sources as ``represent`` makes them; without any the labels; with both (sources,
    labels)."""
    if sources is None:
        return labels
    told: Condition = mapped(represent, sources)
    return told if labels is None else (told, labels)
