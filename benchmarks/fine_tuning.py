"""What beginning with another training is worth where pictures are few.

    multigan train image/photos --data MANY --out BASE
    python benchmarks/fine_tuning.py --base BASE --few FOLDER --unseen FOLDER [--samples 40000]

``--few`` holds the pictures to learn from, of a kind that the base has not seen, ``--unseen``
others of that kind, which nothing was trained on: one half of them is the floor of the other, and
the few themselves are a row, as a model that copies them would be. Each arm is trained with
`image/photos` in bf16, ``--seeds`` times, by the same settings but for what it begins with."""

import argparse
import shutil
import tempfile
import time
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import torch
from record import record, spread
from torch import Tensor

import multigan
from multigan.domains.base import Domain, domain_type
from multigan.evaluation.evaluator import Evaluator
from multigan.measures.compare import Measured
from multigan.recipe.load import load_recipe
from multigan.samples import halves

RECIPE = "image/photos"
EMBEDDERS = ("lite0", "patches")
SHOWN = ("FD-lite0", "FD-patches", "precision", "recall")


def arms(base: Path, alone: Path, frozen: int) -> dict[str, dict[str, Any]]:
    """What each arm is set to beside what all have; ``alone`` is the base's generator."""
    begun = {"train.init_from": str(base)}
    return {
        "from scratch": {},
        "init_from, generator alone": {"train.init_from": str(alone)},
        "init_from": begun,
        f"init_from, {frozen} frozen": begun | {"game.critic.frozen_layers": frozen},
    }


def train(settings: dict[str, Any], data: str, seed: int, out: Path) -> float:
    """Processor seconds of a training."""
    began = time.process_time()
    multigan.train(
        RECIPE, data=data, settings=settings, seed=seed, out=out, device="cpu", quiet=True
    )
    return time.process_time() - began


class Judge:
    """Measures pictures against one half of the unseen ones, by each embedder."""

    def __init__(self, unseen: str, n: int, few: str) -> None:
        self.domain, self.n = _domain(unseen), n
        reals = halves(self.domain.ruler.training_samples(), unseen)
        device = torch.device("cpu")
        self.evaluators = [
            Evaluator(self.domain, reals, self.domain.ruler.embedder(e, None, reals, device), n)
            for e in EMBEDDERS
        ]
        self.few = _domain(few).ruler.training_samples().samples

    def made(self, run: Path, seed: int) -> dict[str, float]:
        """The measures of what a run makes."""
        model = multigan.load(run, trust_code=True)
        made = model.representations(self.n, seed=seed)
        return self.of(torch.cat([self.domain.stored(part) for part in made])[: self.n])

    def of(self, samples: Tensor) -> dict[str, float]:
        """The measures of stored pictures; of lite0 those of the manifold, too."""
        return _joined(evaluator.given_row(samples) for evaluator in self.evaluators)

    def floors(self) -> dict[str, dict[str, float]]:
        """Real pictures, the few as a copier would give them, noise."""
        often = self.few[torch.arange(self.n) % len(self.few)]
        return {
            "real (the floor)": _joined(e.real_row(0) for e in self.evaluators),
            "the few themselves, repeated": self.of(often),
            "noise (trivial)": _joined(e.trivial_row(0) for e in self.evaluators),
        }


def _domain(source: str) -> Domain:
    recipe = load_recipe(RECIPE, {"data.source": source})
    domain = domain_type(recipe.domain)(recipe)
    domain.load()
    return domain


def _joined(rows: Iterator[Measured]) -> dict[str, float]:
    first, *others = [dict(row.values) for row in rows]
    for other in others:
        first = other | first
    return first


def main() -> None:
    """Train, judge, print, record."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--base", type=Path, required=True)
    parser.add_argument("--few", required=True)
    parser.add_argument("--unseen", required=True)
    parser.add_argument("--samples", type=int, default=40_000)
    parser.add_argument("--frozen", type=int, default=2)
    parser.add_argument("--augment", type=float, default=1.0)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("-n", type=int, default=2000)
    parser.add_argument("--sheets", type=Path, help="keep a sheet of each arm here")
    given = parser.parse_args()
    torch.set_num_threads(1)
    common: dict[str, Any] = {"train.precision": "bf16", "train.samples": given.samples}
    common |= {"game.augment": given.augment, "train.sample_every": 10**12}
    common |= {"train.save_every": 10**12}
    judge = Judge(given.unseen, given.n, given.few)
    rows: dict[str, list[dict[str, float]]] = {name: [row] for name, row in judge.floors().items()}
    with tempfile.TemporaryDirectory() as scratch:
        alone = Path(shutil.copytree(given.base / "model", Path(scratch) / "alone"))
        for seed, (name, own) in product(
            range(given.seeds), arms(given.base, alone, given.frozen).items()
        ):
            run = Path(scratch) / f"{name}-{seed}"
            spent = train(common | own, given.few, seed, run)
            found = judge.made(run, seed) | {"seconds": spent}
            rows.setdefault(name, []).append(found)
            print(seed, name, {k: round(v, 2) for k, v in found.items()}, flush=True)
            if given.sheets and seed == 0:
                model = multigan.load(run, trust_code=True)
                sheet = model.domain.presenter.sheet(model.generate(64, seed=0))
                sheet.save(given.sheets / f"{name.replace(' ', '-')}.png")
    for name, results in rows.items():
        shown = {m: spread([r[m] for r in results]) for m in (*SHOWN, "seconds") if m in results[0]}
        print(f"{name:30}" + "  ".join(f"{m} {v}" for m, v in shown.items()))
    about = {"n": given.n, "samples": given.samples, "augment": given.augment, "rows": rows}
    print(record("fine-tuning", torch.device("cpu"), about))


if __name__ == "__main__":
    main()
