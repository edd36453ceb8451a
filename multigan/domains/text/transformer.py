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
    """Keys and values of a layer, ``(N, heads, T, size)``: of all steps so far, or with room for
    all of them where no gradient goes back through them."""

    keys: Tensor | None = None
    values: Tensor | None = None

    def take(self, key: Tensor, value: Tensor, step: int, length: int) -> tuple[Tensor, Tensor]:
        """Those of step ``step`` and of all before it, each ``(N, heads, step + 1, size)``."""
        if torch.is_grad_enabled() or torch.compiler.is_exporting():
            self.keys = key if self.keys is None else torch.cat([self.keys, key], 2)
            self.values = value if self.values is None else torch.cat([self.values, value], 2)
            return self.keys, self.values
        if self.keys is None or self.values is None:
            room = (*key.shape[:2], length, key.shape[3])
            self.keys, self.values = key.new_empty(room), value.new_empty(room)
        self.keys[:, :, step : step + 1], self.values[:, :, step : step + 1] = key, value
        return self.keys[:, :, : step + 1], self.values[:, :, : step + 1]


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
            found = self._read(x[:, None], context) + self.layers.wpe.weight[step]
            for block, memory in zip(blocks, memories, strict=True):
                found = found + self._attended(block, block.ln_1(found), memory, step)
                found = found + block.mlp(block.ln_2(found))
            found = self.layers.ln_f(found)
        return found[:, 0], (context, step + 1, memories)

    def _attended(self, block: Any, x: Tensor, memory: _Memory, step: int) -> Tensor:
        attention = block.attn
        query, key, value = (
            part.unflatten(2, (attention.num_heads, -1)).transpose(1, 2)
            for part in attention.c_attn(x).chunk(3, 2)
        )
        keys, values = memory.take(key, value, step, self.length)
        read = nn.functional.scaled_dot_product_attention(query, keys, values)
        written: Tensor = attention.c_proj(read.transpose(1, 2).flatten(2))
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
