"""Networks by name: those of a domain, and one's own."""

import inspect
from collections.abc import Mapping, Sequence
from typing import Any

from torch import nn

from multigan.adversarial.contests import Contest
from multigan.errors import RecipeError, UserError
from multigan.recipe.settings import NetworkSettings, Recipe
from multigan.registry import import_dotted
from multigan.samples import Facts


def build_network(
    settings: NetworkSettings,
    known: dict[str, type[nn.Module]],
    key: str,
    facts: Facts,
    also: Mapping[str, Any] | None = None,
) -> nn.Module:
    """Make a network of the domain, or the user's own ``"package.module:Class"``.

    It is called with ``shape`` (of one representation), ``classes`` (their number) and those
    settings of its section, and of ``also``, that its signature names; ``options`` are passed on as
    they are."""
    own = ":" in settings.network
    if not own and settings.network not in known:
        names = ", ".join(known)
        raise RecipeError(
            f"{key} = {settings.network!r} is unknown; known: {names}, or 'package.module:Class'"
        )
    kind = import_dotted(settings.network, key) if own else known[settings.network]
    if not (isinstance(kind, type) and issubclass(kind, nn.Module)):
        raise UserError(f"{key} = {settings.network!r} is no subclass of torch.nn.Module")
    offered = {"shape": facts.shape, "classes": len(facts.classes), **(also or {})}
    offered |= {
        name: value for name, value in vars(settings).items() if name not in ("network", "options")
    }
    wanted = inspect.signature(kind).parameters
    arguments = {
        name: value for name, value in offered.items() if name in wanted
    } | settings.options
    try:
        return kind(**arguments)
    except (TypeError, ValueError) as error:
        raise UserError(f"{key} = {settings.network!r} cannot be built: {error}") from error


def player_network(
    player: str,
    recipe: Recipe,
    contests: Sequence[Contest],
    known: tuple[dict[str, type[nn.Module]], dict[str, type[nn.Module]]],
    facts: Facts,
    also: Mapping[str, Any],
) -> nn.Module:
    """The network of a player of ``contests``; ``known`` are the domain's generators and critics.

    One without a section of its own is built as the generator, or the critic, is."""
    makes = any(player in contest.generators for contest in contests)
    role, networks = ("generator", known[0]) if makes else ("critic", known[1])
    section = player if hasattr(recipe, player) else role
    settings: NetworkSettings = getattr(recipe, section)
    return build_network(settings, networks, f"{section}.network", facts, also)
