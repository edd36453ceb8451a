"""Players that begin with what another training has learnt, as far as names and shapes agree."""

import re
from collections.abc import Mapping, Sequence
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
_NUMBER = re.compile(r"\.\d+\.")
_Tensors = Mapping[str, Tensor]


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

        Raises `UserError` where nothing of the generator agrees, or not what is not to learn."""
        layers = game.settings.critic.frozen_layers
        lines = [
            self.begin("generator", game.generator.network),
            self.begin("critic", game.critic.network, layers),
        ]
        game.ema.network.load_state_dict(game.generator.network.state_dict())
        return lines

    def begin(self, name: str, network: nn.Module, frozen_layers: int = 0) -> str:
        """Let one player begin with it, of which so many layers have been frozen; says what it
        took."""
        given = self.weights.get(name)
        if given is None and frozen_layers:
            raise UserError(
                f"train.init_from = {self.source!r} has no critic to give, and "
                f"game.critic.frozen_layers = {frozen_layers} keeps layers of it: name a run, "
                "whose checkpoints have one, or set game.critic.frozen_layers = 0"
            )
        if given is None:
            return f"The {name} begins anew: {self.source} has none to give"
        wanted = network.state_dict()
        taken, aligned = _agreeing(given, wanted)
        self._check(name, taken, _frozen(network) if frozen_layers else (), wanted)
        network.load_state_dict({**wanted, **taken})
        said = f"The {name} begins with {len(taken)} of its {len(wanted)} tensors from"
        how = ", counted from its last layer" if aligned else ""
        layers = "layer does" if frozen_layers == 1 else f"{frozen_layers} layers do"
        kept = f"; its first {layers} not learn" if frozen_layers else ""
        return f"{said} {self.source}{how}{kept}{_anew(taken, given, wanted, aligned)}"

    def _check(
        self, name: str, taken: _Tensors, frozen: Sequence[str], wanted: Mapping[str, Tensor]
    ) -> None:
        if name == "generator" and not any(tensor.dim() > 1 for tensor in taken.values()):
            raise UserError(
                f"train.init_from = {self.source!r}: no tensor of its generator has the name and "
                "shape of one here; choose the network and the width that it has"
            )
        if strange := [f"{n} {_shape(wanted[n])}" for n in frozen if n not in taken]:
            raise UserError(
                f"game.critic.frozen_layers: {', '.join(strange[:_NAMED])} would stay untrained, "
                f"for the critic of {self.source} has it in another shape or not at all: freeze "
                "fewer layers, or choose the network, width and channels that it has"
            )


def _frozen(network: nn.Module) -> list[str]:
    kept = network.state_dict()
    return [n for n, p in network.named_parameters() if not p.requires_grad and n in kept]


def _agreeing(given: _Tensors, wanted: _Tensors) -> tuple[dict[str, Tensor], bool]:
    """The tensors given for names that are wanted, of their shapes, and whether layers were counted
    from the last one: a picture twice as large has a layer more, and then more may agree so."""
    by_name = {n: given[n] for n in wanted if n in given and _alike(given[n], wanted[n])}
    ours, theirs = _families(wanted), _families(given)
    pairs = [
        pair
        for family in ours.keys() & theirs.keys()
        for pair in zip(reversed(ours[family]), reversed(theirs[family]), strict=False)
    ]
    from_last = {n: given[other] for n, other in pairs if _alike(given[other], wanted[n])}
    if _values(from_last) > _values(by_name):
        return from_last, True
    return by_name, False


def _families(tensors: _Tensors) -> dict[str, list[str]]:
    """Names that differ by the number of a layer alone, in order."""
    found: dict[str, list[str]] = {}
    for name in tensors:
        found.setdefault(_NUMBER.sub(".#.", name, count=1), []).append(name)
    return found


def _values(tensors: _Tensors) -> int:
    return sum(tensor.numel() for tensor in tensors.values())


def _anew(taken: _Tensors, given: _Tensors, wanted: _Tensors, aligned: bool) -> str:
    """What begins anew, in words, and where it is the same layer in which shape it was given."""
    anew = sorted(wanted.keys() - taken, key=lambda n: (-wanted[n].dim(), n))
    first = anew[:_NAMED]
    before = {n: "" if aligned or n not in given else f"{_shape(given[n])} -> " for n in first}
    more = f", and {len(anew) - _NAMED} more" if len(anew) > _NAMED else ""
    told = ", ".join(f"{n} {before[n]}{_shape(wanted[n])}" for n in first)
    return f"; anew: {told}{more}" if anew else ""


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


def _shape(tensor: Tensor) -> str:
    return "×".join(map(str, tensor.shape)) or "a number"
