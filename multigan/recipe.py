"""Recipes: small TOML files that say what differs, read into typed settings and checked as a whole.

A recipe has the sections ``[data]``, ``[generator]``, ``[critic]`` (typed by its domain), ``[game]`` (typed by
the core) and ``[train]``. ``extends`` names the recipe it builds on; overrides are ``key.sub = value``.
Needs no torch.
"""

import dataclasses
import json
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import field
from pathlib import Path
from typing import Annotated, Any, Literal

import tomli_w
from pydantic import Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from multigan.adversarial.schedules import SETTINGS, Schedule, Scheduled, constant
from multigan.adversarial.settings import GameSettings, PlayerSettings
from multigan.domains import recipe_type
from multigan.errors import RecipeError
from multigan.recipe_errors import explain_errors, known_keys, reject_unknown_keys
from multigan.resources import resource_folder

Count = Annotated[int, Field(ge=1)]


@dataclass(kw_only=True, frozen=True, config=SETTINGS)
class DataSettings:
    """Where real samples come from."""

    source: str
    """A built-in name, a folder, a .zip, a file, or the name of a public dataset."""


@dataclass(kw_only=True, frozen=True, config=SETTINGS)
class NetworkSettings:
    """Which network a player is."""

    network: str
    """A network of the domain, or your own as 'package.module:Class'."""
    options: dict[str, Any] = field(default_factory=dict)
    """Further keyword arguments for a network of your own."""


