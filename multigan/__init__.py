"""multigan: train a generative adversarial network on pictures, sentences or sounds, and make new ones.

    import multigan

    run = multigan.train("image/digits", out="runs/first")
    pictures = multigan.load("runs/first").generate(16, seed=0)

The public names are loaded on first use, so ``import multigan`` costs no torch.
"""

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from multigan.adversarial.objectives import Objective
    from multigan.domains.base import Domain
    from multigan.evaluation.evaluate import evaluate
    from multigan.evaluation.result import Evaluation
    from multigan.model import Model, load
    from multigan.recipe import Recipe, load_recipe
    from multigan.session import Run, resume, train
    from multigan.training.trainer import Trainer

_HOME = {
    "Domain": "multigan.domains.base",
    "Evaluation": "multigan.evaluation.result",
    "evaluate": "multigan.evaluation.evaluate",
    "Model": "multigan.model",
    "Objective": "multigan.adversarial.objectives",
    "load": "multigan.model",
    "Recipe": "multigan.recipe",
    "load_recipe": "multigan.recipe",
    "Run": "multigan.session",
    "train": "multigan.session",
    "resume": "multigan.session",
    "Trainer": "multigan.training.trainer",
}

__all__ = [
    "Domain",
    "Evaluation",
    "Model",
    "Objective",
    "Recipe",
    "Run",
    "Trainer",
    "evaluate",
    "load",
    "load_recipe",
    "resume",
    "train",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'multigan' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOME[name]), name)
