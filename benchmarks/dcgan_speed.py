"""Images a second of a 64×64 RGB DCGAN: our trainer beside the plain loop of the well-known DCGAN
example.

    python benchmarks/dcgan_speed.py [--batches 128 1024] [--rounds 30] [--device auto]

The plain loop is written down from the example's description: the same two networks (generator with
batch norm, critic with batch norm), BCE on logits, Adam 2e-4 (0.5, 0.999), one critic and one
generator step, the critic's two halves backpropagated one after the other, `.item()` on five
quantities every step. Its data lie on the device too, so the data loader plays no part. Ours plays
the same game (`nonsaturating`, no penalty)."""

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch
from record import record
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits as bce

from multigan.devices import pick_device
from multigan.domains.image.domain import ImageDomain
from multigan.recipe.load import load_recipe
from multigan.recipe.settings import Recipe
from multigan.runs.folder import RunFolder
from multigan.samples import Facts, Stored
from multigan.training.trainer import Trainer

PICTURES = 4096


def recipe(batch: int, settings: dict[str, object]) -> Recipe:
    """DCGAN as in the paper, at 64×64."""
    adam = {"lr": 2e-4, "beta1": 0.5, "beta2": 0.999}
    content = {
        "domain": "image",
        "data": {"source": "digits", "size": 64, "channels": 3},
        "generator": {"network": "dcgan", "latent": 100, "width": 64},
        "critic": {"network": "dcgan", "width": 64, "norm": "batch"},
        "game": {"objective": "nonsaturating", "generator": adam, "critic": adam},
        "train": {"samples": 10**9, "batch": batch, "channels_last": False},
    }
    return load_recipe(content, settings)


def ours(
    pictures: Tensor, batch: int, device: torch.device, settings: dict[str, object]
) -> Callable[[], None]:
    """One round of our trainer."""
    domain = ImageDomain(recipe(batch, settings), Facts((3, 64, 64)))
    with tempfile.TemporaryDirectory() as folder:
        trainer = Trainer(domain, Stored(pictures), RunFolder(Path(folder)), device=device)

    def play() -> None:
        trainer.clock = trainer.game.round(trainer.turns, trainer.clock, batch, 10**9)

    return play


def plain(pictures: Tensor, batch: int, device: torch.device) -> Callable[[], None]:
    """One step of the example's loop."""
    domain = ImageDomain(recipe(batch, {}), Facts((3, 64, 64)))
    generator, critic = domain.network("generator").to(device), domain.network("critic").to(device)
    optimisers = [torch.optim.Adam(n.parameters(), 2e-4, (0.5, 0.999)) for n in (critic, generator)]
    data, ones, zeros = (
        pictures.to(device),
        torch.ones(batch, device=device),
        torch.zeros(batch, device=device),
    )

    def half(network: nn.Module, x: Tensor, target: Tensor) -> tuple[float, float]:
        logits = network(x)
        loss = bce(logits, target)
        loss.backward()
        return loss.item(), logits.sigmoid().mean().item()

    def step() -> None:
        critic.zero_grad()
        chosen = torch.randint(len(data), (batch,), device=device)
        half(critic, data[chosen].float() * (2 / 255) - 1, ones)
        fake = generator(torch.randn(batch, 100, device=device))
        half(critic, fake.detach(), zeros)
        optimisers[0].step()
        generator.zero_grad()
        half(critic, fake, ones)
        optimisers[1].step()

    return step


def images_per_second(
    step: Callable[[], None], batch: int, rounds: int, device: torch.device
) -> float:
    """The median over five timings, after some that are not counted."""
    speeds = []
    for repeat in range(6):
        if device.type == "cuda":
            torch.cuda.synchronize()
        began = time.perf_counter()
        for _ in range(rounds if repeat else max(3, rounds // 3)):
            step()
        if device.type == "cuda":
            torch.cuda.synchronize()
        speeds.append(rounds * batch / (time.perf_counter() - began))
    return sorted(speeds[1:])[2]


def main() -> None:
    """Measure, print, record."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--batches", type=int, nargs="+", default=[128, 1024])
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--device", default="auto")
    parser.add_argument(
        "--compile", action="store_true", help="also measure train.compile (minutes on a CPU)"
    )
    arguments = parser.parse_args()
    device = pick_device(arguments.device)
    pictures = torch.randint(0, 256, (PICTURES, 3, 64, 64), dtype=torch.uint8)
    last = {"train.channels_last": True}
    variants: dict[str, dict[str, object]] = {
        "eager fp32": {},
        "channels_last": last,
        "bf16 + channels_last": {**last, "train.precision": "bf16"},
    }
    if arguments.compile:
        variants["bf16 + channels_last + compiled"] = {
            **variants["bf16 + channels_last"],
            "train.compile": True,
        }
    figures: dict[str, dict[str, float]] = {}
    for batch in arguments.batches:
        baseline = images_per_second(
            plain(pictures, batch, device), batch, arguments.rounds, device
        )
        rows = {"plain DCGAN example loop": baseline}
        print(
            f"batch {batch:5} {'plain DCGAN example loop':46} {baseline:10,.0f} images/s",
            flush=True,
        )
        for name, settings in variants.items():
            rows[name] = images_per_second(
                ours(pictures, batch, device, settings), batch, arguments.rounds, device
            )
            print(
                f"batch {batch:5} {name:46} {rows[name]:10,.0f} images/s  "
                f"×{rows[name] / baseline:.2f}",
                flush=True,
            )
        figures[str(batch)] = rows
    print(record("dcgan-speed", device, figures))


if __name__ == "__main__":
    main()
