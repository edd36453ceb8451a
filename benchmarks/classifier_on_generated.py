"""What generated digits are worth to a classifier, beside real ones.

    multigan train image/mnist --data MNIST --out RUN --set data.labels=true
    python benchmarks/classifier_on_generated.py --data MNIST --model RUN [--seeds 3]

A small network learns from each set by as many updates of as many digits, and is asked about the
10,000 real test digits. Where generated digits are added to real ones, half of every batch is real.
The generator of ``--model`` has seen all 60,000 labelled digits, so that it may know what a few
real ones do not say; another is trained on those few alone (``--samples``; 0 leaves it out), which
is what somebody has who has no more. ``varied``: turned, moved, enlarged at random, as is usual."""

import argparse
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from record import record, spread
from torch import Tensor, nn
from torch.nn import functional as F

import multigan
from multigan.adversarial.randomness import Draw, derive_seed
from multigan.domains.base import Domain, domain_type
from multigan.domains.image.embedders import vary
from multigan.recipe.load import load_recipe

BATCH = 128
FEW = {"game.augment": 0.5, "train.validation": 0.0}


@dataclass(frozen=True)
class Digits:
    """Pictures ``(n, 1, 32, 32)`` in [-1, 1] and what they are of ``(n,)``."""

    pictures: Tensor
    labels: Tensor

    def drawn(self, draw: Draw, purpose: str, count: int) -> tuple[Tensor, Tensor]:
        """So many of them at random."""
        rows = (draw.uniform(purpose)[:count] * len(self.labels)).long()
        return self.pictures[rows], self.labels[rows]

    def few(self, count: int, seed: int) -> "Digits":
        """As many of each class, ``count`` in all."""
        random = torch.Generator().manual_seed(derive_seed("few digits", seed))
        order = torch.randperm(len(self.labels), generator=random)
        each = [order[self.labels[order] == c][: count // 10] for c in range(10)]
        rows = torch.cat(each)
        return Digits(self.pictures[rows], self.labels[rows])


def real(data: str, split: str) -> Digits:
    """The real digits of a split."""
    settings = {"data.source": data, "data.labels": True, "data.split": split}
    recipe = load_recipe("image/mnist", settings)
    domain: Domain = domain_type("image")(recipe)
    stored = domain.load()
    assert stored.labels is not None
    return Digits(stored.samples.float() * (2 / 255) - 1, stored.labels)


def generated(run: str | Path, count: int, seed: int) -> Digits:
    """Digits that a model makes, each class in turn, as they are written."""
    model = multigan.load(run, trust_code=True)
    made = [model.domain.stored(x) for x in model.representations(count, seed=seed)]
    labels = torch.arange(count) % len(model.classes)
    return Digits(torch.cat(made)[:count].float() * (2 / 255) - 1, labels)


def generator_of(few: Digits, samples: int, seed: int, folder: Path) -> Path:
    """A generator trained on a few digits alone; its run."""
    grey = ((few.pictures + 1) * 127.5).round().byte().numpy()
    for i, (picture, label) in enumerate(zip(grey, few.labels.tolist(), strict=True)):
        (folder / "digits" / str(label)).mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture[0]).save(folder / "digits" / str(label) / f"{i}.png")
    settings: dict[str, Any] = {"data.labels": True, "train.samples": samples} | FEW
    settings |= {"train.precision": "bf16", "train.sample_every": 10**12}
    multigan.train(
        "image/mnist",
        data=str(folder / "digits"),
        settings=settings,
        seed=seed,
        out=folder / "run",
        device="cpu",
        quiet=True,
    )
    return folder / "run"


def classifier() -> nn.Sequential:
    """``(N, 1, 32, 32)`` to logits ``(N, 10)``."""
    layers: list[nn.Module] = []
    for below, above in ((1, 16), (16, 32), (32, 64)):
        layers += [nn.Conv2d(below, above, 3, 2, 1), nn.BatchNorm2d(above), nn.ReLU()]
    return nn.Sequential(*layers, nn.Flatten(), nn.Dropout(0.3), nn.Linear(64 * 16, 10))


def score(sets: list[Digits], test: Digits, updates: int, seed: int, varied: bool) -> float:
    """Share of the test digits that a network is right on that has learnt from the sets, as many
    of each in a batch."""
    torch.manual_seed(derive_seed("classifier of digits", seed))
    network = classifier()
    optimiser = torch.optim.AdamW(network.parameters(), lr=2e-3, weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 4e-3, total_steps=updates)
    for step in range(updates):
        draw = Draw(seed, step * BATCH, BATCH, torch.device("cpu"), range(BATCH))
        parts = [s.drawn(draw, f"rows {i}", BATCH // len(sets)) for i, s in enumerate(sets)]
        x = torch.cat([part[0] for part in parts])
        loss = F.cross_entropy(
            network(vary(x, draw) if varied else x), torch.cat([part[1] for part in parts])
        )
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
        schedule.step()
    with torch.no_grad():
        network.eval()
        answers = torch.cat([network(part).argmax(1) for part in test.pictures.split(500)])
    return float((answers == test.labels).float().mean())


def main() -> None:
    """Generate, train classifiers, print, record."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", required=True)
    parser.add_argument("--model", required=True)
    parser.add_argument("--few", type=int, default=500)
    parser.add_argument("--samples", type=int, default=40_000)
    parser.add_argument("--updates", type=int, default=400)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("-n", type=int, default=10_000)
    given = parser.parse_args()
    torch.set_num_threads(1)
    began = time.process_time()
    whole, test = real(given.data, "train"), real(given.data, "test")
    few, n = whole.few(given.few, 0), f"{given.n:,}"
    made = generated(given.model, given.n, 0)
    sets: dict[str, tuple[list[Digits], bool]] = {
        "60,000 real": ([whole], False),
        f"{given.few} real": ([few], False),
        f"{given.few} real, varied": ([few], True),
        f"{n} generated": ([made], False),
        f"{given.few} real + {n} generated": ([few, made], False),
        f"{given.few} real + {n} generated, varied": ([few, made], True),
    }
    if given.samples:
        with tempfile.TemporaryDirectory() as folder:
            own = generated(generator_of(few, given.samples, 0, Path(folder)), given.n, 0)
        by = f"by one that saw the {given.few}"
        sets[f"{n} generated {by}"] = ([own], False)
        sets[f"{given.few} real + {n} {by}"] = ([few, own], False)
        sets[f"{given.few} real + {n} {by}, varied"] = ([few, own], True)
    spent = {"generators": time.process_time() - began}
    rows: dict[str, list[float]] = {}
    seeds = range(given.first_seed, given.first_seed + given.seeds)
    for name, (learn, varied) in sets.items():
        rows[name] = [score(learn, test, given.updates, seed, varied) for seed in seeds]
        print(f"{name:60} {spread([100 * r for r in rows[name]])} % right", flush=True)
    spent["classifiers"] = time.process_time() - began - spent["generators"]
    print(spent)
    about = {"updates": given.updates, "batch": BATCH, "rows": rows, "seconds": spent}
    print(record("classifier-on-generated", torch.device("cpu"), about))


if __name__ == "__main__":
    main()
