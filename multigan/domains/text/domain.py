"""Sentences: stored as rows of token ids ``(n, T)``, seen by the critic as relaxed one-hots ``(N,
T, V)``."""

from collections.abc import Mapping, Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from multigan.adversarial.protocols import answers
from multigan.adversarial.randomness import Draw, IndexedDraw
from multigan.adversarial.terms import GeneratorTerm
from multigan.domains.base import Domain
from multigan.domains.facts import check_shape
from multigan.domains.pretraining import Pretraining
from multigan.domains.text.corpus import Corpus, open_corpus
from multigan.domains.text.generator import SequenceGenerator, TextNoise
from multigan.domains.text.handed import keep_sentences
from multigan.domains.text.likelihood import counted
from multigan.domains.text.networks import CRITICS, GENERATORS
from multigan.domains.text.options import OPTIONS
from multigan.domains.text.presenter import TextPresenter
from multigan.domains.text.protocols import WritesPlainly
from multigan.domains.text.ruler import TextRuler
from multigan.domains.text.settings import TextRecipe
from multigan.domains.text.sources import BUILT_IN
from multigan.domains.text.terms import hand_over, likelihood_loss, terms_of
from multigan.domains.text.tokeniser import FILE, Tokeniser, load_tokeniser
from multigan.errors import UserError
from multigan.recipe.settings import Recipe
from multigan.samples import Facts, Stored

_ASSETS = "tokeniser"


class TextDomain(Domain):
    """Sentences of up to ``data.length`` tokens, with or without labels."""

    recipe: TextRecipe
    ruler: TextRuler
    recipe_type = TextRecipe
    generators, critics = GENERATORS, CRITICS
    options = OPTIONS
    presenter_type = TextPresenter
    ruler_type = TextRuler
    sources = tuple(BUILT_IN)
    chunk = 256
    keeps_critic = True
    assets = (f"{_ASSETS}/{FILE}",)

    @cached_property
    def corpus(self) -> Corpus:
        """The sentences as tokens; raises `DataError`."""
        return open_corpus(self.recipe.data)

    @cached_property
    def tokeniser(self) -> Tokeniser:
        """Sentences to tokens and back."""
        return self.corpus.tokeniser

    def count(self) -> int:
        """The sentences to train on."""
        return len(self.corpus.train)

    def load(self) -> Stored:
        """The sentences as token ids ``(n, T)``, int32."""
        corpus = self.corpus
        self.facts = Facts((self.recipe.data.length, len(corpus.tokeniser)), corpus.classes)
        return corpus.train

    def network(self, player: str) -> nn.Module:
        """The network the recipe asks for; a generator begins with the frequencies of the tokens of
        real sentences.

        It never draws those that none has.
        """
        network = super().network(player)
        if isinstance(network, SequenceGenerator) and "corpus" in self.__dict__:
            network.never[list(self.corpus.never)] = True
            ids = self.corpus.train.samples
            network.begin_with(torch.bincount(ids[counted(ids)], minlength=network.vocabulary))
        return network

    def offered(self) -> Mapping[str, Any]:
        """A maker of networks like the generator, for a critic of language models."""
        return {"like": partial(self.network, "generator")}

    def represent(self, stored: Tensor, draw: Draw | IndexedDraw) -> Tensor:
        """Token ids ``(N, T)``, int64: a gather stands for the product with their one-hots."""
        return stored.long()

    def noise(self, draw: Draw | IndexedDraw) -> TextNoise:
        """z, a uniform number for each token, and the temperature of the relaxation at this
        moment."""
        recipe, length = self.recipe, self.recipe.data.length
        clock = draw.clock if isinstance(draw, Draw) else recipe.train.samples
        temperature = recipe.generator.temperature.at(clock, max(recipe.train.samples, 1))
        z, uniform = draw.normal("latent", recipe.generator.latent), draw.uniform("tokens", length)
        return TextNoise(z, uniform, uniform.new_full(uniform.shape[:1], temperature))

    def make(
        self,
        generator: Any,
        draw: IndexedDraw,
        condition: Any,
        /,
        *,
        temperature: float | None = None,
        prefix: str = "",
        **options: Any,
    ) -> Tensor:
        """Ids ``(N, T)``; ``temperature`` below 1 keeps to likely words, ``prefix`` begins every
        sentence."""
        temperature = self.recipe.generator.sampling if temperature is None else temperature
        if not 0 <= temperature <= 10:
            raise UserError(
                f"--temperature {temperature:g}: choose one from 0 (the likeliest words) to 10"
            )
        z, uniform, _ = self.noise(draw)
        if not answers(generator, WritesPlainly):  # a network of the user's own
            made: Tensor = generator(self.noise(draw), condition)
            return made
        begin = self._prefix(prefix)
        made = generator.sample(z, uniform, condition, temperature, begin, known=True)
        return made

    def _prefix(self, prefix: str) -> list[int]:
        prefix = " ".join(prefix.split())
        ids = self.tokeniser.tokens(prefix) if prefix else []
        if len(ids) >= self.recipe.data.length:
            raise UserError(
                f"--prefix has {len(ids)} tokens, the model's sentences {self.recipe.data.length}"
            )
        unknown = self.tokeniser.unknown_in(prefix) if prefix else []
        if unknown:
            raise UserError(f"--prefix {prefix!r}: the model has never seen {', '.join(unknown)}")
        return ids

    def stored(self, x: Tensor) -> Tensor:
        """Token ids ``(N, T)``, int32."""
        ids = x.argmax(-1) if x.is_floating_point() else x
        return ids.detach().cpu().to(torch.int32)

    def stages(self) -> Sequence[Pretraining]:
        """The likelihood stage."""
        settings, held = self.recipe.likelihood, self.corpus.held_out
        if settings is None:
            return ()
        measure = self.ruler.held_out_nll if len(held) else None
        language = self.recipe.critic.network == "language"
        lesson = partial(Pretraining, "likelihood", settings, likelihood_loss)
        return (lesson(measure, hand_over, critic=language),)

    def terms(self) -> Sequence[GeneratorTerm]:
        """The policy gradient where the estimator is one, the anchor at the likelihood, the entropy
        bonus."""
        return terms_of(self.recipe.generator)

    def check_facts(self) -> None:
        """Sentences are as long as the recipe says."""
        check_shape(self._known, (self.recipe.data.length, *self._known.shape[1:2]))

    def save(self, folder: Path) -> None:
        """The tokeniser."""
        self.tokeniser.save(folder / _ASSETS)

    def restore(self, folder: Path) -> None:
        """The tokeniser."""
        data = self.recipe.data
        self.tokeniser = load_tokeniser(folder / _ASSETS, data.tokeniser, data.lower)
        check_shape(self._known, (data.length, len(self.tokeniser)))

    @classmethod
    def adopt(cls, data: Any, recipe: Recipe) -> str:
        """Keep sentences of a program in the cache: strings, alone or with labels."""
        assert isinstance(recipe, TextRecipe)
        return keep_sentences(data, recipe.data)
