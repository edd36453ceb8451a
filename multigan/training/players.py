"""The players of a game, built from the recipe or given, and set up alike on every process."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import nn

from multigan.adversarial.augmentation import augmentation_of, suited
from multigan.adversarial.freezing import freeze_layers
from multigan.adversarial.game import Game
from multigan.adversarial.randomness import derive_seed
from multigan.adversarial.settings import GameSettings
from multigan.adversarial.terms import terms_of
from multigan.devices import multiplies_bf16
from multigan.domains.base import Domain
from multigan.errors import UserError
from multigan.training.distributed import Processes
from multigan.training.signatures import check_parameters
from multigan.training.whole_batch import has_batch_norm, share_batch_norm


@dataclass(frozen=True)
class Setup:
    """Where a game is set up: for which domain, on which device, shared by which processes."""

    domain: Domain
    device: torch.device
    processes: Processes
    note: Callable[[str], None]

    def game(
        self,
        generator: nn.Module | None = None,
        critic: nn.Module | None = None,
        count: int | None = None,
    ) -> Game:
        """The game of the recipe for ``count`` real samples; a network given is played with instead
        of the recipe's.

        Raises `UserError` for players that cannot play it."""
        recipe, train = self.domain.recipe, self.domain.recipe.train
        contests, given = self.domain.contests(), {"generator": generator, "critic": critic}
        makers = dict.fromkeys(name for contest in contests for name in contest.generators)
        kept = [name for name in makers if name != "generator"]
        if kept:
            self.note(f"model/ keeps the generator; {', '.join(kept)} stays in checkpoints/")
        rules = recipe.game if count is None else self._suited(recipe.game, count)
        if train.compile and self.device.type == "cpu":
            self.note(
                "! train.compile on a CPU takes minutes to begin, and then was slower than without "
                "wherever it was measured: leave it out here"
            )
        try:
            return Game(
                {name: self.player(name, given.get(name)) for name in makers},
                {one.critic: self.player(one.critic, given.get(one.critic)) for one in contests},
                rules,
                noise=self.domain.noise,
                contests=contests,
                augmentation=augmentation_of(rules, self.domain.augmentations),
                terms=[
                    *self.domain.terms(),
                    *terms_of(recipe.game.terms, self.domain.known_terms()),
                ],
                synchronise=self.processes.synchronise if self.processes.world > 1 else None,
                autocast=self._autocast(),
                compile=train.compile,
            )
        except ValueError as error:
            raise UserError(str(error)) from error

    def _autocast(self) -> torch.dtype | None:
        precision = self.domain.recipe.train.precision
        if precision != "auto":
            return torch.bfloat16 if precision == "bf16" else None
        fast = multiplies_bf16(self.device)
        self.note(
            "bf16: this device has units for it (train.precision = fp32 does without)"
            if fast
            else "fp32: this device has no units for bf16"
        )
        return torch.bfloat16 if fast else None

    def _suited(self, game: GameSettings, count: int) -> GameSettings:
        if not game.augment_enough or game.augment.highest == 0:
            return game
        found = suited(game, count)
        highest = found.augment.highest
        much = f"with the probability {highest:.2f}" if highest else "not at all"
        self.note(
            f"What the critic sees is augmented {much}: it has {count:,} real samples "
            f"(game.augment = {game.augment.highest:g} of few, 0 from {game.augment_enough:,} on)"
        )
        return found

    def player(self, name: str, given: nn.Module | None = None) -> nn.Module:
        """One network on the device, with the same first weights in every process."""
        train = self.domain.recipe.train
        with torch.random.fork_rng(devices=[]):
            # By name, not in turn: who else plays changes nothing about the first weights of a
            # player.
            torch.manual_seed(derive_seed(train.seed, name))
            network = given if given is not None else self.domain.network(name)
        check_parameters(name, network)
        if name == "critic":
            freeze_layers(network, self.domain.recipe.game.critic.frozen_layers)
        network = network.to(self.device).train()
        if train.channels_last and any(p.dim() == 4 for p in network.parameters()):
            network = network.to(memory_format=torch.channels_last)
        # The same first weights already, unless a network of the user's draws by itself or was
        # handed over.
        self.processes.broadcast(network)
        return self._shared_batch_norm(network, name)

    def _shared_batch_norm(self, network: nn.Module, name: str) -> nn.Module:
        train, world = self.domain.recipe.train, self.processes.world
        if world == 1 or not has_batch_norm(network):
            return network
        if not train.sync_batch_norm:
            self.note(
                f"The {name} has batch norm: each of the {world} processes normalises by its own "
                f"{len(self.processes.part(train.batch))} samples, and the first one's running "
                "statistics are kept, so this is not the training that one process would give. "
                "train.sync_batch_norm = true shares them."
            )
            return network
        if self.device.type == "cuda":
            return nn.SyncBatchNorm.convert_sync_batchnorm(network)
        return share_batch_norm(network, train.compile)
