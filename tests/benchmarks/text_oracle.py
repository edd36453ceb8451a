"""The frontier of SeqGAN's synthetic benchmark: (NLL_oracle, NLL_test) of a run over temperatures.

    python tests/benchmarks/text_oracle.py ORACLE.npz RUN [RUN ...] [--filter 4]

NLL_oracle: the oracle's nats a token on 10,000 generated sequences. NLL_test: the model's nats a token on 10,000
sequences the oracle drew apart, at the same temperature. Three seeds of sampling; several runs are several models.
Known sums: floor 11.50, tuned likelihood model 15.26, CoT 15.52, best RL-GAN 15.72, SeqGAN 18.44, unigram 18.12.
"""

import argparse
import json
import statistics
from pathlib import Path

import torch

import multigan
from multigan.domains.text.likelihood import held_out_nll
from multigan.domains.text.oracle import Oracle
from multigan.domains.text.tokeniser import SPECIAL

COUNT, SEEDS, TEST_SEED = 10_000, 3, 3
TEMPERATURES = (1.0, 0.83, 0.71, 0.62, 0.56, 0.5, 0.45, 0.42, 0.38)


def oracle_nll(oracle: Oracle, model: multigan.Model, seed: int, count: int, **options: object) -> float:
    """The oracle's nats a token on the model's sequences."""
    ids = torch.cat(list(model.representations(count, seed=seed, **options))) - len(SPECIAL)
    whole = ids[(ids >= 0).all(1)]
    assert len(whole) > 0.999 * len(ids), "the model writes tokens the oracle does not know"
    return float(oracle.nll(whole).mean())


def main() -> None:
    """Print a table, and JSON after it."""
    arguments = argparse.ArgumentParser()
    arguments.add_argument("oracle", type=Path)
    arguments.add_argument("runs", nargs="+", type=Path)
    arguments.add_argument("--filter", type=int, default=1)
    arguments.add_argument("--count", type=int, default=COUNT)
    arguments.add_argument("--temperatures", type=float, nargs="*", default=TEMPERATURES)
    given = arguments.parse_args()
    oracle, rows = Oracle.load(given.oracle), []
    for run in given.runs:
        model = multigan.load(run)
        length, latent = model.recipe.data.length, model.recipe.generator.latent
        test = oracle.sample(given.count, length, TEST_SEED) + len(SPECIAL)
        print(f"{run}: {given.count:,} sequences, {SEEDS} seeds, best of {given.filter} by the critic")
        for temperature in given.temperatures:
            total, tokens = held_out_nll(
                model.generator, test, None, torch.zeros(len(test), latent), temperature=temperature
            )
            made = [
                oracle_nll(oracle, model, seed, given.count, temperature=temperature, filter=given.filter)
                for seed in range(SEEDS)
            ]
            row = {
                "run": str(run),
                "temperature": temperature,
                "nll_oracle": statistics.fmean(made),
                "deviation": statistics.stdev(made),
                "nll_test": total / tokens,
            }
            row["sum"] = row["nll_oracle"] + row["nll_test"]
            rows.append(row)
            print(
                "  T {temperature:.2f}  oracle {nll_oracle:.3f} ± {deviation:.3f}  test {nll_test:.3f}"
                "  sum {sum:.3f}".format(**row),
                flush=True,
            )
    print(json.dumps(rows))


if __name__ == "__main__":
    main()
