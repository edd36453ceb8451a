"""What recipes in these tests name as their own: terms, penalties, optimisers."""

from typing import Any

import torch
from torch import Tensor

from multigan import Penalty, Term
from multigan.adversarial.penalties import at_fake, at_real, one_centred, zero_centred
from multigan.adversarial.randomness import Draw
from multigan.adversarial.turns import GeneratorTurn


def size(turn: GeneratorTurn) -> Tensor:
    return turn.fake.square().mean()


def shape(turn: GeneratorTurn) -> Tensor:
    return turn.fake.square()


def broken(turn: GeneratorTurn) -> Tensor:
    raise KeyError("edges")


of_features = Term(size, of_features=True)


def middle(real: Tensor, fake: Tensor, draw: Draw) -> Tensor:
    return (real + fake) / 2


r1_again = Penalty(at_real, zero_centred)
r2_again = Penalty(at_fake, zero_centred)
middles = Penalty(middle, one_centred)


class Steps(torch.optim.Optimizer):
    """Plain gradient descent that counts its steps in a moment; not fused."""

    def __init__(self, params: Any, lr: float, gain: float = 1.0) -> None:
        super().__init__(params, {"lr": lr, "gain": gain})

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is not None:
                    taken = self.state[p].setdefault("taken", torch.zeros_like(p))
                    taken += 1
                    p -= group["lr"] * group["gain"] * p.grad


class Network(torch.nn.Linear):
    """No optimiser."""
