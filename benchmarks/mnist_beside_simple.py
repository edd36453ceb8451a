"""image/mnist beside a hundred throw-away lines, on equal samples in one run, by one judge.

    python benchmarks/mnist_beside_simple.py --data MNIST_FOLDER [--samples 60000] [--seeds 3] [-n
    5000]

The other side: the DCGAN one writes first (4×4 convolutions, 128-64-32 channels, torch's own
initial weights), relativistic pairing with R1 and R2 (weight 1, every 4th step), Adam 5e-4 (0,
0.99), EMA 5,000 samples, batch 64. Both run in this trainer, on one thread, in turn; a sample costs
them about the same, and the processor seconds of each are in the table."""

import argparse
import tempfile
import time
from pathlib import Path
from typing import Any

import torch
from record import record, spread
from torch import Tensor, nn

import multigan

BOTH = {
    "game.objective": "rpgan"
}  # the recipe's own does better still: recipes/image/sweep-mnist.md
SIMPLE = {
    "game.generator.lr": 5e-4,
    "game.critic.lr": 5e-4,
    "game.ema_half_life": 5000,
}
SHOWN = ("FD-cls", "MIND", "IS-cls", "KL-classes", "precision", "recall", "coverage")


class SimpleGenerator(nn.Module):
    """Latent ``(N, 64)`` to pictures ``(N, 1, 32, 32)``."""

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = [
            nn.Linear(64, 128 * 16),
            nn.Unflatten(1, (128, 4, 4)),
            nn.BatchNorm2d(128),
            nn.ReLU(),
        ]
        for below, above in ((128, 64), (64, 32)):
            layers += [nn.ConvTranspose2d(below, above, 4, 2, 1), nn.BatchNorm2d(above), nn.ReLU()]
        self.layers = nn.Sequential(*layers, nn.ConvTranspose2d(32, 1, 4, 2, 1), nn.Tanh())

    def forward(self, noise: Tensor, condition: Tensor | None = None) -> Tensor:
        """Pictures."""
        made: Tensor = self.layers(noise)
        return made


class SimpleCritic(nn.Module):
    """Pictures ``(N, 1, 32, 32)`` to logits ``(N,)``."""

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for below, above in ((1, 32), (32, 64), (64, 128)):
            layers += [nn.Conv2d(below, above, 4, 2, 1), nn.LeakyReLU(0.2)]
        self.layers = nn.Sequential(*layers, nn.Flatten(), nn.Linear(128 * 16, 1))

    def forward(self, x: Tensor, condition: Tensor | None = None) -> Tensor:
        """Logits."""
        return self.layers(x).squeeze(1)


def networks(simple: bool) -> dict[str, nn.Module]:
    """The two networks of the simple side; the recipe's own otherwise."""
    return {"generator": SimpleGenerator(), "critic": SimpleCritic()} if simple else {}


def train(simple: bool, samples: int, seed: int, data: str, out: Path) -> float:
    """Processor seconds of a training."""
    settings: dict[str, Any] = BOTH | (SIMPLE if simple else {})
    settings |= {"train.samples": samples, "train.sample_every": 10**12, "train.save_every": 10**12}
    began = time.process_time()
    multigan.train(
        "image/mnist",
        data=data,
        settings=settings,
        seed=seed,
        out=out,
        device="cpu",
        quiet=True,
        **networks(simple),
    )
    return time.process_time() - began


def main() -> None:
    """Train, judge, print, record."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", required=True)
    parser.add_argument("--samples", type=int, default=60_000)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("-n", type=int, default=5000)
    parser.add_argument(
        "--sheets", type=Path, help="keep a sheet of each side's first samples here"
    )
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    rows: dict[str, list[dict[str, float]]] = {
        "recipe": [],
        "simple": [],
        "real": [],
        "trivial": [],
    }
    with tempfile.TemporaryDirectory() as folder:
        for seed in range(arguments.seeds):
            for simple in (True, False):
                out = Path(folder) / f"{simple}-{seed}"
                spent = train(simple, arguments.samples, seed, arguments.data, out)
                model = multigan.load(out, generator=networks(simple).get("generator"))
                found = multigan.evaluate(model, n=arguments.n, seeds=1, device="cpu")
                values = {m: found["model"].mean(m) for m in found["model"].values}
                rows["simple" if simple else "recipe"].append(values | {"seconds": spent})
                if arguments.sheets and seed == 0:
                    name = "simple" if simple else "recipe"
                    model.domain.presenter.sheet(model.generate(100, seed=0)).save(
                        arguments.sheets / f"{name}.png"
                    )
                print(
                    seed,
                    "simple" if simple else "recipe",
                    values["FD-cls"],
                    f"{spent:.0f} s",
                    flush=True,
                )
            for row in ("real", "trivial"):
                rows[row].append({m: found[row].mean(m) for m in found[row].values})
    for name, results in rows.items():
        shown = {m: spread([r[m] for r in results]) for m in (*SHOWN, "seconds") if m in results[0]}
        print(f"{name:8}" + "  ".join(f"{m} {v}" for m, v in shown.items()))
    print(
        record(
            "mnist-beside-simple",
            torch.device("cpu"),
            {"n": arguments.n, "samples": arguments.samples, "rows": rows},
        )
    )


if __name__ == "__main__":
    main()
