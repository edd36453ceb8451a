"""The typed recipe of the image domain. Needs no torch."""

from dataclasses import replace
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field
from pydantic.dataclasses import dataclass

from multigan.adversarial.schedules import SETTINGS
from multigan.domains.image.scale import checked_range
from multigan.recipe.settings import DataSettings, NetworkSettings, PretrainingSettings, Recipe

SCALED = ("dcgan", "gated", "residual", "resnet", "projected")
"""Networks that double or halve feature maps, and so take whole multiples."""
UNETS = ("unet", "unet-contrastive")
"""Networks from picture to picture."""
UNPAIRED = "translate-unpaired"
OF_THE_TRUE = ("l1", "features", "perceptual")
"""Terms that compare with the true picture, where there is one."""
Width = Annotated[int, Field(ge=1, le=4096)]


@dataclass(kw_only=True, frozen=True, config=SETTINGS)
class ImageData(DataSettings):
    """Where pictures come from and what is made of them."""

    source: str
    """digits (built in), a set of torchvision (mnist, cifar10, svhn, food101, …), hf:USER/SET, a
    folder, a .zip, .tar, .npz, .npy or .parquet, or an idx file or folder of them."""
    split: Literal["train", "test"] = "train"
    """train | test, for sources that have both."""
    size: Annotated[int, Field(ge=4, le=1024)]
    """Width and height in pixels."""
    channels: Literal[1, 2, 3, 4]
    """1 (grey) | 3 (RGB) | 4 (RGB and transparency) | 2 (only with data.stack = 2)."""
    range: Annotated[str, AfterValidator(checked_range)] = "auto"
    """What becomes black and white of 16-bit and float pictures, the same in all of them: auto (the
    bits they use) | 8bit | 16bit | full (their smallest and largest value) | LOW..HIGH."""
    depth: Literal["auto", 8, 16] = "auto"
    """Bits that pictures are stored, learnt and written with: 8 | 16 (grey ones alone) | auto (16
    for grey pictures of 16 bits or floats)."""
    stack: Annotated[int, Field(ge=1, le=3)] = 1
    """Lay so many random grey pictures over each other as channels (Stacked MNIST: 3 digits, 1000
    modes)."""
    fit: Literal["crop", "pad", "stretch"] = "crop"
    """crop the middle square | pad to a square | stretch."""
    labels: bool = False
    """Learn to make pictures of a class: from subfolders or the dataset's labels."""
    held_out: Annotated[float, Field(ge=0, le=0.5)] = 0.0
    """Share of a folder's or zip's pictures that is kept from training, for `multigan evaluate`."""
    task: Literal[
        "make",
        "repair",
        "enlarge-2",
        "enlarge-4",
        "enlarge-2-worn",
        "enlarge-4-worn",
        "colour",
        "translate",
        "translate-unpaired",
    ] = "make"
    """make from nothing | repair holes | enlarge-2, enlarge-4 | the same of worn pictures | colour
    grey ones | translate each into its namesake of `pairs` | translate-unpaired: into one that
    might be of `pairs`, whatever their names."""
    pairs: str | None = None
    """The folder of what is to be made of the pictures of `source`, under the same names; left out,
    `source` holds both, as folders A and B or side by side."""
    flip: bool = False
    """Mirror real pictures left to right at random."""
    unreadable: Annotated[float, Field(ge=0, le=1)] = 0.1
    """Share of unreadable files above which the run stops."""


def keeps_depth(data: ImageData) -> bool:
    """Whether such pictures may keep 16 bits."""
    return data.channels == 1 and data.task == "make"


@dataclass(kw_only=True, frozen=True, config=SETTINGS)
class ImageGenerator(NetworkSettings):
    """The network that makes pictures."""

    network: str = "dcgan"
    """dcgan | gated | residual (R3GAN's) | resnet (WGAN-GP's, SNGAN's) | mlp | unet (from picture
    to picture) | unet-contrastive (for translate-unpaired), or your own as
    'package.module:Class'."""
    size: Literal["", "small", "base", "large"] = ""
    """small | base | large: half, once or twice the widths of both players; the recipe that is kept
    has the widths."""
    latent: Width = 64
    """Dimensions of the latent z."""
    width: Width = 64
    """Channels of the finest map of dcgan, gated and residual, of all maps of resnet; units of the
    first hidden layer of mlp."""
    widest: Width = 1024
    """Most channels of a layer: the first ones of large pictures are cut to it."""
    depth: Annotated[int, Field(ge=1, le=16)] = 2
    """Blocks at each scale of residual, at the coarsest of unet."""
    label_norm: bool = False
    """Labels are the scales and shifts of dcgan's batch norm (de Vries et al. 2017); false: they
    stand beside the latent."""
    scales: Annotated[int, Field(ge=0, le=8)] = 3
    """How often unet halves a picture."""
    unshuffle: Annotated[int, Field(ge=1, le=8)] = 1
    """So many pixels by as many are one place of unet's finest map, their values its channels."""


