"""An embedder of sentences that needs no download: a small language model trained on the data,
once, and kept."""

import copy
import hashlib
import json
import logging
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from multigan.adversarial.optimisers import BUILT_IN
from multigan.adversarial.randomness import derive_seed, stream
from multigan.atomic import publish
from multigan.domains.text.likelihood import counted
from multigan.domains.text.recurrent import GruGenerator
from multigan.errors import reason
from multigan.measures.embedder import Embedded, Embedder
from multigan.resources import cache_folder
from multigan.samples import Stored

log = logging.getLogger(__name__)

_EMBEDDING, _WIDTH, _DROPOUT = 64, 64, 0.3
_SAMPLES, _BATCH, _LR = 40_000, 64, 3e-3
_VERSION = 1  # of the settings above: one more whenever they change


class LanguageModelEmbedder(Embedder):
    """The mean of a GRU's features over the tokens of a sentence, divided by its spread over real
    ones."""

    def __init__(self, network: GruGenerator) -> None:
        self.network, self.name = network, "lm"
        self.mean, self.spread = torch.zeros(_WIDTH), torch.ones(_WIDTH)

    @torch.no_grad()
    def embed(self, samples: Tensor) -> Embedded:
        """Stored token ids ``(N, T)``."""
        return Embedded((self._features(samples) - self.mean) / self.spread)

    def _features(self, samples: Tensor) -> Tensor:
        network, ids = self.network.eval(), samples.long()
        before = torch.nn.functional.embedding(ids[:, :-1], network.table)
        x = torch.cat([network.start.expand(len(ids), 1, -1), before], 1)
        features = network.features(x, torch.zeros(len(ids), 0))
        mask = counted(ids)[..., None]
        return (features * mask).sum(1) / mask.sum(1)

    @torch.no_grad()
    def standardise(self, samples: Tensor) -> None:
        """Take mean and spread from real sentences, and the hash from the weights."""
        features = torch.cat([self._features(part) for part in samples.split(256)])
        self.mean, self.spread = features.mean(0), features.std(0).clamp_min(1e-6)
        digest = hashlib.sha256()
        for name, tensor in sorted(self.network.state_dict().items()):
            digest.update(name.encode() + tensor.numpy().tobytes())
        self.hash = digest.hexdigest()[:12]


def language_model_embedder(train: Stored, vocabulary: int) -> LanguageModelEmbedder:
    """The embedder of a training set, from the cache or trained now; always on the CPU."""
    length = train.samples.shape[1]
    key = json.dumps([_VERSION, train.fingerprint, len(train), vocabulary, length])
    path = (
        cache_folder()
        / "embedders"
        / f"lm-{hashlib.sha256(key.encode()).hexdigest()[:24]}.safetensors"
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(derive_seed(0, "language model"))
        network = GruGenerator((length, vocabulary), 0, 0, _EMBEDDING, _WIDTH, dropout=_DROPOUT)
        before = copy.deepcopy(network)
        if not _kept(network, path):
            network = before  # what is damaged may have been taken in part
            _learn(network, train.samples)
            path.parent.mkdir(parents=True, exist_ok=True)
            publish(path, lambda beside: save_file(network.state_dict(), beside))
    embedder = LanguageModelEmbedder(network)
    embedder.standardise(train.samples[:10_000])
    embedder.description = (
        f"features of a GRU language model trained on the {len(train):,} training sentences"
    )
    return embedder


def _kept(network: GruGenerator, path: Path) -> bool:
    """Whether the language model was found in the cache, whole, and taken from there."""
    if not path.is_file():
        return False
    try:
        network.load_state_dict(load_file(path))
    except (OSError, SafetensorError, RuntimeError) as error:
        log.warning("the language model kept in %s is not taken: %s", path, reason(error))
        return False
    return True


def _learn(network: GruGenerator, samples: Tensor) -> None:
    batch = min(_BATCH, len(samples))
    rounds = _SAMPLES // batch
    optimiser = BUILT_IN["adam"](network.parameters(), lr=_LR, fused=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, _LR, total_steps=rounds)
    rows = stream("cpu", 0, "language model")
    for _ in range(rounds):
        ids = samples[torch.randint(len(samples), (batch,), generator=rows)].long()
        network.losses(ids, torch.zeros(batch, 0))[0].mean().backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 5.0)
        optimiser.step()
        optimiser.zero_grad(set_to_none=True)
        schedule.step()
