"""What turns samples into the vectors that measures compare."""

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class Embedded:
    """Samples as vectors, and what a classifier says of them."""

    features: Tensor  # (N, D) float32
    log_probabilities: Tensor | None = None  # (N, K)

    def __len__(self) -> int:
        return len(self.features)

    def __getitem__(self, rows: Tensor | slice) -> "Embedded":
        logits = self.log_probabilities
        return Embedded(self.features[rows], None if logits is None else logits[rows])

    def to(self, device: torch.device) -> "Embedded":
        """The same on another device."""
        logits = self.log_probabilities
        return Embedded(self.features.to(device), None if logits is None else logits.to(device))


class Embedder(ABC):
    """Turns stored samples into vectors. Figures of different embedders must never be compared."""

    name: str  # short and unmistakable: measures are named after it, such as FD-mnist-cls
    description: str = ""
    hash: str = ""  # of its weights and settings
    learnt_from: Tensor | None = None
    """Positions of the training samples it has seen: no row is drawn from them."""
    accuracy: float | None = None  # on unseen labelled samples, where it classifies
    prior: Tensor | None = None
    """(K,) shares of the classes among real samples, where it classifies."""
    splits: int = 1  # into which the classifier score divides the samples

    @abstractmethod
    def embed(self, samples: Tensor) -> Embedded:
        """Stored samples ``(N, ...)``, a batch that fits in memory, as `Embedded`."""

    def embed_all(self, batches: Iterable[Tensor]) -> Embedded:
        """Any number of batches, on the CPU."""
        parts = [self.embed(batch).to(torch.device("cpu")) for batch in batches]
        logits = [p.log_probabilities for p in parts if p.log_probabilities is not None]
        return Embedded(
            torch.cat([p.features for p in parts]), torch.cat(logits) if logits else None
        )

    def measure_names(self) -> dict[str, str]:
        """What the Fréchet distance, kernel distance and classifier score of this embedder are
        called."""
        return {
            "frechet": f"FD-{self.name}",
            "kernel": f"KD-{self.name}",
            "score": f"IS-{self.name}",
        }


def weights_hash(network: nn.Module) -> str:
    """Short, and another one for other weights."""
    digest = hashlib.sha256()
    for name, tensor in sorted(network.state_dict().items()):
        digest.update(
            name.encode() + tensor.detach().cpu().reshape(-1).view(torch.uint8).numpy().tobytes()
        )
    return digest.hexdigest()[:12]


class Itself(Embedder):
    """The samples as they are: for points in the plane."""

    name = "points"
    description = "the points themselves"
    hash = "identity"

    def embed(self, samples: Tensor) -> Embedded:
        """Samples ``(N, D)``."""
        return Embedded(samples.float().flatten(1))
