"""``multigan train --dry-run``: what a training would be, with nothing trained and nothing foreign
imported."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import nn

from multigan.adversarial.freezing import freeze_layers
from multigan.devices import pick_device
from multigan.domains.base import domain_type
from multigan.errors import UserError
from multigan.recipe.load import laid_over, recipe_content, untyped
from multigan.recipe.settings import Recipe
from multigan.training.inherited import Inheritance
from multigan.training.watch import too_short_for_average
from multigan.trust import names_of_code
from multigan.verbs.minutes import check_minutes
from multigan.verbs.session import check_first, check_source
from multigan.verbs.train import overrides_of, prepare

_NOTHING = "# nothing was trained (dry run)"


def describe(
    recipe: str | Path,
    *,
    data: str | Path | None = None,
    settings: Mapping[str, Any] | None = None,
    seed: int | None = None,
    device: str = "auto",
    trust_code: bool = False,
    minutes: float | None = None,
) -> str:
    """What a training would be: the data counted, both networks built, nothing trained.

    Without ``trust_code`` nothing is imported that the recipe names, and that is said."""
    overrides = overrides_of(settings, data, seed)
    if minutes is not None:
        check_minutes(minutes, overrides)
    if not trust_code and (plain := untyped(recipe, overrides)):
        return f"{plain}{_NOTHING}"
    foreign = {} if trust_code else names_of_code(laid_over(recipe_content(recipe), overrides))
    prepared = prepare(recipe, data=data, settings=settings, seed=seed, trust_code=trust_code)
    check_first(prepared, unread=foreign)
    source = prepared.train.init_from
    before = None if source is None else Inheritance.of(source)
    domain = domain_type(prepared.domain)(prepared)
    lines = [f"# {check_source(domain):,} samples in {prepared.data.source}"]
    if slow := too_short_for_average(prepared):
        lines.append(f"# ! {slow}")
    domain.load()
    for player in ("generator", "critic"):
        if f"{player}.network" not in foreign:
            network = domain.network(player)
            size = sum(p.numel() for p in network.parameters())
            lines.append(f"# {player} {size:,} parameters")
            if before is not None:
                lines.append(f"# {_begun(before, player, network, prepared)}")
    if minutes is not None:
        lines.append(f"# train.samples is chosen for {minutes:g} minutes when it trains")
    lines.append(f"# device {pick_device(device)}")
    unread = [
        f"# {key} = {name} was not imported, so it is not checked: --trust-code does"
        for key, name in foreign.items()
    ]
    return "\n".join([prepared.to_toml(), *lines, *unread, _NOTHING])


def _begun(before: Inheritance, player: str, network: nn.Module, recipe: Recipe) -> str:
    """What a player would begin with."""
    layers = recipe.game.critic.frozen_layers if player == "critic" else 0
    try:
        freeze_layers(network, layers)
    except ValueError as error:
        raise UserError(str(error)) from error
    return before.begin(player, network, layers)
