"""Modes, high-quality share and reverse KL of the points recipes over ten seeds, with their floors.

    python benchmarks/points_table.py [ring grid spiral] [--seeds 10] [--plain-seeds 3] [--workers
    2]

Rows: the recipe; the same recipe with the 2014 objective and no penalty; fresh real points (the
floor); one Gaussian with the data's mean and covariance (the trivial generator). PacGAN's protocol:
2,500 points."""

import argparse
import tempfile
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import torch
from record import record, spread

import multigan
from multigan.domains.points.measures import mixture_measures
from multigan.domains.points.settings import PointsRecipe
from multigan.domains.points.sources import MIXTURES

COUNT = 2500
PLAIN = {
    "game.objective": "nonsaturating",
    "game.penalties.r1.weight": 0,
    "game.penalties.r2.weight": 0,
}


def trained(recipe: str, seed: int, *, settings: dict[str, object]) -> dict[str, float]:
    """The measures of fresh points of a model trained with ``seed``."""
    with tempfile.TemporaryDirectory() as folder:
        quiet = {"train.sample_every": 10**12, **settings}
        run = multigan.train(
            recipe, out=Path(folder) / "run", seed=seed, settings=quiet, device="cpu", quiet=True
        )
        points = torch.tensor([tuple(p) for p in run.model.generate(COUNT, seed=seed)])
        prepared = run.model.recipe
        seconds = run.metrics[-1]["seconds"]
    assert isinstance(prepared, PointsRecipe)
    return {**mixture_measures(points, MIXTURES[prepared.data.source]()), "seconds": seconds}


def real(source: str, seed: int) -> dict[str, float]:
    """The floor: points of the mixture itself."""
    mixture = MIXTURES[source]()
    return mixture_measures(mixture.sample(COUNT, seed=1000 + seed), mixture)


def gaussian(source: str, seed: int) -> dict[str, float]:
    """The trivial generator: one Gaussian with the data's mean and covariance."""
    mixture = MIXTURES[source]()
    data = mixture.sample(100_000, seed=0)
    torch.manual_seed(seed)
    fitted = torch.distributions.MultivariateNormal(data.mean(0), data.T.cov())
    return mixture_measures(fitted.sample((COUNT,)), mixture)


def main() -> None:
    """Measure, print, record."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("mixtures", nargs="*", default=["ring", "grid", "spiral"])
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument(
        "--workers", type=int, default=1, help="trainings at a time, one thread each"
    )
    parser.add_argument("--plain-seeds", type=int, default=3, help="seeds of the plain 2014 game")
    arguments = parser.parse_args()
    seeds, plain = range(arguments.seeds), range(arguments.plain_seeds)
    for name in arguments.mixtures:
        with ProcessPoolExecutor(
            arguments.workers, initializer=torch.set_num_threads, initargs=(1,)
        ) as workers:
            ours = workers.map(partial(trained, f"points/{name}", settings={}), seeds)
            simple = workers.map(partial(trained, f"points/{name}", settings=PLAIN), plain)
            rows = {"recipe": list(ours), "nonsaturating, no penalty": list(simple)}
        rows["real points (floor)"] = [real(name, seed) for seed in seeds]
        rows["one Gaussian (trivial)"] = [gaussian(name, seed) for seed in seeds]
        for row, results in rows.items():
            shown = {key: spread([r[key] for r in results]) for key in results[0]}
            print(
                f"{name:7} {row:26} " + "  ".join(f"{k} {v}" for k, v in shown.items()), flush=True
            )
        print(record(f"points-{name}", torch.device("cpu"), rows))


if __name__ == "__main__":
    main()
