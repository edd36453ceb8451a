"""What a user keeps: a trained generator that makes pictures, sentences or sounds.

A model folder holds ``model.safetensors``, ``config.json`` and ``README.md``; it loads without the
recipe, without the data and without unpickling anything."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from multigan.adversarial.condition import Condition
from multigan.adversarial.game import introduce
from multigan.adversarial.penalties import score
from multigan.adversarial.protocols import ReadsEmbedded, answers
from multigan.adversarial.randomness import BetweenDraw, IndexedDraw, derive_seed
from multigan.asked import Chunk, Label, chunks_asked, is_one, shapes_read
from multigan.atomic import publish, write_atomically
from multigan.domains.base import Domain, domain_type
from multigan.domains.conditions import told
from multigan.errors import AbsentError, CheckpointError, UserError
from multigan.options import asked_for
from multigan.recipe.load import load_recipe
from multigan.samples import Facts, Stored
from multigan.trust import check_consent
from multigan.version import __version__

if TYPE_CHECKING:
    from multigan.recipe.settings import Recipe

_FORMAT = 1
_CRITIC = "critic.safetensors"
_PATIENCE = 20  # samples made for each one wanted at most, where all must differ
_CHUNK_ELSEWHERE = 128  # samples made at once on a GPU at least


class Model:
    """A generator ready to use.

    >>> model = multigan.load("runs/first")
    >>> pictures = model.generate(16, seed=0)
    """

    def __init__(
        self,
        domain: Domain,
        generator: nn.Module,
        samples: int = 0,
        critic: nn.Module | None = None,
    ) -> None:
        assert domain.facts is not None
        self.critic = critic  # where the domain keeps it, for choosing among what was made
        self.domain, self.facts, self.samples = domain, domain.facts, samples
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
        n: int = 1,
        *,
        seed: int = 0,
        label: Label | Sequence[Label] | None = None,
        condition: Any = None,
        **options: Any,
    ) -> list[Any]:
        """Make ``n`` samples: PIL images, sentences, or whatever the domain presents.

        Sample i follows from ``seed`` and i alone, however many are asked for. ``label`` is a class
        name or number for all, or one for each; a number is a name where classes are called by
        numbers. A labelled model without one takes the classes in turn. A model that makes samples
        from something is given a ``condition``, and makes ``n`` of each: a file or a folder that
        its domain reads, or a tensor, tuple or dict of tensors ``(N, ...)`` as its networks were
        told. ``options`` are those of the domain, such as ``temperature``, and two for every model:
        ``filter=k`` keeps the best of k samples by the critic, where the model has kept it, and
        ``unique=True`` leaves out repeated ones, where they can be compared. Raises `UserError`
        for a label, condition or option it does not know."""
        chunks = self.chunks(n, seed=seed, label=label, condition=condition, **options)
        return [item for chunk in chunks for item in chunk]

    def chunks(
        self,
        n: int,
        *,
        seed: int = 0,
        label: Label | Sequence[Label] | None = None,
        condition: Any = None,
        unique: bool = False,
        **options: Any,
    ) -> Iterator[list[Any]]:
        """The same samples as `generate`, a list at a time, in memory that does not grow with
        ``n``."""
        if unique:
            if condition is not None:
                raise UserError("unique samples are compared, and a condition wants each its own")
            yield from self._distinct(n, seed, label, options)
            return
        asked = {"seed": seed, "label": label, "condition": condition}
        for made in self.representations(n, **asked, **options):
            yield self.domain.presenter.present(made)

    def _distinct(
        self, n: int, seed: int, label: Label | Sequence[Label] | None, options: Mapping[str, Any]
    ) -> Iterator[list[Any]]:
        if not (label is None or is_one(label)):
            raise UserError("unique samples cannot have a label each: give one for all, or none")
        seen: set[Any] = set()
        for made in self.representations(_PATIENCE * n, seed=seed, label=label, **options):
            items = list(
                dict.fromkeys(
                    item for item in self.domain.presenter.present(made) if item not in seen
                )
            )
            items = items[: n - len(seen)]
            seen.update(items)
            yield items
            if len(seen) == n:
                return
        raise UserError(
            f"only {len(seen):,} of {_PATIENCE * n:,} samples differ: ask for fewer, or raise the "
            "temperature"
        )

    @torch.no_grad()
    def between(
        self,
        n: int,
        seeds: tuple[int, int],
        *,
        label: Label | None = None,
        condition: Any = None,
    ) -> list[Any]:
        """``n`` samples on the way from the first sample of one seed to that of another, under one
        label or condition."""
        if n < 2:
            raise UserError(f"n = {n}: the way between two seeds needs at least 2 samples")
        first, last = (derive_seed("generate", seed) for seed in seeds)
        items: list[Any] = []
        for chunk in self._asked(n, 0 if label is None and self.classes else label, condition):
            draw = BetweenDraw(first, chunk.indices, self._device, other=last, last=n - 1)
            made = self.domain.make(self.generator.eval(), draw, chunk.condition)
            items += self.domain.presenter.present(chunk.finish(made[: chunk.wanted]))
        return items

    def representations(
        self,
        n: int,
        *,
        seed: int = 0,
        label: Label | Sequence[Label] | None = None,
        condition: Any = None,
        filter: int = 1,
        **options: Any,
    ) -> Iterator[Tensor]:
        """The same samples as the critic would see them, ``(at most a chunk, *facts.shape)`` at a
        time."""
        if n < 1:
            raise UserError(f"n = {n}: ask for at least 1 sample")
        options = self._checked(filter, options)
        for chunk in self._asked(n, label, condition):
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
        for chunk in told(self.domain, stored, self.chunk, self._device):
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
        self, n: int, label: Label | Sequence[Label] | None, condition: Any
    ) -> Iterator[Chunk]:
        size, device = self.chunk, self._device
        return chunks_asked(self.domain, self.facts, n, label, condition, size, device)

    @torch.no_grad()
    def _best(
        self,
        candidates: int,
        indices: Sequence[int],
        seed: int,
        condition: Condition,
        options: Mapping[str, Any],
    ) -> Tensor:
        """For each sample the one of several that the critic scores highest."""
        best = self._make(indices, derive_seed("generate", seed), condition, options)
        highest = None
        for i in range(1, candidates):
            if highest is None:
                highest = self._score(best, condition)
            other = self._make(indices, derive_seed("generate", seed, i), condition, options)
            score = self._score(other, condition)
            better = score > highest
            best = other.where(better.view(-1, *[1] * (other.dim() - 1)), best)
            highest = score.maximum(highest)
        return best

    def _score(self, x: Tensor, condition: Condition) -> Tensor:
        critic: Any = self.critic
        embedded = critic.embed(x) if answers(critic, ReadsEmbedded) else x
        return score(critic.eval()(embedded, condition))

    def _make(
        self,
        indices: Sequence[int],
        seed: int,
        condition: Condition,
        options: Mapping[str, Any],
    ) -> Tensor:
        draw = IndexedDraw(seed, indices, self._device)
        return self.domain.make(self.generator.eval(), draw, condition, **options)

    def opened(self, name: str, value: Any, trust_code: bool = False) -> Any:
        """An option's value; the model itself where it is the folder of one, loaded with
        ``trust_code``."""
        models = {option.name for option in self.domain.options if option.model}
        if name not in models or isinstance(value, Model):
            return value
        folders = (Path(value) / "model", Path(value))
        ours = any(
            (folder / "model.safetensors").is_file() and is_ours(folder / "config.json")
            for folder in folders
        )
        return load(value, device=str(self._device), trust_code=trust_code) if ours else value

    def to(self, device: torch.device | str) -> "Model":
        """The same model on another device."""
        self.generator.to(device)
        if self.critic is not None:
            self.critic.to(device)
        return self

    def save(self, folder: Path | str) -> Path:
        """Write the model folder; each file is replaced as a whole."""
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        _save_weights(self.generator, folder / "model.safetensors")
        if self.critic is not None:
            _save_weights(self.critic, folder / _CRITIC)
        self.domain.save(folder)
        config = {
            "format": _FORMAT,
            "multigan": __version__,
            "samples": self.samples,
            "facts": asdict(self.facts),
            "condition": self.domain.condition_shape,
            "recipe": self.recipe.to_dict(),
            "networks": {
                "generator": _class_name(self.generator),
                "critic": _class_name(self.critic),
            },
        }
        write_atomically(folder / "config.json", json.dumps(config, indent=1) + "\n")
        write_atomically(folder / "README.md", model_card(self))
        return folder


def load(
    source: str | Path,
    *,
    device: str = "cpu",
    generator: nn.Module | None = None,
    trust_code: bool = False,
) -> Model:
    """Load a model from a run folder, a model folder or a hub id (``user/name``).

    ``generator`` is needed only where the training was given a module rather than a name.
    ``trust_code`` agrees to import and run the networks, objective or domain it names that are not
    multigan's and were not trained here. Raises `CheckpointError` for what cannot be loaded.
    """
    folder = _model_folder(source)
    try:
        config = json.loads((folder / "config.json").read_text())
        known = config["facts"]
        facts = Facts(tuple(known["shape"]), tuple(known["classes"]), known.get("constants", {}))
        condition = shapes_read(config.get("condition"))
        content, samples, version = config["recipe"], config["samples"], config["format"]
        made = config.get("networks", {})
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CheckpointError(
            f"{folder / 'config.json'} cannot be read as a multigan model: {error!r}"
        ) from None
    if version != _FORMAT:
        raise CheckpointError(
            f"{folder} has format {version}, this multigan reads {_FORMAT}: upgrade multigan"
        )
    if not isinstance(content, dict) or "extends" in content:
        raise CheckpointError(f"{folder / 'config.json'} holds no whole recipe")
    check_consent(content, folder, trust_code)
    recipe = load_recipe(content, trust_code=True)
    domain = domain_type(recipe.domain)(recipe, facts)
    if condition is not None:
        domain.condition_shape = condition
    domain.restore(folder)
    network = generator if generator is not None else domain.network("generator")
    if generator is None and made.get("generator", _class_name(network)) != _class_name(network):
        raise AbsentError(_given_from_python(folder, made["generator"]))
    critic = None
    if domain.keeps_critic and (folder / _CRITIC).is_file():
        named = domain.network("critic")
        if made.get("critic", _class_name(named)) == _class_name(named):
            critic = _load_weights(named, folder / _CRITIC)
    loaded = _load_weights(network, folder / "model.safetensors")
    if critic is not None:
        introduce(critic, loaded)
    return Model(domain, loaded, samples, critic).to(device)


def _class_name(network: nn.Module | None) -> str | None:
    return None if network is None else f"{type(network).__module__}:{type(network).__qualname__}"


def _given_from_python(folder: Path, name: str) -> str:
    short = name.rpartition(":")[2]
    return (
        f"{folder} was trained with a generator of your own, {name}: multigan.load(..., "
        f"generator={short}(...)); the "
        f'command line finds it when the recipe names it: generator.network = "your_module:{short}"'
    )


def _save_weights(network: nn.Module, path: Path) -> None:
    weights = {name: t.detach().cpu().contiguous() for name, t in network.state_dict().items()}
    publish(path, lambda beside: save_file(weights, beside))


def _load_weights(network: nn.Module, path: Path) -> nn.Module:
    try:
        network.load_state_dict(load_file(path))
    except (OSError, SafetensorError, RuntimeError) as error:
        raise CheckpointError(f"{path} cannot be loaded: {error}") from None
    return network.eval().requires_grad_(False)


def is_ours(config: Path) -> bool:
    """Whether a ``config.json`` is a multigan model's."""
    try:
        return "multigan" in json.loads(config.read_text())
    except (OSError, ValueError):
        return False


