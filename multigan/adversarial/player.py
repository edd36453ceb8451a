"""A player: one network, its optimiser, and the guard that keeps non-finite updates from it."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils import clip_grads_with_norm_, get_total_norm

from multigan.adversarial.optimisers import build_optimiser, follow
from multigan.adversarial.settings import PlayerSettings

Synchronise = Callable[[list[Tensor], str], None]
"""Averages the gradients of a phase over all processes, in place."""


class NonFiniteError(RuntimeError):
    """A loss term or a gradient became NaN or infinite; the step was not applied."""

    def __init__(self, network: str, terms: list[str], clock: int, section: str) -> None:
        self.network, self.terms, self.clock = network, terms, clock
        super().__init__(
            f"non-finite {' and '.join(terms)} in the {network}'s phase, at or before {clock:,} "
            "samples; "
            f"that step was not applied. Lower {section}.lr, set {section}.clip, or lower the "
            "penalty's weight"
        )


def not_finite(values: Iterable[Tensor]) -> Tensor:
    """1 for each 0-d tensor that is NaN or infinite, else 0."""
    return (~torch.isfinite(torch.stack([value.detach().float() for value in values]))).float()


class Guard:
    """Remembers the first non-finite terms on the device, and stops every update from then on."""

    def __init__(self, device: torch.device) -> None:
        self.tripped = torch.zeros((), device=device)
        self._flags: dict[tuple[str, str, tuple[str, ...]], Tensor] = {}

    def watch(self, network: str, terms: Sequence[str], bad: Tensor, section: str = "") -> None:
        """Note which terms of a phase are not finite, ``bad`` being 1 for those, without waiting
        for the device; ``section`` of the recipe says how the network learns."""
        # What comes after the first bad step follows from it: only the first is named.
        first = bad * (1 - self.tripped)
        key = (network, section or f"game.{network}", tuple(terms))
        self._flags[key] = torch.maximum(self._flags[key], first) if key in self._flags else first
        # Never 0 again, and never read here: a read would make the step wait for the device.
        self.tripped = torch.maximum(self.tripped, bad.max())

    def check(self, clock: int) -> None:
        """Raise `NonFiniteError` if anything was non-finite since the start; waits for the
        device."""
        if not bool(self.tripped):
            return
        for (network, section, terms), flags in self._flags.items():
            named = [term for term, flag in zip(terms, flags.tolist(), strict=True) if flag]
            if named:
                raise NonFiniteError(network, named, clock, section)


class Player:
    """One of the networks with all it needs to learn; ``section`` of the recipe says how."""

    def __init__(
        self,
        name: str,
        network: nn.Module,
        settings: PlayerSettings,
        guard: Guard,
        section: str = "",
    ) -> None:
        self.name, self.network, self.settings, self.guard = name, network, settings, guard
        self.section = section or f"game.{name}"
        self.parameters = list(network.parameters())
        self.optimiser = build_optimiser(network, settings, f"{self.section}.optimiser")

    def update(
        self,
        terms: Mapping[str, Tensor],
        lr: float,
        synchronise: Synchronise | None,
        beta2: float | None = None,
    ) -> Tensor:
        """Apply the gradients gathered so far, unless something is not finite; returns their norm
        (0-d). ``beta2`` is given where it changes."""
        gradients = [p.grad for p in self.parameters if p.grad is not None]
        bad = not_finite(terms.values())
        if synchronise is not None:
            synchronise(
                [*gradients, bad], self.name
            )  # a term that is bad anywhere stops every process
        # A finite loss may have a gradient that is not: both are watched.
        norm = get_total_norm(gradients)
        self.guard.watch(
            self.name,
            [*terms, "gradient"],
            # The mean over processes of a flag that one has raised is a fraction: it counts as
            # raised.
            torch.cat([bad.ceil(), not_finite([norm])]),
            self.section,
        )
        if self.settings.clip > 0:
            clip_grads_with_norm_(self.parameters, self.settings.clip, norm)
        # By the clock, without a scheduler: there is no further state that a resume would need.
        follow(self.optimiser, lr, beta2)
        self._step(gradients)
        self.optimiser.zero_grad(set_to_none=True)
        return norm

    def update_at(
        self,
        clock: int,
        budget: int,
        terms: Mapping[str, Tensor],
        synchronise: Synchronise | None,
    ) -> Tensor:
        """The same at the rates of the settings after ``clock`` of ``budget`` real samples."""
        lr, beta2 = self.settings.lr, self.settings.beta2
        smoothing = None if beta2.constant else beta2.at(clock, budget)
        return self.update(terms, lr.at(clock, budget), synchronise, smoothing)

    def _step(self, gradients: list[Tensor]) -> None:
        if getattr(self.optimiser, "_step_supports_amp_scaling", False):
            # Fused optimisers skip the whole step on the device where found_inf is 1.
            self.optimiser.found_inf = self.guard.tripped  # type: ignore[attr-defined]
            self.optimiser.grad_scale = None  # type: ignore[attr-defined]
            self.optimiser.step()
        else:
            self._step_or_undo(gradients)

    def _step_or_undo(self, gradients: list[Tensor]) -> None:
        # RMSprop, as others that are not built in, has no fused step: take it, and put weights and
        # moments back where the guard has tripped.
        tripped, held = self.guard.tripped.bool(), self._held()
        before = [tensor.clone() for tensor in held]
        for gradient in gradients:
            gradient.masked_fill_(tripped, 0)  # moments made by a bad first step are finite
        self.optimiser.step()
        for tensor, old in zip(held, before, strict=True):
            tensor.copy_(torch.where(tripped, old, tensor))

    def _held(self) -> list[Tensor]:
        moments = [
            value
            for state in self.optimiser.state.values()
            for name, value in state.items()
            if isinstance(value, Tensor) and name != "step"
        ]
        return [*(p.detach() for p in self.parameters), *moments]

    def state(self) -> dict[str, Any]:
        """Weights and the optimiser's moments; not its settings, which the recipe holds."""
        return {
            "network": self.network.state_dict(),
            "optimiser": self.optimiser.state_dict()["state"],
        }

    def load(self, state: Mapping[str, Any]) -> None:
        """Restore what `state` gave, on whatever device the network is."""
        self.network.load_state_dict(state["network"])
        groups = self.optimiser.state_dict()["param_groups"]
        self.optimiser.load_state_dict({"state": state["optimiser"], "param_groups": groups})


@contextmanager
def readonly(network: nn.Module) -> Iterator[None]:
    """Gradients flow through ``network`` but not into it: the critic during the generator's
    phase."""
    learning = [p for p in network.parameters() if p.requires_grad]
    for parameter in learning:
        parameter.requires_grad_(False)
    try:
        yield
    finally:
        for parameter in learning:
            parameter.requires_grad_(True)
