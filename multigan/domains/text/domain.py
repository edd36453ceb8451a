"""Sentences: stored as rows of token ids ``(n, T)``, seen by the critic as relaxed one-hots ``(N,
T, V)``."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import Any, ClassVar

import torch
from PIL import Image
from torch import Tensor, nn

from multigan.adversarial.game import GeneratorTerm
from multigan.adversarial.randomness import Draw, IndexedDraw
from multigan.domains.base import Domain, Warmup
from multigan.domains.shown import Exhibit, Snapshot
from multigan.domains.text.corpus import Corpus, open_corpus
from multigan.domains.text.critics import ConvCritic, RelganCritic
from multigan.domains.text.embedder import language_model_embedder
from multigan.domains.text.generator import SequenceGenerator, TextNoise
from multigan.domains.text.language_critic import LanguageCritic
from multigan.domains.text.likelihood import counted, held_out_nll
from multigan.domains.text.measures import AIMS, likelihoods, ruler, unigram
from multigan.domains.text.page import page, readable
from multigan.domains.text.recurrent import GruGenerator, LstmGenerator, MemoryGenerator
from multigan.domains.text.settings import TextRecipe
from multigan.domains.text.sources import BUILT_IN, read_lines
from multigan.domains.text.terms import hand_over, likelihood_loss, terms_of
from multigan.domains.text.tokeniser import END, Tokeniser, load_tokeniser
from multigan.domains.text.transformer import TransformerGenerator
from multigan.errors import DataError, UserError
from multigan.measures.embedder import Embedder
from multigan.pictures.grid import beside
from multigan.resources import cache_folder
from multigan.samples import Facts, Reals, Stored, halves

_HELD_OUT = 1000  # sentences the held-out likelihood is taken of while training
_BUCKETS = 256  # of hashed words and word pairs, the coordinates of a sentence
_ASSETS = "tokeniser"


class TextDomain(Domain):
    """Sentences of up to ``data.length`` tokens, with or without labels."""

    recipe: TextRecipe
    recipe_type = TextRecipe
    generators: ClassVar[dict[str, type[nn.Module]]] = {
        "lstm": LstmGenerator,
        "gru": GruGenerator,
        "memory": MemoryGenerator,
        "transformer": TransformerGenerator,
    }
    critics: ClassVar[dict[str, type[nn.Module]]] = {
        "conv": ConvCritic,
        "relgan": RelganCritic,
        "language": LanguageCritic,
    }
    sources = tuple(BUILT_IN)
    formats = ("txt", "jsonl")
    options = ("temperature", "prefix")
    embedders = ("lm",)
    aims = AIMS
    best = "likelihood/held_out"
    chunk = 256
    keeps_critic = True
    preview = 24

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

    def represent(self, stored: Tensor, draw: Draw) -> Tensor:
        """Token ids ``(N, T)``, int64: a gather stands for the product with their one-hots."""
        return stored.long()

    def noise(self, draw: Draw | IndexedDraw) -> TextNoise:
        """z, a uniform number for each token, and the temperature of the relaxation at this
        moment."""
        recipe, length = self.recipe, self.recipe.data.length
        clock = draw.samples if isinstance(draw, Draw) else recipe.train.samples
        temperature = recipe.generator.temperature.at(clock, max(recipe.train.samples, 1))
        z, uniform = draw.normal("latent", recipe.generator.latent), draw.uniform("tokens", length)
        return TextNoise(z, uniform, torch.full((len(draw),), temperature, device=draw.device))

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
        if not hasattr(generator, "sample"):  # a network of the user's own
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

    def items(self, stored: Tensor) -> list[str]:
        """The sentences, spelt as the data are."""
        return self.tokeniser.decode(stored.tolist())

    def write(self, items: Sequence[Any], folder: Path, format: str, start: int = 0) -> list[Path]:
        """All in one file, a sentence (txt) or an object ``{"text": ...}`` (jsonl) a line."""
        path = folder / f"sentences.{format}"
        lines = (
            items
            if format == "txt"
            else [json.dumps({"text": text}, ensure_ascii=False) for text in items]
        )
        with path.open("w" if start == 0 else "a", encoding="utf-8") as file:
            file.writelines(f"{line}\n" for line in lines)
        return [path]

    def lines(self, items: Sequence[Any]) -> list[str]:
        """The sentences themselves."""
        return list(items)

    def exhibits(self, items: Sequence[Any], about: str) -> list[Exhibit]:
        """The sentences themselves."""
        return [Exhibit("text", list(items), about)]

    def sheet(self, items: Sequence[Any]) -> Image.Image | None:
        """A page of the sentences, if the font has their characters."""
        return page(f"{len(items)} generated", items, 2 * len(items)) if readable(items) else None

    def picture(self, snapshot: Snapshot) -> Image.Image | None:
        """A page of generated sentences with one of real ones beside it."""
        fake, real = self.present(snapshot.fake), self.present(snapshot.real)
        if not readable(real):
            return None
        rows = len(real) * 3 // 2
        return beside(
            page(f"generated, {snapshot.samples:,} samples seen", fake, rows),
            page("real", real, rows),
        )

    def coordinates(self, x: Tensor) -> Tensor:
        """Counts ``(N, 256)`` of hashed words and pairs of words, sentences of any length alike."""
        ids = x.argmax(-1) if x.is_floating_point() else x
        pairs = ids[:, :-1] * 1_000_003 + ids[:, 1:]
        hashed = torch.cat([ids * 40_503, pairs * 69_069 + 1], 1) % 65_521 % _BUCKETS
        inside = torch.cat([ids != END, ids[:, 1:] != END], 1).float()
        return torch.zeros(len(ids), _BUCKETS, device=ids.device).scatter_add_(1, hashed, inside)

    def warmup(self) -> Warmup | None:
        """The likelihood stage."""
        settings, held = self.recipe.likelihood, self.corpus.held_out
        if settings is None:
            return None
        measure = self.held_out_nll if len(held) else None
        language = self.recipe.critic.network == "language"
        return Warmup("likelihood", settings, likelihood_loss, measure, hand_over, critic=language)

    def held_out_nll(self, network: nn.Module) -> float:
        """Nats a token of held-out sentences, unknown tokens left out; the z are always the
        same."""
        held, device = self.corpus.held_out, next(network.parameters()).device
        ids = held.samples[:_HELD_OUT].long().to(device)
        labels = None if held.labels is None else held.labels[:_HELD_OUT].to(device)
        z = Draw(0, 0, len(ids), torch.device("cpu"), range(len(ids))).normal(
            "held out", self.recipe.generator.latent
        )
        total, count = held_out_nll(network, ids, labels, z.to(device))
        return total / max(count, 1)

    def terms(self) -> Sequence[GeneratorTerm]:
        """The policy gradient where the estimator is one, the anchor at the likelihood, the entropy
        bonus."""
        return terms_of(self.recipe.generator)

    def real_samples(self, held_out: str | None = None) -> Reals:
        """The training sentences, and those of ``held_out`` (a file) or the ones kept apart."""
        try:
            train = self.load()
        except DataError:
            if held_out is None:
                raise
            return halves(self._read(held_out), held_out)
        if held_out is not None:
            test = self._read(held_out)
            return Reals(train, test, f"{len(test):,} sentences of {held_out}")
        test = self.corpus.held_out
        if not len(test):
            raise DataError(
                "data.held_out = 0: no sentence was kept apart; give a file of others with --data"
            )
        return Reals(train, test, f"{len(test):,} sentences kept from training")

    def _read(self, source: str) -> Stored:
        data = self.recipe.data
        texts = read_lines(source, data.field, "", data.unreadable).texts
        coded = self.tokeniser.encode(texts, data.length, data.long)
        return Stored(
            torch.from_numpy(coded.ids), fingerprint=hashlib.sha256(coded.ids.tobytes()).hexdigest()
        )

    def embedder(
        self, name: str | None, weights: str | None, reals: Reals, device: torch.device
    ) -> Embedder:
        """A small language model of the training sentences."""
        if name not in (None, *self.embedders):
            raise UserError(f"--embedder {name}: text knows {', '.join(self.embedders)}")
        assert self.facts is not None
        return language_model_embedder(reals.train, self.facts.shape[1])

    def own_measures(self, made: Tensor, reals: Reals) -> dict[str, float]:
        """BLEU, Self-BLEU, language-model scores, variety and copies of token ids ``(N, T)``."""
        return ruler(reals).measure(made)

    def real_measures(self, real: Tensor, reals: Reals) -> dict[str, float]:
        """The same of real sentences; what compares with the training set is taken of unseen
        ones."""
        return ruler(reals).measure(real) | ruler(reals).novelty(reals.test.samples[: len(real)])

    def model_measures(self, generator: nn.Module, reals: Reals) -> dict[str, float]:
        """The likelihood of unseen sentences, and its gap to that of training sentences."""
        return likelihoods(generator, reals, self.recipe.generator.latent)

    def trivial(self, train: Stored, count: int, seed: int) -> Tensor:
        """Words drawn by how frequent they are, in sentences as long as real ones."""
        return unigram(train, count, seed)

    def save(self, folder: Path) -> None:
        """The tokeniser."""
        self.tokeniser.save(folder / _ASSETS)

    def restore(self, folder: Path) -> None:
        """The tokeniser."""
        self.tokeniser = load_tokeniser(folder / _ASSETS)

    @classmethod
    def adopt(cls, items: Sequence[Any]) -> str:
        """Keep a list of sentences in the cache."""
        wrong = [item for item in items if not isinstance(item, str)]
        if wrong or not items:
            what = f"{wrong[0]!r} is no sentence" if wrong else "it is empty"
            raise DataError(f"data = a list of {len(items)}: {what}; give strings")
        content = "".join(json.dumps({"text": text}, ensure_ascii=False) + "\n" for text in items)
        path = (
            cache_folder() / "lists" / f"{hashlib.sha256(content.encode()).hexdigest()[:24]}.jsonl"
        )
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, "utf-8")
        return str(path)
