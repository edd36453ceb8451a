"""Sentences a second of processor time, beside `transformers`' `generate` on a GPT-2 of equal size.

    python benchmarks/text_speed.py [--threads 1]

All write sentences of 20 tokens from a vocabulary of 2,300 (the size of the built-in captions),
without an early end, and decode them. All by turns in the same run, batches of 256."""

import argparse
from collections.abc import Callable

import torch
from record import record
from timing import by_turns, summary
from torch import nn

from multigan.domains.text.generator import SequenceGenerator, TextNoise
from multigan.domains.text.recurrent import GruGenerator, LstmGenerator, MemoryGenerator
from multigan.domains.text.tokeniser import END, number_tokeniser
from multigan.domains.text.transformer import TransformerGenerator

VOCABULARY, LENGTH, BATCH = 2300, 20, 256
THEIRS = "transformers generate"


def parameters(network: nn.Module) -> int:
    """How many numbers a network has learnt."""
    return sum(p.numel() for p in network.parameters())


def ours(network: SequenceGenerator) -> Callable[[], list[str]]:
    """Writes a batch with one of our generators."""
    network.eval().requires_grad_(False)
    network.never[END] = True
    tokeniser = number_tokeniser(VOCABULARY - 2)

    def write() -> list[str]:
        noise = TextNoise(
            torch.randn(BATCH, network.latent), torch.rand(BATCH, LENGTH), torch.ones(BATCH)
        )
        return tokeniser.decode(network(noise).tolist())

    return write


def theirs(width: int, depth: int) -> tuple[nn.Module, Callable[[], list[str]]]:
    """Writes a batch with `transformers`' generate, cache on."""
    from transformers import GPT2Config, GPT2LMHeadModel

    config = GPT2Config(
        vocab_size=VOCABULARY, n_positions=LENGTH + 1, n_embd=width, n_layer=depth, n_head=4,
        bos_token_id=0,
        eos_token_id=None, pad_token_id=0,
    )  # fmt: skip
    model = GPT2LMHeadModel(config).eval()
    tokeniser = number_tokeniser(VOCABULARY - 2)
    start = torch.zeros(BATCH, 1, dtype=torch.int64)

    @torch.no_grad()
    def write() -> list[str]:
        mask = torch.ones_like(start)
        ids = model.generate(
            start,
            attention_mask=mask,
            do_sample=True,
            top_k=0,
            max_new_tokens=LENGTH,
            min_new_tokens=LENGTH,
        )
        return tokeniser.decode(ids[:, 1:].tolist())

    return model, write


def beside_transformers() -> dict[str, dict[str, float]]:
    """Sentences a second of each of our generators and of `transformers`' generate, by turns."""
    shape = (LENGTH, VOCABULARY)
    networks: dict[str, nn.Module] = {
        "lstm": LstmGenerator(shape, latent=4, embedding=128, width=256),
        "gru": GruGenerator(shape, latent=4, embedding=128, width=256),
        "memory": MemoryGenerator(shape, latent=4, embedding=128, width=256),
        "transformer": TransformerGenerator(
            shape, latent=4, embedding=128, width=128, depth=2, heads=4
        ),
    }
    steps = {name: ours(network) for name, network in networks.items()}
    networks[THEIRS], steps[THEIRS] = theirs(width=128, depth=2)
    rows = summary(by_turns(steps, torch.device("cpu"), rounds=2), THEIRS, BATCH)
    return {name: {"parameters": parameters(networks[name])} | row for name, row in rows.items()}


def main() -> None:
    """Print a table and record it."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--threads", type=int, default=1)
    torch.set_num_threads(arguments.parse_args().threads)
    figures = beside_transformers()
    for name, row in figures.items():
        print(f"{name:24} {row}")
    print(record("text_speed", torch.device("cpu"), figures))


if __name__ == "__main__":
    main()
