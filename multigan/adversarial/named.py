"""Everything that a recipe's ``[game]`` names, fetched and checked before anything is called."""

from collections.abc import Callable
from functools import partial
from typing import Any

from multigan.adversarial.handed import is_code
from multigan.adversarial.objectives import objective_of
from multigan.adversarial.optimisers import optimiser_type
from multigan.adversarial.penalties import own_penalty
from multigan.adversarial.settings import GameSettings
from multigan.adversarial.terms import term_of


def named(settings: GameSettings) -> dict[str, Callable[[], Any]]:
    """By its recipe key how to fetch each thing; that raises ``ValueError`` for what is not what it
    must be."""
    found: dict[str, Callable[[], Any]] = {
        "game.objective": partial(objective_of, settings.objective)
    }
    players = {"generator": settings.generator, "critic": settings.critic}
    players |= {f"players.{name}": one for name, one in settings.players.items()}
    for name, player in players.items():
        key = f"game.{name}.optimiser"
        found[key] = partial(optimiser_type, player.optimiser, key)
    for name, penalty in settings.penalties.own.items():
        key = f"game.penalties.own.{name}.function"
        found[key] = partial(own_penalty, name, penalty.function)
    for name, term in settings.terms.items():
        if is_code(term.function):
            found[f"game.terms.{name}.function"] = partial(term_of, name, term.function)
    return found