def _model_folder(source: str | Path) -> Path:
    path = Path(source)
    for folder in (path / "model", path):
        if (folder / "config.json").is_file():
            return folder
    if path.exists() or str(source).count("/") != 1 or str(source).startswith((".", "/", "~")):
        what = "holds no model yet" if path.exists() else "does not exist"
        raise AbsentError(
            f"{source} {what}: give a run folder, a model folder or a hub id (user/name)"
        )
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError

    try:
        return Path(snapshot_download(str(source)))
    except (OSError, HfHubHTTPError, ValueError) as error:
        raise CheckpointError(
            f"{source} is no folder here, and as a hub id it failed: {error}"
        ) from None


def model_card(model: Model) -> str:
    """The model's README in Markdown."""
    recipe, classes = model.recipe, ", ".join(model.classes)
    lines = [
        "---",
        "library_name: multigan",
        f"tags: [gan, {recipe.domain.split(':')[-1]}]",
        "---",
        "",
        f"# {recipe.title or 'A multigan model'}",
        "",
        f"Trained with multigan {__version__} on `{recipe.data.source}`; {model.samples:,} real "
        "samples seen;",
        f"network `{recipe.generator.network}` against critic `{recipe.critic.network}`, objective "
        f"`{recipe.game.objective}`. One sample has shape {list(model.facts.shape)}.",
        *([f"Labels: {classes}."] if classes else []),
        "",
        "```python",
        "import multigan",
        "",
        'model = multigan.load("path/to/this/folder")',
        "samples = model.generate(16, seed=0)",
        "```",
        "",
        "The whole recipe is in `config.json`. The weights are in `model.safetensors`; nothing is "
        "unpickled.",
        "",
    ]
    return "\n".join(lines)
