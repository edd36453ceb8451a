"""A small causal transformer, `transformers`' GPT-2, with a cache while it writes."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from multigan.domains.text.generator import SequenceGenerator


@dataclass
class _Memory:
    """Keys and values of a layer, of all steps so far ``(N, heads, T, size)``; where no gradient
    goes back through them with room for all of them, steps first: ``(T, N, heads, size)``."""

    keys: Tensor | None = None
    values: Tensor | None = None

    def read(self, query: Tensor, key: Tensor, value: Tensor, step: int, length: int) -> Tensor:
        """What ``query`` finds at step ``step`` and all before it; all are ``(N, heads, size)``."""
        if torch.is_grad_enabled() or torch.compiler.is_exporting():
            return self._grown(*(x[:, :, None] for x in (query, key, value)))
        if self.keys is None or self.values is None:
            room = (length, *key.shape)
            self.keys, self.values = key.new_empty(room), value.new_empty(room)
        self.keys[step], self.values[step] = key, value
        # One query a sample: products of two long rows are done sooner than many small matrices.
        scores = (self.keys[: step + 1] * (query * query.shape[2] ** -0.5)).sum(3, keepdim=True)
        return (self.values[: step + 1] * scores.softmax(0)).sum(0)

    def _grown(self, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        self.keys = key if self.keys is None else torch.cat([self.keys, key], 2)
        self.values = value if self.values is None else torch.cat([self.values, value], 2)
        attend = nn.functional.scaled_dot_product_attention
        return attend(query, self.keys, self.values)[:, :, 0]


class TransformerGenerator(SequenceGenerator):
    """GPT-2's layers (Radford et al. 2019) on our own embeddings; the context is added to every
    token."""

    def build(self, embedding: int, width: int, depth: int, heads: int, slots: int) -> int:
        """``depth`` layers of ``width`` units and ``heads`` heads."""
        from transformers import GPT2Config, GPT2Model

        if width % heads:
            raise ValueError(f"width = {width} is not a multiple of heads = {heads}")
        config = GPT2Config(
            vocab_size=1,  # the embeddings are ours
            bos_token_id=0,
            eos_token_id=0,
            n_positions=self.length,
            n_embd=width,
            n_layer=depth,
            n_head=heads,
            activation_function="gelu_pytorch_tanh",  # what gelu_new computes, in one operation
            embd_pdrop=self.dropout / 2,
            attn_pdrop=self.dropout / 2,
            resid_pdrop=self.dropout / 2,
        )
        self.layers = GPT2Model(config)
        self.layers.wte.requires_grad_(False)
        self.widen = nn.Linear(embedding, width)
        self.of_context = nn.Linear(self.context, width, bias=False) if self.context else None
        return width

    def _read(self, x: Tensor, context: Tensor) -> Tensor:
        x = self.widen(x)
        return x if self.of_context is None else x + self.of_context(context)[:, None]

    def begin(self, context: Tensor) -> Any:
        """The context, the first step, and layers that remember nothing."""
        return context, 0, [_Memory() for _ in range(len(self.layers.h))]

    def step(self, x: Tensor, state: Any) -> tuple[Tensor, Any]:
        """One token more: what `features` computes, without `transformers`' work around it."""
        context, step, memories = state
        blocks: Any = self.layers.h
        with self.undropped():
            found = self._read(x[:, None], context)[:, 0] + self.layers.wpe.weight[step]
            for block, memory in zip(blocks, memories, strict=True):
                found = found + self._attended(block, block.ln_1(found), memory, step)
                found = found + block.mlp(block.ln_2(found))
            found = self.layers.ln_f(found)
        return found, (context, step + 1, memories)

    def _attended(self, block: Any, x: Tensor, memory: _Memory, step: int) -> Tensor:
        attention = block.attn
        query, key, value = (
            part.unflatten(1, (attention.num_heads, -1)) for part in attention.c_attn(x).chunk(3, 1)
        )
        read = memory.read(query, key, value, step, self.length)
        written: Tensor = attention.c_proj(read.flatten(1))
        return written

    def features(self, x: Tensor, context: Tensor) -> Tensor:
        """All tokens at once."""
        found: Tensor = self.layers(
            inputs_embeds=self._read(x, context), use_cache=False
        ).last_hidden_state
        return found

    @contextmanager
    def undropped(self) -> Iterator[None]:
        """The layers' own dropout is left out as well."""
        training = self.layers.training
        self.layers.train(False)
        try:
            with super().undropped():
                yield
        finally:
            self.layers.train(training)
