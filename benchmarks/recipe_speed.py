"""Milliseconds of a recipe's round in fp32, in bf16, with the critic's samples judged again by the
generator's phase, and with both, by turns in one process:

    python benchmarks/recipe_speed.py image/digits image/mnist=MNIST/ audio/drums

A recipe's data may follow a `=`. Processor time of one thread on a CPU."""

import argparse
import tempfile
from pathlib import Path

import torch
from dcgan_speed import VARIANTS
from record import record
from timing import Step, by_turns, summary

from multigan.devices import pick_device
from multigan.domains.base import domain_type
from multigan.recipe.load import load_recipe
from multigan.runs.folder import RunFolder
from multigan.training.trainer import Trainer


def game(name: str, settings: dict[str, object], device: torch.device) -> tuple[Step, int]:
    """A round of a recipe's game, and the real samples it sees."""
    recipe = load_recipe(name, settings)
    domain = domain_type(recipe.domain)(recipe)
    with tempfile.TemporaryDirectory() as folder:
        trainer = Trainer(domain, domain.load(), RunFolder(Path(folder)), device=device)
    batch, budget = recipe.train.batch, recipe.train.samples

    def play() -> None:
        trainer.clock = trainer.game.round(trainer.turns, trainer.clock, batch, budget)

    return play, batch * recipe.game.critic.steps


def main() -> None:
    """Measure, print, record."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("recipes", nargs="+")
    parser.add_argument("--device", default="auto")
    given = parser.parse_args()
    device = pick_device(given.device)
    torch.set_num_threads(1)
    figures = {}
    for asked in given.recipes:
        name, _, source = asked.partition("=")
        data = {"data.source": source} if source else {}
        precision = {"train.precision": "fp32"}
        games = {
            variant: game(name, {**precision, **data, **chosen}, device)
            for variant, chosen in VARIANTS.items()
        }
        seen = next(count for _, count in games.values())
        steps = {variant: step for variant, (step, _) in games.items()}
        figures[name] = summary(by_turns(steps, device, rounds=8), "fp32", seen)
        for variant, row in figures[name].items():
            print(f"{name:16} {variant:24} {row}", flush=True)
    print(record("recipe-speed", device, figures))


if __name__ == "__main__":
    main()
