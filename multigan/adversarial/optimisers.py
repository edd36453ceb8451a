"""Optimisers by name: four that are built in, and any of the user's own."""

from collections.abc import Callable, Iterable
from inspect import Parameter, signature
from typing import Any

import torch
from torch import nn

from multigan.adversarial.handed import code_at
from multigan.adversarial.names import OPTIMISERS
from multigan.adversarial.settings import PlayerSettings


def optimiser_type(name: str, key: str) -> type[torch.optim.Optimizer]:
    """The class that a name stands for; raises ``ValueError``, which names ``key``, for what cannot
    be an optimiser of a player."""
    if name in OPTIMISERS:
        return BUILT_IN[name]
    kind = code_at(key, name)
    if not (isinstance(kind, type) and issubclass(kind, torch.optim.Optimizer)):
        raise ValueError(f"{key} = {name!r} is no subclass of torch.optim.Optimizer")
    closure = signature(kind.step).parameters.get("closure")
    if closure is not None and closure.default is Parameter.empty:
        raise ValueError(
            f"{key} = {name!r} asks for the loss again at every step, and a phase of the game has "
            "one loss a step: use an optimiser whose step() takes no closure"
        )
    return kind


def build_optimiser(
    network: nn.Module, settings: PlayerSettings, key: str = "optimiser"
) -> torch.optim.Optimizer:
    """The optimiser a player asked for, over all its network's parameters; raises ``ValueError``
    for one that cannot be built."""
    kind = optimiser_type(settings.optimiser, key)
    if settings.optimiser in OPTIMISERS:
        given = _arguments(settings)
    else:
        given = _asked_for(kind, settings) | settings.options
    try:
        built = kind(_parameters(network), **given)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{key} = {settings.optimiser!r} cannot be built: {error}") from error
    if not settings.beta2.constant and not {"betas", "alpha"} & built.param_groups[0].keys():
        raise ValueError(
            f"{key} = {settings.optimiser!r} has no second beta, and its beta2 is a schedule: make "
            "it a number"
        )
    return built


def follow(optimiser: torch.optim.Optimizer, lr: float, beta2: float | None) -> None:
    """Have an optimiser take its next step at a rate, and by a second beta where that changes."""
    for group in optimiser.param_groups:
        group["lr"] = lr
        if beta2 is not None and "betas" in group:
            group["betas"] = (group["betas"][0], beta2)
        elif beta2 is not None:
            group["alpha"] = beta2


def _lean(kind: type[torch.optim.Optimizer]) -> type[torch.optim.Optimizer]:
    """The same optimiser without what its methods are wrapped in for ``torch.compile``, which
    imports the compiler at the first step: a third of what a training takes to begin.

    Nothing here compiles an optimiser."""
    step = torch.no_grad()(_unwrapped(kind.step))
    rest = ("add_param_group", "zero_grad", "state_dict", "load_state_dict")
    own = {name: _unwrapped(getattr(kind, name)) for name in rest}
    return type(kind.__name__, (kind,), {"step": step, **own, "__module__": kind.__module__})


def _unwrapped(method: Callable[..., Any]) -> Callable[..., Any]:
    return getattr(method, "__wrapped__", method)


BUILT_IN: dict[str, Any] = {
    "adam": _lean(torch.optim.Adam),
    "adamw": _lean(torch.optim.AdamW),
    "rmsprop": _lean(torch.optim.RMSprop),
    "sgd": _lean(torch.optim.SGD),
}
"""The optimisers that need no import path."""


def _parameters(network: nn.Module) -> Iterable[Any]:
    return list(network.parameters())


def _arguments(settings: PlayerSettings) -> dict[str, Any]:
    """What a built-in one is given; fused where there is such a step, foreach for RMSprop."""
    given: dict[str, Any] = {
        "lr": settings.lr.highest,
        "weight_decay": settings.weight_decay,
    }
    match settings.optimiser:
        case "sgd":
            return given | {"momentum": settings.beta1, "fused": True}
        case "rmsprop":
            return given | {"alpha": settings.beta2.start, "eps": settings.eps, "foreach": True}
        case _:
            betas = (settings.beta1, settings.beta2.start)
            return given | {"betas": betas, "eps": settings.eps, "fused": True}


def _asked_for(kind: type[torch.optim.Optimizer], settings: PlayerSettings) -> dict[str, Any]:
    """Those settings that the signature of the user's own optimiser names."""
    offered = {
        "lr": settings.lr.highest,
        "betas": (settings.beta1, settings.beta2.start),
        "momentum": settings.beta1,
        "alpha": settings.beta2.start,
        "eps": settings.eps,
        "weight_decay": settings.weight_decay,
    }
    wanted = signature(kind).parameters
    return {name: value for name, value in offered.items() if name in wanted}
