"""What is seen of pictures that can be seen through."""

import torch
from torch import Tensor


def seen(stored: Tensor) -> Tensor:
    """uint8 RGBA ``(N, 4, H, W)`` with white where nothing is seen; other pictures as they are.

    What programs leave there is part of no picture: a critic would learn it, a distance measure it.
    """
    if stored.shape[1] != 4:
        return stored
    white = stored.new_tensor([255, 255, 255, 0]).view(1, 4, 1, 1)
    return torch.where(stored[:, 3:] == 0, white, stored)
