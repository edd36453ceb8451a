"""CLIP, DINOv2 and other vision models as embedders, through transformers."""

from typing import Any

import torch
from torch import Tensor

from multigan.errors import UserError, reason
from multigan.measures.embedder import Embedded, Embedder, weights_hash

KNOWN = {"clip": "openai/clip-vit-base-patch32", "dinov2": "facebook/dinov2-small"}


class PretrainedEmbedder(Embedder):
    """A vision model of transformers: image embeddings of CLIP, else the pooled or first token's
    state."""

    def __init__(self, name: str, weights: str | None, device: torch.device) -> None:
        from transformers import AutoImageProcessor, AutoModel

        self.name, self.device = name, device
        source = weights or KNOWN.get(name, name)
        try:
            self.model: Any = (
                AutoModel.from_pretrained(source, dtype=torch.float32, trust_remote_code=False)
                .eval()
                .to(device)
            )
            self.processor: Any = AutoImageProcessor.from_pretrained(
                source, trust_remote_code=False
            )
        except (OSError, ValueError) as error:
            raise UserError(
                f"--embedder {name}: {source} cannot be loaded by transformers: {reason(error)}. "
                "Give a folder or a hub id: --weights SOURCE"
            ) from None
        self.hash = weights_hash(self.model)
        self.description = f"{type(self.model).__name__} from {source}"

    @torch.no_grad()
    def embed(self, samples: Tensor) -> Embedded:
        """uint8 ``(N, C, H, W)``."""
        pictures = samples.repeat(1, 3, 1, 1) if samples.shape[1] == 1 else samples
        inputs = self.processor(images=list(pictures.cpu()), return_tensors="pt").to(self.device)
        return Embedded(self._features(inputs["pixel_values"]).float())

    def _features(self, pixels: Tensor) -> Tensor:
        if hasattr(self.model, "get_image_features"):
            made = self.model.get_image_features(pixel_values=pixels)
        else:
            made = self.model(pixel_values=pixels)
        if isinstance(made, Tensor):
            return made
        pooled: Tensor | None = getattr(made, "pooler_output", None)
        return pooled if pooled is not None else made.last_hidden_state[:, 0]
