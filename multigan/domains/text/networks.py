"""The networks of sentences by name."""

from torch import nn

from multigan.domains.text.critics import ConvCritic, RelganCritic
from multigan.domains.text.language_critic import LanguageCritic
from multigan.domains.text.recurrent import GruGenerator, LstmGenerator, MemoryGenerator
from multigan.domains.text.transformer import TransformerGenerator

GENERATORS: dict[str, type[nn.Module]] = {
    "lstm": LstmGenerator,
    "gru": GruGenerator,
    "memory": MemoryGenerator,
    "transformer": TransformerGenerator,
}
CRITICS: dict[str, type[nn.Module]] = {
    "conv": ConvCritic,
    "relgan": RelganCritic,
    "language": LanguageCritic,
}