@dataclass(kw_only=True, frozen=True, config=SETTINGS)
class TrainSettings:
    """How long and how to train; every count is in real samples seen."""

    samples: Annotated[int, Field(ge=0)]
    """The budget: real samples the critic sees in all; 0 only where a stage before the game is all."""
    batch: Count = 64
    """Samples per update, over all processes and micro-batches."""
    accumulate: Count = 1
    """Micro-batches per update: the same update in less memory."""
    seed: int = 0
    """All randomness follows from it."""
    log_every: Count | None = None
    """Samples between rows of metrics.jsonl; a hundredth of the budget when left out."""
    sample_every: Count | None = None
    """Samples between pictures of the fixed-noise samples; a fortieth of the budget when left out."""
    save_every: Count | None = None
    """Samples between checkpoints; a tenth of the budget when left out."""
    evaluate_every: Count | None = None
    """Samples between quick evaluations against unseen real samples; left out: none. The best model is kept."""
    validation: Annotated[float, Field(ge=0, le=0.5)] = 0.0
    """Share of the training samples that the game never sees, for evaluate_every and sweeps to measure by, so that
    the test split stays unseen by what is chosen."""
    best: str | None = None
    """The measure that names the best model, such as MIND; left out: the Fréchet distance of the embedder."""
    tensorboard: bool = False
    """Also write scalars, pictures, sounds and sentences for TensorBoard into the run folder."""
    precision: Literal["fp32", "bf16"] = "fp32"
    """fp32 | bf16: autocast around the networks; losses and penalties stay in fp32."""
    compile: bool = False
    """Run the networks and the critic's loss, penalties included, through torch.compile."""
    channels_last: bool = True
    """Keep image networks and batches in channels-last memory order."""
    tf32: bool = False
    """Allow TF32 matrix products and convolutions on NVIDIA GPUs."""
    sync_batch_norm: bool = False
    """Share batch-norm statistics between processes (CUDA only)."""
    data_on_device: bool | None = None
    """Keep the whole dataset on the device; when left out, if it fits in 40 % of the free memory."""

    def every(self, what: Literal["log", "sample", "save", "evaluate"], budget: int) -> int | None:
        """Samples between two events of a kind in a training of ``budget`` samples in all; None: never."""
        given: int | None = getattr(self, f"{what}_every")
        if given is not None or what == "evaluate":
            return given
        return max(1, budget // {"log": 100, "sample": 40, "save": 10}[what])


@dataclass(kw_only=True, frozen=True, config=SETTINGS)
class WarmupSettings(PlayerSettings):
    """A stage before the game in which the generator learns alone, from a loss of its domain."""

    samples: Count
    """The budget of the stage, in real samples seen."""
    patience: Annotated[int, Field(ge=0)] = 5
    """The stage ends after so many checks of the held-out loss without a new best; 0 uses up the budget."""
    check_every: Count | None = None
    """Samples between two checks; a fiftieth of the budget when left out. The best weights found go on."""
    ema_half_life: Scheduled = field(default_factory=lambda: constant(0))
    """Half-life of the moving average that is checked and goes on, in samples; 0: the weights as they are."""
    lr: Scheduled = field(default_factory=lambda: constant(1e-3))
    """Learning rate: a number, or a schedule with warm-up."""
    beta1: Annotated[float, Field(ge=0, lt=1)] = 0.9
    """Adam's and AdamW's first beta, SGD's momentum."""
    beta2: Annotated[float, Field(ge=0, lt=1)] = 0.999
    """Adam's and AdamW's second beta, RMSprop's smoothing."""
    clip: Annotated[float, Field(ge=0)] = 5.0
    """Largest norm of the whole gradient; 0 does not clip."""

    def every(self) -> int:
        """Samples between two checks."""
        return self.check_every or max(1, self.samples // 50)


@dataclass(kw_only=True, frozen=True, config=SETTINGS)
class Recipe:
    """All that defines a training; domains subclass it with their own data and network sections."""

    domain: str
    """points | image | text | audio | series, or your own as 'package.module:Class'."""
    title: str = ""
    """What it makes."""
    paper: str = ""
    """The paper it follows."""
    cost: str = ""
    """What it takes: time, on what."""
    result: str = ""
    """What was measured."""
    data: DataSettings
    """Where real samples come from."""
    generator: NetworkSettings
    """The network that makes samples."""
    critic: NetworkSettings
    """The network that judges them."""
    game: GameSettings = field(default_factory=GameSettings)
    """Objective, penalties, stabilisers, optimisers."""
    train: TrainSettings
    """Budget, batch, cadence, precision."""

    @property
    def warmup_samples(self) -> int:
        """The budget of a stage before the game; 0: there is none."""
        return 0

    def __post_init__(self) -> None:
        if self.train.batch % self.train.accumulate:
            raise ValueError(
                f"train.accumulate = {self.train.accumulate} does not divide train.batch = {self.train.batch}"
            )
        alone = self.train.samples == 0 and self.warmup_samples > 0
        if not alone and self.train.samples < self.train.batch * self.game.critic.steps:
            raise ValueError(
                f"train.samples = {self.train.samples} is less than one round of train.batch × game.critic.steps"
                f" = {self.train.batch * self.game.critic.steps}"
            )
        for key, schedule in self.game.schedules().items():
            if not alone and not schedule.constant and schedule.begin >= (schedule.until or self.train.samples):
                raise ValueError(
                    f"{key} ends before it starts: it begins at {schedule.begin} samples, but the training "
                    f"ends at train.samples = {self.train.samples}"
                )

    def to_dict(self) -> dict[str, Any]:
        """The resolved recipe as plain numbers, strings and dictionaries, without what is left out."""
        return _plain(self)

    def to_toml(self) -> str:
        """The resolved recipe as TOML: itself a recipe."""
        return tomli_w.dumps(self.to_dict())


def _plain(value: Any) -> Any:
    if isinstance(value, Schedule) and value.constant:
        return value.start
    if dataclasses.is_dataclass(value):
        pairs = ((f.name, getattr(value, f.name)) for f in dataclasses.fields(value))
        return {name: _plain(v) for name, v in pairs if v is not None and v not in ("", {})}
    return value


def recipe_names(domain: str | None = None) -> list[str]:
    """The names of the shipped recipes, such as ``image/digits``."""
    folder = resource_folder("recipes")
    names = sorted(path.relative_to(folder).with_suffix("").as_posix() for path in folder.rglob("*.toml"))
    return [name for name in names if domain is None or name.split("/")[0] == domain]


def recipe_header(name: str) -> dict[str, str]:
    """Title, paper, cost and result of a shipped recipe."""
    content = tomllib.loads((resource_folder("recipes") / f"{name}.toml").read_text("utf-8"))
    return {key: content.get(key, "") for key in ("title", "paper", "cost", "result")}


def load_recipe(source: "str | Path | Mapping[str, Any] | Recipe", settings: Mapping[str, Any] | None = None) -> Recipe:
    """The typed recipe that a name, a TOML file or a dictionary gives, with ``settings`` laid over it.

    ``settings`` maps dotted keys to values; a string is coerced to the type of its key. Raises `RecipeError`
    that names the key for whatever cannot be right, before anything is loaded.
    """
    content = _content(source)
    kind = recipe_type(_domain(content, settings or {}))
    for key, value in (settings or {}).items():
        _override(content, key, value, kind)
    reject_unknown_keys(content, kind)
    try:
        # Through JSON: strict about numbers and strings, yet tables become settings.
        return _adapter(kind).validate_json(json.dumps(content, default=str))
    except ValidationError as error:
        raise RecipeError(explain_errors(error, content, kind)) from None


def _adapter(kind: type[Recipe]) -> TypeAdapter[Recipe]:
    return TypeAdapter(kind)


def _content(source: "str | Path | Mapping[str, Any] | Recipe") -> dict[str, Any]:
    if isinstance(source, Recipe):
        return source.to_dict()
    if isinstance(source, Mapping):
        return _extended(deepcopy(dict(source)), Path.cwd())  # overrides are written into it
    path = _find(str(source))
    return _extended(_read(path), path.parent)


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise RecipeError(f"{path} is not valid TOML: {error}") from None


def _find(source: str, beside: Path | None = None) -> Path:
    shipped = resource_folder("recipes") / f"{source}.toml"
    if source in recipe_names():
        return shipped
    for candidate in (beside / source if beside else Path(source), Path(source)):
        if candidate.is_file():
            return candidate
    import difflib

    near = difflib.get_close_matches(source, recipe_names(), n=1, cutoff=0.4)
    hint = f"did you mean {near[0]!r}? " if near else ""
    raise RecipeError(f"no recipe or file called {source!r}; {hint}Shipped recipes: {', '.join(recipe_names())}")


def _extended(content: dict[str, Any], folder: Path, depth: int = 0) -> dict[str, Any]:
    base = content.pop("extends", None)
    if base is None:
        return content
    if not isinstance(base, str):
        raise RecipeError(f"extends = {base!r} must be the name or the path of a recipe")
    if depth > 8:
        raise RecipeError(f"extends = {base!r}: recipes extend each other in a circle")
    path = _find(base, folder)
    below = _extended(_read(path), path.parent, depth + 1)
    header = ("paper", "cost", "result")  # a measured result is not inherited by what differs
    return _merged({k: v for k, v in below.items() if k not in header}, content)


def _merged(below: dict[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(below)
    for key, value in above.items():
        old = merged.get(key)
        merged[key] = _merged(old, value) if isinstance(old, dict) and isinstance(value, dict) else value
    return merged


def _domain(content: Mapping[str, Any], settings: Mapping[str, Any]) -> str:
    domain = settings.get("domain", content.get("domain"))
    if not isinstance(domain, str):
        raise RecipeError("a recipe needs `domain`, such as domain = 'image', or `extends`")
    return domain


def _override(content: dict[str, Any], key: str, value: Any, kind: type[Recipe]) -> None:
    known = known_keys(kind)
    if isinstance(value, str):
        value = _coerced(value, known.get(key))
    *sections, last = key.split(".")
    place = content
    for depth, section in enumerate(sections, 1):
        default = getattr(known.get(".".join(sections[:depth])), "default", None)
        below = place.setdefault(section, default.start if isinstance(default, Schedule) else {})
        if isinstance(below, int | float) and not isinstance(below, bool):  # a number becomes a schedule
            below = place[section] = {"start": below}
        if not isinstance(below, dict):
            raise RecipeError(f"{key}: `{section}` is {below!r}, it has no keys below it")
        place = below
    place[last] = value


def _coerced(text: str, expected: Any) -> Any:
    if expected is not None and str in expected.types:
        return text
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        lowered = text.strip().lower()
        return lowered == "true" if lowered in ("true", "false") else text


def differences(old: Mapping[str, Any], new: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any, Any]]:
    """The keys at which two resolved recipes differ: (key, old value, new value)."""
    for key in sorted(old.keys() | new.keys()):
        before, after, path = old.get(key), new.get(key), f"{prefix}{key}"
        if isinstance(before, dict) and isinstance(after, dict):
            yield from differences(before, after, f"{path}.")
        elif before != after:
            yield path, before, after


def parse_settings(pairs: Sequence[str] | None) -> dict[str, Any]:
    """``["train.batch=64"]`` as ``{"train.batch": "64"}``; raises `RecipeError` for what is no KEY=VALUE."""
    parsed = {}
    for pair in pairs or []:
        key, sign, value = pair.partition("=")
        if not sign or not key.strip():
            raise RecipeError(f"--set {pair}: write it as KEY=VALUE, such as --set train.batch=64")
        parsed[key.strip()] = value.strip()
    return parsed
