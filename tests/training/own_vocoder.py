"""A vocoder and its critic of one's own, which recipes in these tests name by a dotted path."""

from typing import Any

import torch
from torch import Tensor, nn


class OwnVocoder(nn.Module):
    """Every frame of a mel spectrogram to its samples, by one layer."""

    def __init__(self, condition_shape: tuple[int, ...], hop: int) -> None:
        super().__init__()
        self.frame = nn.Linear(condition_shape[1], hop)

    def forward(self, noise: None, condition: Tensor) -> Tensor:
        return self.frame(condition.squeeze(1).transpose(1, 2)).flatten(1)[:, None].tanh()


class OwnCritic(nn.Module):
    """Judges a waveform and the spectrogram it was made from, a logit a frame."""

    def __init__(self, shape: tuple[int, ...], condition_shape: tuple[int, ...]) -> None:
        super().__init__()
        hop = shape[-1] // condition_shape[-1]
        self.first = nn.Conv1d(1, 8, hop, hop)
        self.last = nn.Conv1d(8 + condition_shape[1], 1, 3, padding=1)

    def features(self, x: Tensor, condition: Any) -> list[list[Tensor]]:
        first = self.first(x).relu()
        return [[first, self.last(torch.cat([first, condition.squeeze(1)], 1))]]

    def forward(self, x: Tensor, condition: Any) -> Tensor:
        return self.features(x, condition)[0][-1].flatten(1)
