"""The likelihood of sentences under a generator: the loss of its stage, the anchor of the game, the
held-out measure."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from multigan.adversarial.condition import part
from multigan.devices import float64
from multigan.domains.text.tokeniser import END, UNKNOWN


def counted(ids: Tensor) -> Tensor:
    """Which tokens ``(N, T)`` a sentence consists of: all up to and with its first end."""
    ended = (ids == END).cumsum(1)
    return (ended == 0) | ((ended == 1) & (ids == END))


def token_losses(features: Tensor, weight: Tensor, bias: Tensor, targets: Tensor) -> Tensor:
    """-log p of each target ``(M,)``, in nats, under softmax(features ``(M, H)`` · weightᵀ + bias
    ``(V,)``).

    On a CPU the logits, much the largest tensors of a step, are written once and turned into their
    own gradient."""
    if (
        features.device.type == "cpu"
        and features.dtype == torch.float32
        and torch.is_grad_enabled()
    ):
        losses: Tensor = _TokenLosses.apply(features, weight, bias, targets)
        return losses
    return plain_token_losses(features, weight, bias, targets)


def plain_token_losses(features: Tensor, weight: Tensor, bias: Tensor, targets: Tensor) -> Tensor:
    """The same, by the framework's own operations: the reference, and what a GPU runs."""
    logits = nn.functional.linear(features, weight, bias)
    return nn.functional.cross_entropy(logits.float(), targets, reduction="none")


class _TokenLosses(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, features: Tensor, weight: Tensor, bias: Tensor, targets: Tensor
    ) -> Tensor:
        logits = torch.addmm(bias, features, weight.T)
        chosen = logits.gather(1, targets[:, None])
        total = logits.logsumexp(1, keepdim=True)
        # The slope of -log p to the logits is softmax minus one-hot: known on the way forward.
        gradient = logits.sub_(total).exp_()
        gradient.scatter_add_(1, targets[:, None], torch.full_like(chosen, -1))
        ctx.save_for_backward(features, weight, gradient)
        return (total - chosen)[:, 0]

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, outer: Tensor) -> tuple[Tensor, Tensor, Tensor, None]:
        features, weight, gradient = ctx.saved_tensors
        scaled = features * outer[:, None]
        return (gradient @ weight) * outer[:, None], gradient.T @ scaled, outer @ gradient, None


@torch.no_grad()
def held_out_nll(
    network: Any,
    ids: Tensor,
    condition: Tensor | None,
    z: Tensor,
    chunk: int = 128,
    temperature: float = 1.0,
) -> tuple[float, int]:
    """Sum of -log p over the known tokens of ids ``(N, T)``, ends included, and their number.

    With a latent z of its own for each sentence ``(N, L)`` it is an upper bound: E_z[-log p(x|z)].
    """
    training, total, count = network.training, 0.0, 0
    network.eval()
    try:
        for start in range(0, len(ids), chunk):
            rows = slice(start, start + chunk)
            labels = part(condition, rows)
            losses, targets = network.losses(ids[rows], z[rows], labels, temperature)
            known = targets != UNKNOWN
            total += float(float64(losses[known]).sum())
            count += int(known.sum())
    finally:
        network.train(training)
    return total, count
