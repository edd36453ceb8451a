"""What a user keeps: a trained generator that makes pictures, sentences or sounds.

A model folder holds ``model.safetensors``, ``config.json`` and ``README.md``; it loads without the
recipe, without the data and without unpickling anything."""

import base64
from dataclasses import asdict
from html import escape
from pathlib import Path
from typing import Any

import torch
from torch import nn

from multigan.adversarial.condition import shapes_read
from multigan.adversarial.dotted import is_dotted
from multigan.adversarial.game import introduce
from multigan.adversarial.handed import is_handed
from multigan.atomic import write_atomically
from multigan.devices import pick_device
from multigan.domains.base import Domain, domain_type
from multigan.domains.shown import png
from multigan.errors import AbsentError, CheckpointError, RecipeError
from multigan.kept import card
from multigan.kept.config import FILE as CONFIG
from multigan.kept.config import FORMAT, Config, PlayerName, is_ours, read_config
from multigan.kept.folder import check_digests, find_folder, given_from_python, write_folder
from multigan.kept.hub import OnHub
from multigan.kept.weights import (
    CRITIC,
    WEIGHTS,
    check_layout,
    layout_of,
    load_weights,
    sketched,
)
from multigan.model.making import Item, Maker
from multigan.recipe.load import load_recipe
from multigan.trust import check_consent
from multigan.version import __version__

_INLINE = 16  # samples in a notebook


class Model(Maker[Item], OnHub):
    """A generator ready to use.

    >>> model = multigan.load("runs/first")
    >>> pictures = model.generate(16, seed=0)
    """

    def opened(self, name: str, value: Any, trust_code: bool = False) -> Any:
        """An option's value; the model itself where it is the folder of one, loaded with
        ``trust_code``."""
        models = {option.name for option in self.domain.options if option.model}
        if name not in models or isinstance(value, Model):
            return value
        folders = (Path(value) / "model", Path(value))
        ours = any(is_ours(folder / CONFIG) for folder in folders)
        return load(value, device=str(self._device), trust_code=trust_code) if ours else value

    def _repr_html_(self) -> str:
        """What it is and, unless it needs something to make them from, some samples, for
        notebooks."""
        told, presenter = f"<div>{escape(repr(self))}</div>", self.domain.presenter
        if self.domain.needs_condition:
            return told
        items = self.generate(min(presenter.shown, _INLINE))
        lines = "".join(f"<li>{escape(line)}</li>" for line in presenter.lines(items))
        sheet = None if lines else presenter.sheet(items)
        if sheet is None:
            return told + (f"<ol>{lines}</ol>" if lines else "")
        content = base64.b64encode(png(sheet)).decode()
        return f'{told}<img alt="samples" src="data:image/png;base64,{content}">'

    def to(self, device: torch.device | str) -> "Model[Item]":
        """The same model on another device."""
        self.generator.to(device)
        if self.critic is not None:
            self.critic.to(device)
        return self

    def save(self, folder: Path | str) -> Path:
        """Write the model folder; a crash at any moment leaves the model that was there or this
        one."""
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        self.domain.save(folder)
        config = {
            "format": FORMAT,
            "multigan": __version__,
            "samples": self.clock,
            "facts": asdict(self.facts),
            "condition": self.domain.condition_shape,
            "recipe": self.recipe.to_dict(),
            "networks": {
                "generator": _class_name(self.generator),
                "critic": _class_name(self.critic),
            },
        }
        networks = {WEIGHTS: self.generator}
        if self.critic is not None:
            networks[CRITIC] = self.critic
        write_folder(folder, networks, config, self.domain.assets)
        write_atomically(folder / "README.md", model_card(self))
        return folder

    @classmethod
    def from_pretrained(cls, source: str | Path, **loading: Any) -> "Model":
        """`load`, by the name that other libraries have for it."""
        return load(source, **loading)


def load(
    source: str | Path,
    *,
    device: str | torch.device = "cpu",
    generator: nn.Module | None = None,
    trust_code: bool = False,
    revision: str | None = None,
    domain: str | None = None,
) -> Model:
    """Load a model from a run folder, a model folder or a hub id (``user/name``) at a ``revision``.

    ``generator`` is needed only where the training was given a module rather than a name.
    ``trust_code`` agrees to import and run the networks, objective or domain it names that are not
    multigan's and were not trained here. ``domain`` says which kind of data it must be of, such as
    ``"image"``: a type checker then knows what its samples are. Raises `CheckpointError` for what
    cannot be loaded, and for a model of another kind.
    """
    folder = find_folder(source, trust_code, revision)
    config = read_config(folder)
    check_consent(config.recipe, folder, trust_code)
    try:
        recipe = load_recipe(config.recipe, trust_code=True)
    except RecipeError as error:
        raise RecipeError(f"{folder / CONFIG}: recipe: {error}") from None
    if domain not in (None, recipe.domain):
        raise CheckpointError(
            f"{folder} holds a model of the domain {recipe.domain}, and domain = {domain!r} was "
            "asked for"
        )
    kind = domain_type(recipe.domain)(recipe, config.made_facts())
    kind.check_facts()
    kind.condition_shape = _condition_shape(config, folder) or kind.condition_shape
    clock = check_digests(folder, config)
    kind.restore(folder)
    network = generator
    if network is None:
        network = _network(kind, "generator", config, folder / WEIGHTS)
    if network is None:
        raise AbsentError(given_from_python(folder, config.networks["generator"] or ""))
    critic = None
    if kind.keeps_critic and _has_critic(config, folder):
        critic = _network(kind, "critic", config, folder / CRITIC)
    loaded = load_weights(network, folder / WEIGHTS)
    if critic is not None:
        critic = load_weights(critic, folder / CRITIC)
        introduce(critic, loaded)
    return Model(kind, loaded, clock, critic).to(pick_device(device))


def _condition_shape(config: Config, folder: Path) -> Any:
    try:
        return shapes_read(config.condition)
    except ValueError as error:
        raise CheckpointError(f"{folder / CONFIG}: {error}") from None


def _network(domain: Domain, player: PlayerName, config: Config, path: Path) -> nn.Module | None:
    """The network that the recipe names, if it is of the class whose weights were kept.

    What is built in takes no memory before the file is known to hold as much."""
    name = getattr(domain.recipe, player).network
    if is_handed(name):
        return None
    if not is_dotted(name):
        sketch = sketched(lambda: domain.network(player), f"{path}: its {player}")
        if not _was_kept(sketch, player, config):
            return None
        check_layout(path, layout_of(sketch))
    network = domain.network(player)
    return network if _was_kept(network, player, config) else None


def _was_kept(network: nn.Module, player: PlayerName, config: Config) -> bool:
    known = config.networks.get(player, _class_name(network))
    return _wherever(known) == _wherever(_class_name(network))


def _wherever(name: str | None) -> str | None:
    """A class of multigan's own without its module: those have moved."""
    ours = name is not None and name.startswith(f"{__name__.partition('.')[0]}.")
    return name.rpartition(":")[2] if name is not None and ours else name


def _has_critic(config: Config, folder: Path) -> bool:
    return CRITIC in config.sha256 if config.sha256 else (folder / CRITIC).is_file()


def _class_name(network: nn.Module | None) -> str | None:
    return None if network is None else f"{type(network).__module__}:{type(network).__qualname__}"


def model_card(model: Model, **more: Any) -> str:
    """The model's README in Markdown; ``more`` as for `card.model_card`."""
    task = model.domain.presenter.pipeline_tag
    shape = model.facts.shape
    return card.model_card(model.recipe, model.classes, shape, model.clock, task=task, **more)
