"""From seeds, labels and conditions to samples: what a trained generator does."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Generic

import torch
from torch import Tensor, nn
from typing_extensions import TypeVar

from multigan.adversarial.condition import Condition
from multigan.adversarial.penalties import score
from multigan.adversarial.protocols import ReadsEmbedded, answers
from multigan.adversarial.randomness import BetweenDraw, IndexedDraw, derive_seed
from multigan.asked import Chunk, Distinct, Label, chunks_asked, is_one
from multigan.domains.base import Domain
from multigan.domains.conditions import seen_chunks
from multigan.errors import UserError
from multigan.options import asked_for, parted
from multigan.samples import Stored
from multigan.seeds import Seeds, check_seeds, drawn, seed_of, seeds_of, wanted

if TYPE_CHECKING:
    from multigan.recipe.settings import Recipe

Item = TypeVar("Item", default=Any)
"""What one sample is: a picture, a sentence, ...; anything where nobody said which kind of data."""

_PATIENCE = 20  # samples made for each one wanted at most, where all must differ
_CHUNK_ELSEWHERE = 128  # samples made at once on a GPU at least


class Maker(ABC, Generic[Item]):
    """A generator of a domain that makes samples, with a critic to choose among them where it has
    one."""

    def __init__(
        self,
        domain: Domain,
        generator: nn.Module,
        clock: int = 0,
        critic: nn.Module | None = None,
    ) -> None:
        assert domain.facts is not None
        self.critic = critic  # where the domain keeps it, for choosing among what was made
        self.domain, self.facts, self.clock = domain, domain.facts, clock
        self.generator = generator

    @property
    def recipe(self) -> "Recipe":
        """The recipe it was trained with."""
        return self.domain.recipe

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the labels it can be asked for; empty if it was trained without."""
        return self.facts.classes

    def generate(
        self,
        n: int | None = None,
        *,
        seed: Seeds = 0,
        label: Label | Sequence[Label] | None = None,
        condition: Any = None,
        **options: Any,
    ) -> list[Item]:
        """Make ``n`` samples: PIL images, sentences, or whatever the domain presents.

        Sample i follows from ``seed`` and i alone, however many are asked for; of several seeds
        each gives its first sample, and ``n`` is their number. ``label`` is a class
        name or number for all, or one for each; a number is a name where classes are called by
        numbers. A labelled model without one takes the classes in turn. A model that makes samples
        from something is given a ``condition``, and makes ``n`` of each: a file or a folder that
        its domain reads, or a tensor, tuple or dict of tensors ``(N, ...)`` as its networks were
        told. ``options`` are those of the domain, such as ``temperature``, and two for every model:
        ``filter=k`` keeps the best of k samples by the critic, where the model has kept it, and
        ``unique=True`` leaves out repeated ones, where they can be compared. Raises `UserError`
        for a label, condition or option it does not know."""
        seed = seeds_of(seed)
        n = wanted(n, seed)
        chunks = self.chunks(n, seed=seed, label=label, condition=condition, **options)
        return [item for chunk in chunks for item in chunk]

    def chunks(
        self,
        n: int,
        *,
        seed: Seeds = 0,
        label: Label | Sequence[Label] | None = None,
        condition: Any = None,
        unique: bool = False,
        **options: Any,
    ) -> Iterator[list[Item]]:
        """The same samples as `generate`, a list at a time, in memory that does not grow with
        ``n``."""
        if unique:
            if condition is not None:
                raise UserError("unique samples are compared, and a condition wants each its own")
            yield from self._distinct(n, seed, label, options)
            return
        writing, options = self._writing(options)
        asked = {"seed": seed, "label": label, "condition": condition}
        for made in self.representations(n, **asked, **options):
            yield self._presented(made, writing)

    def _writing(self, options: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        """Options that say how samples are finished, read; and the others, as they are."""
        writing, options = parted(self.domain.options, options, "writing")
        declared = [option for option in self.domain.options if option.writing]
        return asked_for(declared, writing, self.recipe.domain), options

    def _presented(self, made: Tensor, writing: Mapping[str, Any]) -> list[Any]:
        presenter = self.domain.presenter
        return presenter.finished(presenter.present(made), **writing)

    def _distinct(
        self, n: int, seed: Seeds, label: Label | Sequence[Label] | None, options: Mapping[str, Any]
    ) -> Iterator[list[Any]]:
        writing, options = self._writing(options)
        if not (label is None or is_one(label)):
            raise UserError("unique samples cannot have a label each: give one for all, or none")
        if not is_one(seed):
            raise UserError("unique samples follow from one seed, in turn: give one")
        distinct = Distinct(n)
        for made in self.representations(_PATIENCE * n, seed=seed, label=label, **options):
            yield distinct.of(self._presented(made, writing), self.domain.stored(made))
            if len(distinct) == n:
                return
        raise UserError(
            f"only {len(distinct):,} of {_PATIENCE * n:,} samples differ: ask for fewer, or raise "
            "the temperature"
        )

    @torch.no_grad()
    def between(
        self,
        n: int,
        seeds: tuple[int, int],
        *,
        label: Label | None = None,
        condition: Any = None,
        **options: Any,
    ) -> list[Item]:
        """``n`` samples on the way from the first sample of one seed to that of another, under one
        label or condition; ``options`` are those of the domain."""
        if n < 2:
            raise UserError(f"n = {n}: the way between two seeds needs at least 2 samples")
        first, last = (derive_seed("generate", seed_of(seed)) for seed in seeds)
        writing, options = self._writing(options)
        reading, options = parted(self.domain.options, self._checked(1, options))
        items: list[Any] = []
        label = 0 if label is None and self.classes else label
        for chunk in self._asked(n, label, condition, reading):
            draw = BetweenDraw(first, chunk.indices, self._device, other=last, last=n - 1)
            made = self._make(draw, chunk.condition, options)
            items += self._presented(chunk.finish(made[: chunk.wanted]), writing)
        return items

    def representations(
        self,
        n: int,
        *,
        seed: Seeds = 0,
        label: Label | Sequence[Label] | None = None,
        condition: Any = None,
        filter: int = 1,
        **options: Any,
    ) -> Iterator[Tensor]:
        """The same samples as the critic would see them, ``(at most a chunk, *facts.shape)`` at a
        time."""
        if n < 1:
            raise UserError(f"n = {n}: ask for at least 1 sample")
        seed = seeds_of(seed)
        check_seeds(seed, n, condition)
        reading, options = parted(self.domain.options, self._checked(filter, options))
        for chunk in self._asked(n, label, condition, reading):
            try:
                made = self._best(filter, chunk.indices, seed, chunk.condition, options)
            except (RuntimeError, TypeError, ValueError, IndexError) as error:
                raise self._refusal(error, condition) from error
            yield chunk.finish(made[: chunk.wanted])

    def remade(
        self, stored: Stored, *, seed: int = 0, filter: int = 1, **options: Any
    ) -> Iterator[Tensor]:
        """What it makes of the conditions of stored samples, one of each, a chunk at a time."""
        options = self._checked(filter, options)
        for chunk in seen_chunks(self.domain, stored, self.chunk, self._device):
            made = self._best(filter, chunk.indices, seed, chunk.condition, options)
            yield made[: chunk.wanted]

    def _checked(self, filter: int, options: Mapping[str, Any]) -> dict[str, Any]:
        """Options that the domain knows, other models among them opened."""
        options = asked_for(self.domain.options, options, self.recipe.domain)
        if filter < 1 or (filter > 1 and self.critic is None):
            known = (
                "1 or more"
                if self.critic is not None
                else "1: this model was kept without its critic"
            )
            raise UserError(f"filter = {filter}: choose {known}")
        return {name: self.opened(name, value) for name, value in options.items()}

    @staticmethod
    def _refusal(error: Exception, condition: Any) -> Exception:
        """What to raise for an error of the networks: the user's, where the condition is."""
        if condition is None or isinstance(error, UserError | torch.OutOfMemoryError):
            return error
        return UserError(f"the networks cannot take this condition: {error}")

    @property
    def _device(self) -> torch.device:
        return next(self.generator.parameters()).device

    @property
    def chunk(self) -> int:
        """Samples made at once, always: so none depends on how many there are."""
        on_cpu = self._device.type == "cpu"
        return self.domain.chunk if on_cpu else max(_CHUNK_ELSEWHERE, self.domain.chunk)

    def _asked(
        self,
        n: int,
        label: Label | Sequence[Label] | None,
        condition: Any,
        reading: Mapping[str, Any] | None = None,
    ) -> Iterator[Chunk]:
        size, device = self.chunk, self._device
        return chunks_asked(self.domain, self.facts, n, label, condition, size, device, reading)

    @torch.no_grad()
    def _best(
        self,
        candidates: int,
        indices: Sequence[int],
        seed: Seeds,
        condition: Condition,
        options: Mapping[str, Any],
    ) -> Tensor:
        """For each sample the one of several that the critic scores highest."""
        best = self._make(drawn(self._device, indices, seed), condition, options)
        highest = None
        for i in range(1, candidates):
            if highest is None:
                highest = self._score(best, condition)
            other = self._make(drawn(self._device, indices, seed, i), condition, options)
            score = self._score(other, condition)
            better = score > highest
            best = other.where(better.view(-1, *[1] * (other.dim() - 1)), best)
            highest = score.maximum(highest)
        return best

    def _score(self, x: Tensor, condition: Condition) -> Tensor:
        critic: Any = self.critic
        embedded = critic.embed(x) if answers(critic, ReadsEmbedded) else x
        return score(critic.eval()(embedded, condition))

    def _make(self, draw: IndexedDraw, condition: Condition, options: Mapping[str, Any]) -> Tensor:
        return self.domain.make(self.generator.eval(), draw, condition, **options)

    @abstractmethod
    def opened(self, name: str, value: Any, trust_code: bool = False) -> Any:
        """An option's value; the model itself where it is the folder of one."""
