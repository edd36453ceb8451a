"""What a critic does to samples, written down to be done again to something else."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode


class NotPiecewiseLinearError(Exception):
    """A critic does something that is not known to be linear around a sample."""


class Step(NamedTuple):
    """Something that a critic did: how to do it again, to what, and where its result goes."""

    again: Callable[..., Tensor]  # of the pass, then of the values of ``inputs``
    inputs: tuple[int, ...]
    output: int


class Pass(NamedTuple):
    """A pass of v + a·x: ``scale`` is a, ``(N,)``, ``weights`` and ``known`` are a tape's."""

    scale: Tensor
    weights: Sequence[Tensor]
    known: Sequence[Tensor]

    def times(self, constant: Any, like: Tensor) -> Tensor:
        """What does not hang on the sample, a times, for a sum with ``like``."""
        scale = self.scale.view(-1, *[1] * (like.dim() - 1))
        return (scale * constant).to(like.dtype)


class Tape(TorchFunctionMode):
    """What a critic does to ``x`` within the ``with`` block, to be done again to something else.

    ``rules`` say how what is done to samples is done and noted. Raises `NotPiecewiseLinearError`
    before anything else is done to them."""

    def __init__(self, x: Tensor, rules: "Mapping[Any, Rule]") -> None:
        super().__init__()
        self.rules = rules
        self.steps: list[Step] = []
        self.weights: list[Tensor] = []  # that learn, and are no samples
        self.entries: list[Tensor] = []  # what goes into layers, each by a name of its own
        self.precision: AbstractContextManager[Any] = torch.autocast(x.device.type, enabled=False)
        self._places: dict[int, int] = {id(x): 0}
        self._values = [x]  # kept: of what is gone the id would be given again

    def __torch_function__(
        self,
        function: Callable[..., Any],
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        given = dict(kwargs or {})
        if function in _ABOUT or not self.met([*args, *given.values()]):
            return function(*args, **given)
        rule = self.rules.get(function)
        if rule is None:
            raise NotPiecewiseLinearError(f"{function} of a sample")
        return rule(self, function, args, given)

    def met(self, values: Sequence[Any]) -> bool:
        """Whether some value, or one of a list of them, hangs on the samples."""
        flat = (x for v in values for x in (v if isinstance(v, list | tuple) else [v]))
        return any(self.place(x) is not None for x in flat)

    def place(self, x: Any) -> int | None:
        """Where a value that hangs on the samples stands; None for all else."""
        return self._places.get(id(x))

    def note(self, again: Callable[..., Tensor], inputs: Sequence[Any], made: Tensor) -> Tensor:
        """Remember that ``made`` was made from ``inputs``."""
        places = tuple(self._places[id(x)] for x in inputs)
        self._places[id(made)] = len(self._values)  # anew where it is one of them, as it was
        self.steps.append(Step(again, places, len(self._values)))
        self._values.append(made)
        return made

    def weight(self, given: Any) -> Callable[[Pass], Any]:
        """How to find in a pass what is no sample: it may learn."""
        if not isinstance(given, Tensor) or not given.requires_grad:
            return lambda whole: given
        index = len(self.weights)
        self.weights.append(given)
        return lambda whole: whole.weights[index]

    def again(self, x: Tensor, whole: Pass, end: int) -> Tensor:
        """Do to ``x`` all that was done, to the value that stands at ``end``."""
        values = {0: x}
        for step in self.steps:
            values[step.output] = step.again(whole, *(values[place] for place in step.inputs))
        return values[end]


Rule = Callable[[Tape, Callable[..., Any], Sequence[Any], dict[str, Any]], Tensor]
"""How a function of samples, with its arguments, is done within a tape."""

_T = torch.Tensor
_ABOUT = {
    *(_T.size, _T.dim, _T.numel, _T.__len__, _T.is_floating_point, _T.stride),
    *(getattr(_T, name).__get__ for name in ("shape", "dtype", "device", "ndim", "requires_grad")),
}
"""What asks how a tensor is, not what is in it."""
