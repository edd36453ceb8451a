"""The networks of sounds by name."""

from torch import nn

from multigan.domains.audio.cleaner import MaskGenerator
from multigan.domains.audio.mel_networks import MelCritic, MelGenerator
from multigan.domains.audio.specgan import SpecganCritic, SpecganGenerator
from multigan.domains.audio.vocoder import VocoderCritic, VocoderGenerator

GENERATORS: dict[str, type[nn.Module]] = {
    "mel-wgan": MelGenerator,
    "specgan": SpecganGenerator,
    "vocoder": VocoderGenerator,
    "mask": MaskGenerator,
}
CRITICS: dict[str, type[nn.Module]] = {
    "mel-wgan": MelCritic,
    "specgan": SpecganCritic,
    "vocoder": VocoderCritic,
}
