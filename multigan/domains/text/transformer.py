"""A small causal transformer, `transformers`' GPT-2, with a cache while it writes."""

import inspect
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from multigan.domains.text.generator import SequenceGenerator


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
            embd_pdrop=self.dropout / 2,
            attn_pdrop=self.dropout / 2,
            resid_pdrop=self.dropout / 2,
        )
        self.layers = GPT2Model(config)
        known = inspect.signature(GPT2Model.forward).parameters
        self.told_cache = "cache" if "cache" in known else "past_key_values"  # its older name
        self.layers.wte.requires_grad_(False)
        self.widen = nn.Linear(embedding, width)
        self.of_context = nn.Linear(self.context, width, bias=False) if self.context else None
        return width

    def _read(self, x: Tensor, context: Tensor) -> Tensor:
        x = self.widen(x)
        return x if self.of_context is None else x + self.of_context(context)[:, None]

    def begin(self, context: Tensor) -> Any:
        """The context and an empty cache."""
        from transformers import DynamicCache

        return context, DynamicCache()

    def step(self, x: Tensor, state: Any) -> tuple[Tensor, Any]:
        """One token more, the others' keys and values from the cache."""
        context, cache = state
        position = torch.full((1, 1), cache.get_seq_length(), device=x.device)
        with self.undropped():
            found = self.layers(
                inputs_embeds=self._read(x[:, None], context),
                position_ids=position,
                use_cache=True,
                **{self.told_cache: cache},
            )
        return found.last_hidden_state[:, 0], (context, cache)

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
