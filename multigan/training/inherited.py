"""Players that begin with what another training has learnt, as far as names and shapes agree."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor, nn

from multigan.adversarial.game import Game
from multigan.errors import CheckpointError, UserError
from multigan.kept.config import read_config
from multigan.kept.folder import check_digests, find_folder
from multigan.kept.weights import CRITIC, WEIGHTS, read_weights
from multigan.runs.checkpoint import newest_checkpoint

_NAMED = 3  # tensors told at most


@dataclass(frozen=True)
class Inheritance:
    """What a ``source`` has to give: tensors by their names, by the player they are of.

    The generator's are its moving average. The critic's are there where the model keeps one, or
    where the source is a run, whose newest checkpoint has it."""

    source: str
    weights: Mapping[str, Mapping[str, Tensor]]

    @classmethod
    def of(cls, source: str) -> "Inheritance":
        """Read it from a run, a model folder or a hub id; nothing of it is built or imported.

        Raises `CheckpointError` for what is damaged, `AbsentError` where there is none."""
        folder = find_folder(source, trust_code=False)
        check_digests(folder, read_config(folder))
        found = {"generator": read_weights(folder / WEIGHTS)}
        critic = _critic_in(folder)
        return cls(source, found if critic is None else {**found, "critic": critic})

    def give(self, game: Game) -> list[str]:
        """Let the players of a game and its moving average begin with it; says what they took.

        Raises `UserError` where nothing of the generator agrees."""
        lines = []
        for player in (game.generator, game.critic):
            given = self.weights.get(player.name)
            if given is None:
                lines.append(f"The {player.name} begins anew: {self.source} has none to give")
                continue
            lines.append(self._take(player.name, player.network, given))
        game.ema.network.load_state_dict(game.generator.network.state_dict())
        return lines

    def _take(self, name: str, network: nn.Module, given: Mapping[str, Tensor]) -> str:
        wanted = network.state_dict()
        taken = {n: given[n] for n in wanted if n in given and _alike(given[n], wanted[n])}
        if not taken and name == "generator":
            raise UserError(
                f"train.init_from = {self.source!r}: no tensor of its generator has the name and "
                "shape of one here; choose the network, the width and the size that it has"
            )
        network.load_state_dict({**wanted, **taken})
        anew = [f"{n} {_shape(given.get(n))} -> {_shape(wanted[n])}" for n in wanted.keys() - taken]
        said = f"The {name} begins with {len(taken)} of its {len(wanted)} tensors from"
        more = f", and {len(anew) - _NAMED} more" if len(anew) > _NAMED else ""
        rest = f"; anew: {', '.join(sorted(anew)[:_NAMED])}{more}" if anew else ""
        return f"{said} {self.source}{rest}"


def _critic_in(folder: Path) -> Mapping[str, Tensor] | None:
    if (folder / CRITIC).is_file():
        return read_weights(folder / CRITIC)
    checkpoint = newest_checkpoint(folder.parent) if folder.name == "model" else None
    if checkpoint is None:
        return None
    try:
        weights: Mapping[str, Tensor] = checkpoint.load("cpu")["game"]["critic"]["network"]
    except (KeyError, TypeError):
        raise CheckpointError(f"{checkpoint.folder} holds no critic") from None
    finite = all(isinstance(t, Tensor) and bool(t.isfinite().all()) for t in weights.values())
    if not finite:
        raise CheckpointError(f"{checkpoint.folder}: its critic holds NaN or infinite numbers")
    return weights


def _alike(one: Tensor, other: Tensor) -> bool:
    return one.shape == other.shape and one.dtype == other.dtype


def _shape(tensor: Tensor | None) -> str:
    return "nothing" if tensor is None else "×".join(map(str, tensor.shape)) or "a number"
