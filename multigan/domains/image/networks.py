"""The networks of pictures by name."""

from torch import nn

from multigan.domains.image.contrast import ContrastiveUnet
from multigan.domains.image.dcgan import DcganCritic, DcganGenerator
from multigan.domains.image.gated import GatedGenerator
from multigan.domains.image.mlp import ImageMlpCritic, ImageMlpGenerator
from multigan.domains.image.projected import ProjectedCritic
from multigan.domains.image.residual import ResidualCritic, ResidualGenerator
from multigan.domains.image.resnet import ResnetCritic, ResnetGenerator
from multigan.domains.image.translators import PatchCritic, UnetGenerator

GENERATORS: dict[str, type[nn.Module]] = {
    "dcgan": DcganGenerator,
    "gated": GatedGenerator,
    "residual": ResidualGenerator,
    "resnet": ResnetGenerator,
    "unet": UnetGenerator,
    "unet-contrastive": ContrastiveUnet,
    "mlp": ImageMlpGenerator,
}
CRITICS: dict[str, type[nn.Module]] = {
    "dcgan": DcganCritic,
    "residual": ResidualCritic,
    "resnet": ResnetCritic,
    "projected": ProjectedCritic,
    "patch": PatchCritic,
    "mlp": ImageMlpCritic,
}
