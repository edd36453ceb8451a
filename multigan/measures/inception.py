"""The real FID, KID and Inception Score, by torch-fidelity's network with weights the user has or
downloads."""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from multigan.devices import float64
from multigan.errors import UserError, reason
from multigan.measures.embedder import Embedded, Embedder, weights_hash
from multigan.resources import how_to_add


class InceptionEmbedder(Embedder):
    """The Inception network of the FID; pictures only. Figures equal those of torch-fidelity's own
    command."""

    name = "inception"
    splits = 10

    def __init__(self, weights: Path | None, device: torch.device) -> None:
        self.device = device
        self.network = _network(weights).to(device)
        self.hash = weights_hash(self.network)
        self.description = f"Inception v3 by torch-fidelity, weights {weights or 'downloaded'}"

    @torch.no_grad()
    def embed(self, samples: Tensor) -> Embedded:
        """uint8 ``(N, C, H, W)``; grey becomes RGB as torch-fidelity's reader of files does it."""
        x = samples.to(self.device)
        features, logits = self.network(x.repeat(1, 3, 1, 1) if x.shape[1] == 1 else x)
        return Embedded(features, float64(logits).log_softmax(1))

    def measure_names(self) -> dict[str, str]:
        """These, and only these, carry the published names."""
        return {"frechet": "FID", "kernel": "KID", "score": "IS"}


def _network(weights: Path | None) -> Any:
    try:
        from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3
    except ImportError:
        raise UserError(
            f"--embedder inception needs torch-fidelity: {how_to_add('inception')}"
        ) from None
    if weights is not None:
        _check(weights)
    try:
        return FeatureExtractorInceptionV3(
            "inception-v3-compat",
            ["2048", "logits_unbiased"],
            feature_extractor_weights_path=weights and str(weights),
        )
    except (OSError, RuntimeError) as error:
        advice = (
            "give the file: --weights FILE"
            if weights is None
            else "they are no Inception v3 weights for FID"
        )
        raise UserError(
            f"--embedder inception: {weights or 'its weights'} cannot be loaded; {advice} "
            f"({reason(error)})"
        ) from None


def _check(weights: Path) -> None:
    """Refuse what is no file of plain tensors: torch-fidelity would unpickle anything."""
    try:
        torch.load(weights, weights_only=True, mmap=True)
    except Exception as error:  # torch raises many kinds
        raise UserError(f"--weights {weights} is no file of tensors: {reason(error)}") from None
