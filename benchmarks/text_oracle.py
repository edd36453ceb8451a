"""The frontier of SeqGAN's synthetic benchmark: (NLL_oracle, NLL_test) of a run over temperatures.

    python benchmarks/text_oracle.py ORACLE.npz RUN [RUN ...] [--filter 4] [--record NAME] python
    benchmarks/text_oracle.py ORACLE.npz RUN --tune        # quicker, on the draw that may be tuned
    on python benchmarks/text_oracle.py ORACLE.npz RUN --mixture .02 # a trick that shows what the
    sum is worth

NLL_oracle: the oracle's nats a token on 10,000 generated sequences, three seeds of sampling.
NLL_test: the model's nats a token on 10,000 sequences the oracle drew apart, at the same
temperature; ``--tune`` uses 1,000 of each and other seeds. Several runs are several models. With
``--filter k`` the critic keeps the best of k sequences, and the likelihood is that of what it
keeps: p_k(x) = k p(x) F(s(x))^(k - 1), where F is the distribution of the critic's score s over the
model's sequences. ``--record`` adds the rows to those of a file. Published sums: floor 11.50, tuned
likelihood model 15.26, CoT 15.52, best RL-GAN 15.72, SeqGAN 18.44, unigram 18.12.

The sum of the two is no divergence: nothing in it asks for variety. KL(model || oracle) + KL(oracle
|| model), which is 0 for the oracle alone, takes from it the model's entropy (its nats a token on
what it wrote) and the oracle's. ``--mixture e`` writes a share e of the sequences at temperature 1:
the sum falls far below every model's, the divergence does not."""

import argparse
import json
import math
import statistics
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from record import RESULTS, device_name, record
from torch import Tensor

import multigan
from multigan.adversarial.penalties import score
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


@torch.no_grad()
def nll(model: multigan.Model, ids: Tensor, t: float) -> Tensor:
    """A model's nats on each sequence of ids ``(N, T)`` at temperature ``t``, ``(N,)``."""
    network: Any = model.generator
    parts = [
        network.losses(part, torch.zeros(len(part), network.latent), None, t)[0]
        for part in ids.split(128)
    ]
    return torch.cat(parts).view(ids.shape).double().sum(1)


@dataclass
class Writer:
    """A model as it writes: at a temperature, through its critic, or in a mixture with temperature
    1."""

    model: multigan.Model
    temperature: float
    filter: int
    mixture: float
    ranks: Tensor | None = None  # the critic's scores of plain sequences, ascending

    def write(self, count: int, seed: int) -> Tensor:
        """``count`` sequences."""
        warm = round(self.mixture * count)
        main = drawn(
            self.model, count - warm, seed, temperature=self.temperature, filter=self.filter
        )
        return torch.cat([main, drawn(self.model, warm, seed + 1_000)]) if warm else main

    def nll(self, ids: Tensor) -> float:
        """Nats a token of what it writes, on ids ``(N, T)``."""
        found = nll(self.model, ids, self.temperature)
        if self.mixture:
            both = torch.stack(
                [
                    math.log(1 - self.mixture) - found,
                    math.log(self.mixture) - nll(self.model, ids, 1),
                ]
            )
            found = -both.logsumexp(0)
        if self.ranks is not None:
            below = (torch.searchsorted(self.ranks, scores(self.model, ids)) + 0.5) / (
                len(self.ranks) + 1
            )
            found = found - math.log(self.filter) - (self.filter - 1) * below.double().log()
        return float(found.mean()) / ids.shape[1]


def frontier(oracle: Oracle, run: Path, given: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """A row a temperature."""
    model = multigan.load(run)
    count, seeds, first = (1000, 3, 100) if given.tune else (10_000, 3, 0)
    test = oracle.sample(count, model.recipe.data.length, TUNE if given.tune else TEST) + len(
        SPECIAL
    )
    floor = oracle_nll(oracle, test)
    print(
        f"{run}: {count:,} sequences, {seeds} seeds, best of {given.filter}; the oracle's entropy "
        f"{floor:.3f}"
    )
    for t in given.temperatures:
        writer = Writer(model, t, given.filter, given.mixture)
        if given.filter > 1:
            writer.ranks = (
                scores(model, drawn(model, count, first + seeds, temperature=t)).sort().values
            )
        made = [writer.write(count, seed) for seed in range(first, first + seeds)]
        found = [oracle_nll(oracle, ids) for ids in made]
        mean, tested, entropy = statistics.fmean(found), writer.nll(test), writer.nll(made[0])
        yield {
            "temperature": t,
            "nll_oracle": mean,
            "deviation": statistics.stdev(found),
            "nll_test": tested,
            "sum": mean + tested,
            "entropy": entropy,
            "divergence": found[0] - entropy + tested - floor,
        }


def named(run: Path) -> str:
    """What a run is called in a file of figures: a stage kept inside a run has the run's name
    before its own."""
    return "/".join(run.parts[-2:]) if run.name == "likelihood" else run.name


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
    arguments.add_argument("--mixture", type=float, default=0.0)
    arguments.add_argument("--tune", action="store_true")
    arguments.add_argument("--record", default="")
    arguments.add_argument("--temperatures", type=float, nargs="*", default=TEMPERATURES)
    given = arguments.parse_args()
    oracle, found = Oracle.load(given.oracle), known(given.record)
    line = (
        "  T {temperature:.2f}  oracle {nll_oracle:.3f} ± {deviation:.3f}  test {nll_test:.3f}  "
        "sum {sum:.3f}  "
        "entropy {entropy:.3f}  divergence {divergence:.3f}"
    )
    for run in given.runs:
        how = (
            f", best of {given.filter}"
            if given.filter > 1
            else f", mixture {given.mixture}" * (given.mixture > 0)
        )
        rows = found[named(run) + how] = []
        for row in frontier(oracle, run, given):
            rows.append(row)
            print(line.format(**row), flush=True)
        for key in ("sum", "divergence"):
            best = min(rows, key=lambda r: r[key])
            print(f"  lowest {key} {best[key]:.3f} at T {best['temperature']:.2f}", flush=True)
    if given.record:
        print(record(given.record, torch.device("cpu"), found))


if __name__ == "__main__":
    main()
