"""Sentences a second, of processor time and by the wall, beside `transformers`' `generate` on a
GPT-2 of equal size.

    python benchmarks/text_speed.py [--threads 1]

All write sentences of 20 tokens from a vocabulary of 2,300 (the size of the built-in captions),
without an early end, and decode them. Both in the same run, batches of 256, best of two."""

import argparse
import time
from collections.abc import Callable

import torch
from record import record
from torch import nn

from multigan.domains.text.generator import SequenceGenerator, TextNoise
from multigan.domains.text.recurrent import GruGenerator, LstmGenerator, MemoryGenerator
from multigan.domains.text.tokeniser import END, number_tokeniser
from multigan.domains.text.transformer import TransformerGenerator

VOCABULARY, LENGTH, BATCH, COUNT = 2300, 20, 256, 512


def parameters(network: nn.Module) -> int:
    """How many numbers a network has learnt."""
    return sum(p.numel() for p in network.parameters())


def best_of_two(write: Callable[[], list[str]]) -> dict[str, float]:
    """Sentences a second, of processor time and by the wall; the wall says little on a busy
    machine."""
    write()
    worked, waited = [], []
    for _ in range(2):
        began = time.process_time(), time.perf_counter()
        made = sum(len(write()) for _ in range(COUNT // BATCH))
        worked.append(made / (time.process_time() - began[0]))
        waited.append(made / (time.perf_counter() - began[1]))
    return {"sentences_per_cpu_second": max(worked), "sentences_per_second": max(waited)}


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


def main() -> None:
    """Print a table and record it."""
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--threads", type=int, default=1)
    given = arguments.parse_args()
    torch.set_num_threads(given.threads)
    shape = (LENGTH, VOCABULARY)
    networks = {
        "lstm": LstmGenerator(shape, latent=4, embedding=128, width=256),
        "gru": GruGenerator(shape, latent=4, embedding=128, width=256),
        "memory": MemoryGenerator(shape, latent=4, embedding=128, width=256),
        "transformer": TransformerGenerator(
            shape, latent=4, embedding=128, width=128, depth=2, heads=4
        ),
    }
    figures: dict[str, dict[str, float]] = {}
    for name, network in networks.items():
        figures[name] = {"parameters": parameters(network)} | best_of_two(ours(network))
    model, write = theirs(width=128, depth=2)
    figures["transformers generate"] = {"parameters": parameters(model)} | best_of_two(write)
    for name, row in figures.items():
        print(
            f"{name:24s} {row['parameters']:>10,} parameters  "
            f"{row['sentences_per_cpu_second']:8,.0f} sentences/CPU-s"
            f"  {row['sentences_per_second']:8,.0f} sentences/s"
        )
    record("text_speed", torch.device("cpu"), figures)


if __name__ == "__main__":
    main()
