"""An embedder that needs no download: a small classifier trained on the data's own labels, once,
and kept.

It learns from a part of the training data that no row of the table is drawn from: a classifier that
has memorised one side of a comparison makes two real halves look far apart."""

import copy
import hashlib
import json
import logging
import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn import functional as F

from multigan.adversarial.optimisers import BUILT_IN
from multigan.adversarial.randomness import Draw, derive_seed, stream
from multigan.atomic import publish, write_atomically
from multigan.errors import reason
from multigan.measures.baseline import evenly
from multigan.measures.embedder import Embedded, Embedder
from multigan.resources import cache_folder
from multigan.samples import Stored

Prepare = Callable[[Tensor], Tensor]
"""Stored samples ``(N, ...)`` as the network takes them."""
Vary = Callable[[Tensor, Draw], Tensor]
"""Random variation of what the network takes while it learns."""


log = logging.getLogger(__name__)

_LEARN = 20_000  # samples a classifier learns from at most


@dataclass(frozen=True)
class ClassifierSettings:
    """How the classifier learns; part of its hash."""

    architecture: str  # names the network: change it when the network changes
    samples: int  # labelled samples seen in all
    batch: int = 128
    lr: float = 2e-3
    seed: int = 0


def apart(count: int) -> tuple[Tensor, Tensor]:
    """Positions of ``count`` training samples that an embedder learns from, and of those that rows
    are drawn from."""
    order = torch.randperm(count, generator=stream("cpu", 0, "apart"))
    learn = min(count // 2, _LEARN)
    return order[:learn].sort().values, order[learn:].sort().values


class ClassifierEmbedder(Embedder):
    """Features before the last layer of a classifier, each divided by its spread over real samples.

    ``network`` maps prepared samples to features ``(N, D)``; ``head`` maps those to logits ``(N,
    K)``."""

    def __init__(self, name: str, network: nn.Module, head: nn.Linear, prepare: Prepare) -> None:
        self.name, self.network, self.head, self.prepare = name, network, head, prepare
        self.mean, self.spread = torch.zeros(head.in_features), torch.ones(head.in_features)
        self.prior = torch.full((head.out_features,), 1 / head.out_features)

    @torch.no_grad()
    def embed(self, samples: Tensor) -> Embedded:
        """Stored samples ``(N, ...)``."""
        device = self.head.weight.device
        features = self.network.eval()(self.prepare(samples.to(device)))
        logits = self.head(features).float()
        scaled = (features - self.mean.to(device)) / self.spread.to(device)
        return Embedded(scaled.float(), logits.log_softmax(1))

    def tensors(self) -> dict[str, Tensor]:
        """All that makes it what it is."""
        named = {f"network.{k}": v for k, v in self.network.state_dict().items()}
        named |= {f"head.{k}": v for k, v in self.head.state_dict().items()}
        assert self.prior is not None
        named |= {"mean": self.mean, "spread": self.spread, "prior": self.prior}
        return {name: t.detach().cpu().contiguous() for name, t in named.items()}

    def restore(self, tensors: dict[str, Tensor]) -> None:
        """Take back what `tensors` gave."""
        self.mean, self.spread, self.prior = (
            tensors.pop(name) for name in ("mean", "spread", "prior")
        )
        for prefix, module in (("network.", self.network), ("head.", self.head)):
            mine = {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}
            module.load_state_dict(mine)

    def _seal(self) -> None:
        digest = hashlib.sha256()
        for name, tensor in sorted(self.tensors().items()):
            digest.update(name.encode() + tensor.numpy().tobytes())
        self.hash = digest.hexdigest()[:12]


def classifier_embedder(
    name: str,
    build: Callable[[int], tuple[nn.Module, nn.Linear]],
    learn: Stored,
    unseen: Stored,
    settings: ClassifierSettings,
    *,
    prepare: Prepare,
    vary: Vary | None = None,
    device: torch.device | None = None,
) -> ClassifierEmbedder:
    """The classifier of ``learn``'s labels, from the cache or trained now; its accuracy is taken on
    ``unseen``.

    ``build(classes)`` makes network and head; what it draws at random follows from
    ``settings.seed``."""
    assert learn.labels is not None
    assert unseen.labels is not None
    device = device or torch.device("cpu")
    classes = int(learn.labels.max()) + 1
    key = json.dumps(
        [2, name, asdict(settings), learn.fingerprint, len(learn), unseen.fingerprint, classes]
    )
    folder = cache_folder() / "embedders" / hashlib.sha256(key.encode()).hexdigest()[:24]
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(derive_seed(settings.seed, "classifier"))
        embedder = ClassifierEmbedder(name, *build(classes), prepare)
        before = copy.deepcopy(embedder)
        if not _kept(embedder, folder):
            embedder = before  # what is damaged may have been taken in part
            log.info(
                "training the classifier %s on %s samples, once; kept in %s",
                name,
                f"{len(learn):,}",
                folder,
            )
            _learn(embedder, learn, settings, vary, device)
            embedder.accuracy = _accuracy(embedder, unseen, device)
            _keep(embedder, folder, settings)
    embedder._seal()
    embedder.description = f"classifier trained on {len(learn):,} samples apart from all rows"
    embedder.network.to(device)
    embedder.head.to(device)
    return embedder


def _kept(embedder: ClassifierEmbedder, folder: Path) -> bool:
    """Whether the classifier was found in the cache, whole, and taken from there."""
    if not (folder / "meta.json").is_file():
        return False
    try:
        embedder.restore(load_file(folder / "weights.safetensors"))
        embedder.accuracy = json.loads((folder / "meta.json").read_text("utf-8"))["accuracy"]
    except (OSError, SafetensorError, ValueError, LookupError, TypeError, RuntimeError) as error:
        log.warning("the classifier kept in %s is not taken: %s", folder, reason(error))
        return False
    return True


def _keep(embedder: ClassifierEmbedder, folder: Path, settings: ClassifierSettings) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    publish(folder / "weights.safetensors", lambda path: save_file(embedder.tensors(), path))
    meta = {"accuracy": embedder.accuracy, "name": embedder.name, "settings": asdict(settings)}
    write_atomically(folder / "meta.json", json.dumps(meta, indent=1) + "\n")


def _learn(
    embedder: ClassifierEmbedder,
    data: Stored,
    settings: ClassifierSettings,
    vary: Vary | None,
    device: torch.device,
) -> None:
    assert data.labels is not None
    network, head = embedder.network.to(device).train(), embedder.head.to(device)
    parameters = [*network.parameters(), *head.parameters()]
    batch = min(settings.batch, len(data))
    rounds = math.ceil(settings.samples / batch)
    optimiser = BUILT_IN["adamw"](parameters, lr=settings.lr, weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, settings.lr, total_steps=rounds)
    for step in range(rounds):
        draw = Draw(
            derive_seed(settings.seed, "classifier"), step * batch, batch, device, range(batch)
        )
        rows = (draw.uniform("rows") * len(data)).long().cpu().clamp_(max=len(data) - 1)
        x = embedder.prepare(data.samples[rows].to(device))
        x = vary(x, draw) if vary is not None else x
        loss = F.cross_entropy(head(network(x)), data.labels[rows].to(device))
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
        schedule.step()
    _standardise(embedder, data, device)


@torch.no_grad()
def _standardise(embedder: ClassifierEmbedder, data: Stored, device: torch.device) -> None:
    assert data.labels is not None
    network = embedder.network.eval()
    parts = [
        network(embedder.prepare(part.to(device))).cpu()
        for part in evenly(data.samples, 10_000).split(256)
    ]
    features = torch.cat(parts)
    spread = features.std(0)
    # A unit that real samples hardly ever excite would outweigh all others once a fake does.
    least = max(float(spread.median()) / 10, 1e-6)
    embedder.mean, embedder.spread = features.mean(0), spread.clamp(min=least)
    embedder.prior = torch.bincount(
        data.labels, minlength=embedder.head.out_features
    ).float() / len(data)


def _accuracy(embedder: ClassifierEmbedder, data: Stored, device: torch.device) -> float:
    assert data.labels is not None
    right = 0
    for start in range(0, len(data), 256):
        logits = embedder.embed(data.samples[start : start + 256]).log_probabilities
        assert logits is not None
        right += int((logits.argmax(1).cpu() == data.labels[start : start + 256]).sum())
    return right / len(data)
