"""The frontier of SeqGAN's synthetic benchmark: (NLL_oracle, NLL_test) of a run over temperatures.

    python tests/benchmarks/text_oracle.py ORACLE.npz RUN [RUN ...] [--filter 4] [--record NAME]
    python tests/benchmarks/text_oracle.py ORACLE.npz RUN --tune        # quicker, on the draw that may be tuned on

NLL_oracle: the oracle's nats a token on 10,000 generated sequences, three seeds of sampling. NLL_test: the model's
nats a token on 10,000 sequences the oracle drew apart, at the same temperature; ``--tune`` uses 1,000 of each and
other seeds. Several runs are several models. With ``--filter k`` the critic keeps the best of k sequences, and the
likelihood is that of what it keeps: p_k(x) = k p(x) F(s(x))^(k - 1), where F is the distribution of the critic's
score s over the model's sequences. ``--record`` adds the rows to those of a file.
Published sums: floor 11.50, tuned likelihood model 15.26, CoT 15.52, best RL-GAN 15.72, SeqGAN 18.44, unigram 18.12.
"""

import argparse
import json
import math
import statistics
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from record import RESULTS, device_name, record
from torch import Tensor

import multigan
from multigan.adversarial.penalties import score
from multigan.domains.text.likelihood import held_out_nll
from multigan.domains.text.oracle import Oracle
from multigan.domains.text.tokeniser import SPECIAL

TEST, TUNE = 3, 4  # seeds of the oracle's draws; 1 is what a model trains on, 2 what it stops on
TEMPERATURES = (1.0, 0.83, 0.71, 0.62, 0.56, 0.5, 0.45, 0.42, 0.38, 0.34)


def oracle_nll(oracle: Oracle, ids: Tensor) -> float:
    """The oracle's nats a token on a model's sequences."""
    whole = ids[(ids >= len(SPECIAL)).all(1)] - len(SPECIAL)
    assert len(whole) > 0.999 * len(ids), "the model writes tokens the oracle does not know"
    return float(oracle.nll(whole).mean())


def drawn(model: multigan.Model, count: int, seed: int, **options: Any) -> Tensor:
    """``count`` of a model's sequences."""
    return torch.cat(list(model.representations(count, seed=seed, **options)))


@torch.no_grad()
def scores(model: multigan.Model, ids: Tensor) -> Tensor:
    """What the critic makes of sequences ``(N, T)``."""
    critic: Any = model.critic
    assert critic is not None, "this model was kept without its critic"
    return torch.cat([score(critic.eval()(critic.embed(part), None)) for part in ids.split(500)])


def of_filter(model: multigan.Model, test: Tensor, made: Tensor, k: int) -> float:
    """What the best of ``k`` by the critic adds to the nats a token of ``test``, by ``made`` of the plain model."""
    known = scores(model, made).sort().values
    below = (torch.searchsorted(known, scores(model, test)) + 0.5) / (len(known) + 1)
    return -(math.log(k) + (k - 1) * float(below.double().log().mean())) / test.shape[1]


def frontier(oracle: Oracle, run: Path, given: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """A row a temperature."""
    model = multigan.load(run)
    length, latent = model.recipe.data.length, model.recipe.generator.latent
    count, seeds, first = (1000, 3, 100) if given.tune else (10_000, 3, 0)
    test = oracle.sample(count, length, TUNE if given.tune else TEST) + len(SPECIAL)
    print(f"{run}: {count:,} sequences, {seeds} seeds, best of {given.filter} by the critic")
    for t in given.temperatures:
        total, tokens = held_out_nll(model.generator, test, None, torch.zeros(count, latent), temperature=t)
        nll = total / tokens
        if given.filter > 1:
            nll += of_filter(model, test, drawn(model, count, first + seeds, temperature=t), given.filter)
        made = [
            oracle_nll(oracle, drawn(model, count, seed, temperature=t, filter=given.filter))
            for seed in range(first, first + seeds)
        ]
        mean, spread = statistics.fmean(made), statistics.stdev(made)
        yield {"temperature": t, "nll_oracle": mean, "deviation": spread, "nll_test": nll, "sum": mean + nll}


def known(name: str) -> dict[str, list[dict[str, Any]]]:
    """The rows a file of figures holds already."""
    path = RESULTS / device_name(torch.device("cpu")) / f"{name}.json"
    return json.loads(path.read_text())["figures"] if path.is_file() else {}


def main() -> None:
    """Print a table a run, and keep the figures."""
    arguments = argparse.ArgumentParser()
    arguments.add_argument("oracle", type=Path)
    arguments.add_argument("runs", nargs="+", type=Path)
    arguments.add_argument("--filter", type=int, default=1)
    arguments.add_argument("--tune", action="store_true")
    arguments.add_argument("--record", default="")
    arguments.add_argument("--temperatures", type=float, nargs="*", default=TEMPERATURES)
    given = arguments.parse_args()
    oracle, found = Oracle.load(given.oracle), known(given.record)
    line = "  T {temperature:.2f}  oracle {nll_oracle:.3f} ± {deviation:.3f}  test {nll_test:.3f}  sum {sum:.3f}"
    for run in given.runs:
        rows = found[run.name + (f", best of {given.filter}" if given.filter > 1 else "")] = []
        for row in frontier(oracle, run, given):
            rows.append(row)
            print(line.format(**row), flush=True)
        print("  best sum {sum:.3f} at T {temperature:.2f}".format(**min(rows, key=lambda r: r["sum"])), flush=True)
    if given.record:
        print(record(given.record, torch.device("cpu"), found))


if __name__ == "__main__":
    main()
