"""Pictures a second of an RGB DCGAN: our trainer beside the plain loop of the well-known DCGAN
example, in equal precision, by turns in one process.

    python benchmarks/dcgan_speed.py [--shapes 64x32 32x64] [--device auto] [--compile]
                                     [--penalties]

The plain loop is written down from the example's description: the same two networks (generator with
batch norm, critic with batch norm), BCE on logits, Adam 2e-4 (0.5, 0.999), one critic and one
generator step, the critic's two halves backpropagated one after the other, `.item()` on five
quantities every step. Its data lie on the device too, so the data loader plays no part. Ours plays
the same game (`nonsaturating`, no penalty). `--penalties` times rounds with R1 and R2 alone, also
by a double backward, as it was before critics were seen to be piecewise linear. `--shapes` are
SIZExBATCH; on a CPU one thread."""

import argparse
import tempfile
from collections.abc import Callable
from pathlib import Path

import torch
from record import record
from timing import by_turns, summary
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
BF16, REUSED = {"train.precision": "bf16"}, {"game.reuse_fakes": True}
VARIANTS: dict[str, dict[str, object]] = {
    "fp32": {},
    "fp32, samples reused": REUSED,
    "bf16": BF16,
    "bf16, samples reused": BF16 | REUSED,
}
R1_R2: dict[str, object] = {
    "game.penalties.r1": {"weight": 1},
    "game.penalties.r2": {"weight": 1},
    "critic.norm": "none",
}


def recipe(size: int, batch: int, settings: dict[str, object]) -> Recipe:
    """DCGAN as in the paper."""
    adam = {"lr": 2e-4, "beta1": 0.5, "beta2": 0.999}
    content = {
        "domain": "image",
        "data": {"source": "digits", "size": size, "channels": 3},
        "generator": {"network": "dcgan", "latent": 100, "width": 64},
        "critic": {"network": "dcgan", "width": 64, "norm": "batch"},
        "game": {"objective": "nonsaturating", "generator": adam, "critic": adam},
        "train": {"samples": 10**9, "batch": batch},
    }
    return load_recipe(content, settings)


def ours(
    pictures: Tensor,
    batch: int,
    device: torch.device,
    settings: dict[str, object],
    double_backward: bool = False,
) -> Callable[[], None]:
    """One round of our trainer; ``double_backward`` is the plain way of its penalties."""
    size = pictures.shape[-1]
    domain = ImageDomain(recipe(size, batch, settings), Facts((3, size, size)))
    with tempfile.TemporaryDirectory() as folder:
        trainer = Trainer(domain, Stored(pictures), RunFolder(Path(folder)), device=device)
    if double_backward:
        trainer.game.matches["critic"].piecewise = False

    def play() -> None:
        trainer.clock = trainer.game.round(trainer.turns, trainer.clock, batch, 10**9)

    return play


def plain(
    pictures: Tensor, batch: int, device: torch.device, bf16: bool = False
) -> Callable[[], None]:
    """One step of the example's loop."""
    size = pictures.shape[-1]
    domain = ImageDomain(recipe(size, batch, {}), Facts((3, size, size)))
    generator, critic = domain.network("generator").to(device), domain.network("critic").to(device)
    optimisers = [torch.optim.Adam(n.parameters(), 2e-4, (0.5, 0.999)) for n in (critic, generator)]
    data, ones, zeros = (
        pictures.to(device),
        torch.ones(batch, device=device),
        torch.zeros(batch, device=device),
    )

    def run(network: nn.Module, x: Tensor) -> Tensor:
        with torch.autocast(device.type, torch.bfloat16, enabled=bf16):
            made: Tensor = network(x)
        return made.float()

    def half(x: Tensor, target: Tensor) -> tuple[float, float]:
        logits = run(critic, x)
        loss = bce(logits, target)
        loss.backward()
        return loss.item(), logits.sigmoid().mean().item()

    def step() -> None:
        critic.zero_grad()
        chosen = torch.randint(len(data), (batch,), device=device)
        half(data[chosen].float() * (2 / 255) - 1, ones)
        fake = run(generator, torch.randn(batch, 100, device=device))
        half(fake.detach(), zeros)
        optimisers[0].step()
        generator.zero_grad()
        half(fake, ones)
        optimisers[1].step()

    return step


def beside_the_example(
    size: int, batch: int, device: torch.device, compiled: bool = False
) -> dict[str, object]:
    """Every variant of ours beside the example in fp32 and in bf16."""
    pictures = torch.randint(0, 256, (PICTURES, 3, size, size), dtype=torch.uint8)
    steps = {"example, fp32": plain(pictures, batch, device)}
    steps["example, bf16"] = plain(pictures, batch, device, bf16=True)
    variants = VARIANTS | ({"bf16, compiled": BF16 | {"train.compile": True}} if compiled else {})
    steps |= {name: ours(pictures, batch, device, chosen) for name, chosen in variants.items()}
    return summary(by_turns(steps, device), "example, fp32", batch)


def penalised(size: int, batch: int, device: torch.device) -> dict[str, object]:
    """Rounds with R1 and R2 every time beside rounds without, in both precisions."""
    pictures = torch.randint(0, 256, (PICTURES, 3, size, size), dtype=torch.uint8)
    bare = {"critic.norm": "none"}
    ways = (("no penalty", bare, False), ("R1 and R2", R1_R2, False))
    ways = (*ways, ("R1 and R2, double backward", R1_R2, True))
    steps = {
        f"{name}, {what}": ours(pictures, batch, device, {**precision, **rules}, double)
        for name, precision in (("fp32", {}), ("bf16", BF16))
        for what, rules, double in ways
    }
    return summary(by_turns(steps, device, rounds=2, turns=5), "fp32, no penalty", batch)


def main() -> None:
    """Measure, print, record."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shapes", nargs="+", default=["64x32", "32x64"])
    parser.add_argument("--device", default="auto")
    parser.add_argument(
        "--compile", action="store_true", help="also measure train.compile (minutes on a CPU)"
    )
    parser.add_argument("--penalties", action="store_true", help="only rounds with penalties")
    given = parser.parse_args()
    device = pick_device(given.device)
    torch.set_num_threads(1)
    figures = {}
    for shape in given.shapes:
        size, batch = map(int, shape.split("x"))
        figures[shape] = {"penalties": penalised(size, batch, device)}
        if not given.penalties:
            figures[shape]["pictures"] = beside_the_example(size, batch, device, given.compile)
        for rows in figures[shape].values():
            for name, row in rows.items():
                print(f"{shape:8} {name:28} {row}", flush=True)
    print(record("dcgan-penalties" if given.penalties else "dcgan-speed", device, figures))


if __name__ == "__main__":
    main()