@dataclass(kw_only=True, frozen=True, config=SETTINGS)
class ImageCritic(NetworkSettings):
    """The network that judges pictures."""

    network: str = "dcgan"
    """dcgan | residual (R3GAN's) | resnet (WGAN-GP's and SNGAN's) | projected | patch (of pairs) |
    mlp, or your own as 'package.module:Class'."""
    width: Width = 64
    """Channels of the finest map of dcgan and residual, of all maps of resnet and projected; units
    of the last hidden layer of mlp."""
    widest: Width = 1024
    """Most channels of a layer of dcgan, residual or patch."""
    scales: Annotated[int, Field(ge=1, le=8)] = 3
    """How often patch halves a picture: 3 let a logit see 70 pixels."""
    depth: Annotated[int, Field(ge=1, le=16)] = 2
    """Blocks at each scale of residual."""
    pairs: bool = True
    """Whether patch judges a picture beside what it is made of; not in translate-unpaired."""
    share: Annotated[float, Field(gt=0, le=1)] = 1.0
    """The share of its places that patch judges: those with the most of a hole, for repair; 1:
    all."""
    norm: Literal["none", "batch", "group"] = "none"
    """none | batch (the paper's; not with gradient penalties) | group."""
    spectral_norm: bool = False
    """Constrain the spectral norm of every layer."""
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Share of features dropped in mlp."""


@dataclass(kw_only=True, frozen=True, repr=False, config=SETTINGS)
class ImageRecipe(Recipe):
    """A recipe for pictures."""

    domain: str = "image"
    """image."""
    data: ImageData
    """Where pictures come from."""
    generator: ImageGenerator
    """The network that makes pictures."""
    critic: ImageCritic
    """The network that judges them."""
    known_terms: ClassVar[tuple[str, ...]] = ("perceptual", "patches")
    known_augmentations: ClassVar[tuple[str, ...]] = ("diffaugment",)
    reconstruction: PretrainingSettings | None = None
    """From picture to picture: the stage before the game, of the mean absolute difference alone."""

    def __post_init__(self) -> None:
        Recipe.__post_init__(self)
        self._resolve_size()
        if self.data.channels != self.data.stack and (
            self.data.stack > 1 or self.data.channels == 2
        ):
            raise ValueError(
                f"data.channels = {self.data.channels} with data.stack = {self.data.stack}: "
                "stacked pictures have a "
                f"channel each; set data.channels = {max(self.data.stack, 1)}"
            )
        for player in ("generator", "critic"):
            network = getattr(self, player).network
            if network in SCALED and (self.data.size % 8 or not 16 <= self.data.size <= 512):
                near = min(max(16, round(self.data.size / 8) * 8), 512)
                raise ValueError(
                    f"data.size = {self.data.size}: {player}.network = {network!r} takes any "
                    f"multiple of 8 from 16 to 512 pixels; the nearest is {near}"
                )
        self._check_depth()
        self._check_task()
        if self.critic.norm == "batch" and self.game.penalties.active():
            names = ", ".join(f"game.penalties.{name}" for name in self.game.penalties.active())
            raise ValueError(
                "critic.norm = 'batch' mixes the samples of a batch, so penalties per sample mean "
                "nothing: "
                f"use critic.norm = 'none' or 'group', or set the weight of {names} to 0"
            )

    def _resolve_size(self) -> None:
        """Both players as wide as ``generator.size`` says; it is cleared, as the widths have it."""
        factor = {"small": 0.5, "large": 2.0}.get(self.generator.size, 1.0)
        for name in ("generator", "critic"):
            player = getattr(self, name)
            widths = {key: getattr(player, key) for key in ("width", "widest")}
            scaled = {key: max(1, round(factor * width)) for key, width in widths.items()}
            cleared = {"size": ""} if name == "generator" else {}
            object.__setattr__(self, name, replace(player, **scaled, **cleared))

    def _check_depth(self) -> None:
        """Whether the pictures can have so many bits; raises ``ValueError``."""
        if self.data.depth == 16 and not keeps_depth(self.data):
            raise ValueError(
                "data.depth = 16 is of grey pictures made from nothing: set data.channels = 1 and "
                "data.task = 'make', or leave data.depth out"
            )

    def _check_task(self) -> None:
        """Whether networks and task fit each other; raises ``ValueError``."""
        task, network = self.data.task, self.generator.network
        makes = task == "make"
        if makes and (network in UNETS or self.reconstruction or self.critic.network == "patch"):
            raise ValueError(
                "unet, patch and reconstruction are for games from picture to picture: set "
                "data.task, such as data.task = 'repair'"
            )
        if not makes and network in ("dcgan", "gated", "residual", "resnet", "mlp"):
            raise ValueError(
                f"generator.network = {network!r} makes pictures from nothing, and data.task = "
                f"{task!r} from pictures: use generator.network = 'unet'"
            )
        if not makes and (self.data.stack > 1 or self.data.labels):
            raise ValueError(f"data.task = {task!r} knows neither stacks nor labels")
        if self.data.pairs is not None and task not in ("translate", UNPAIRED):
            raise ValueError(f"data.pairs is of data.task = 'translate', and the task is {task!r}")
        if task != "repair" and self.critic.share < 1:
            raise ValueError(
                f"critic.share = {self.critic.share:g} is of holes (data.task = 'repair'), and the "
                f"task is {task!r}: set critic.share = 1"
            )
        if task == "colour" and self.data.channels != 3:
            raise ValueError("data.task = 'colour' needs data.channels = 3")
        if task == UNPAIRED:
            self._check_unpaired()

    def _check_unpaired(self) -> None:
        """Whether nothing compares with a true picture: there is none; raises ``ValueError``."""
        if self.critic.network == "patch" and self.critic.pairs:
            raise ValueError(
                f"data.task = {UNPAIRED!r} has no pairs to judge: set critic.pairs = false"
            )
        terms = self.game.terms.items()
        compared = [n for n, t in terms if (t.function or n) in OF_THE_TRUE and t.weight.highest]
        if compared or self.reconstruction is not None:
            key = f"game.terms.{compared[0]}" if compared else "reconstruction"
            raise ValueError(
                f"{key} compares with the true picture, and data.task = {UNPAIRED!r} has none: "
                "leave it out; game.terms.patches keeps what is made to what it is made of"
            )
