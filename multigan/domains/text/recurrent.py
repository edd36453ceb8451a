"""Recurrent generators: LSTM, GRU, and the relational memory of RelGAN. Shapes as in
`generator`."""

from collections.abc import Callable
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from multigan.domains.text.generator import SequenceGenerator


class LstmGenerator(SequenceGenerator):
    """Layers of long short-term memory (Hochreiter & Schmidhuber 1997); the context is read beside
    every token."""

    cell: ClassVar[Callable[..., nn.Module]] = nn.LSTM

    def build(self, embedding: int, width: int, depth: int, heads: int, slots: int) -> int:
        """``depth`` layers of ``width`` units."""
        below = [embedding + self.context] + [width] * (depth - 1)
        # One module a layer: the dropout between them must be the same at every step.
        self.layers = nn.ModuleList([self.cell(size, width, batch_first=True) for size in below])
        return width

    def begin(self, context: Tensor) -> Any:
        """The context, and no memory yet."""
        return [context, *[None] * len(self.layers)]

    def step(self, x: Tensor, state: Any) -> tuple[Tensor, Any]:
        """One step of every layer."""
        context, *memories = state
        x = torch.cat([x, context], 1)[:, None]
        after = []
        for layer, memory in zip(self.layers, memories, strict=True):
            x, kept = layer(x, memory)
            after.append(kept)
        return x[:, 0], [context, *after]

    def features(self, x: Tensor, context: Tensor) -> Tensor:
        """All steps of a layer at once."""
        x = torch.cat([x, context[:, None].expand(-1, x.shape[1], -1)], 2)
        for i, layer in enumerate(self.layers):
            x, _ = layer(self.locked_dropout(x) if i else x)
        return x


class GruGenerator(LstmGenerator):
    """Layers of gated recurrent units (Cho et al. 2014)."""

    cell = nn.GRU


class MemoryGenerator(SequenceGenerator):
    """Relational memory (Santoro et al. 2018) as RelGAN has it: slots that attend to each other and
    to the token.

    ``width`` is the size of a slot over all heads; the features are all slots.
    """

    def build(self, embedding: int, width: int, depth: int, heads: int, slots: int) -> int:
        """One core; ``depth`` is that of the layers after the attention, 2 in the paper's."""
        if width % heads:
            raise ValueError(f"width = {width} is not a multiple of heads = {heads}")
        self.slots, self.heads = slots, heads
        self.read = nn.Linear(embedding + self.context, width)
        self.attention = nn.Linear(width, 3 * width)
        self.first_norm, self.second_norm = nn.LayerNorm(width), nn.LayerNorm(width)
        layers = [
            layer for _ in range(max(depth, 2)) for layer in (nn.Linear(width, width), nn.ReLU())
        ]
        self.mlp = nn.Sequential(*layers)
        self.gates_of_input, self.gates_of_memory = (
            nn.Linear(width, 2 * width),
            nn.Linear(width, 2 * width),
        )
        self.register_buffer("first", torch.eye(slots, width))
        return slots * width

    first: Tensor

    def begin(self, context: Tensor) -> Any:
        """The context, and slots told apart by an identity matrix."""
        return context, self.first.expand(context.shape[0], -1, -1)

    def step(self, x: Tensor, state: Any) -> tuple[Tensor, Any]:
        """Attend, then let gates mix the new memory with the old."""
        context, memory = state
        token = self.read(torch.cat([x, context], 1))[:, None]
        new = self._attended(memory, token)
        gates = self.gates_of_input(token) + self.gates_of_memory(memory.tanh())
        enter, keep = gates.chunk(2, -1)
        memory = (
            enter.sigmoid() * new.tanh() + (keep + 1).sigmoid() * memory
        )  # + 1: begin by remembering
        return memory.flatten(1), (context, memory)

    def _attended(self, memory: Tensor, token: Tensor) -> Tensor:
        n, slots, width = memory.shape
        every = torch.cat([memory, token], 1)
        q, k, v = self.attention(every).view(n, slots + 1, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        found = nn.functional.scaled_dot_product_attention(q[:, :, :slots], k, v)
        memory = self.first_norm(memory + found.transpose(1, 2).reshape(n, slots, width))
        changed: Tensor = self.second_norm(memory + self.mlp(memory))
        return changed
