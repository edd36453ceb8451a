"""multigan: train a generative adversarial network on pictures, sentences or sounds, and make new
ones.

    import multigan

    run = multigan.train("image/digits", out="runs/first")
    pictures = multigan.load("runs/first").generate(16, seed=0)

The public names are loaded on first use, so ``import multigan`` costs no torch.
"""

from typing import TYPE_CHECKING, Any

from multigan.version import __version__ as __version__

if TYPE_CHECKING:
    from multigan.adversarial.objectives import Objective
    from multigan.adversarial.penalties import Penalty
    from multigan.adversarial.terms import Term
    from multigan.domains.base import Domain
    from multigan.errors import CheckpointError, DataError, DiskError, RecipeError, UserError
    from multigan.evaluation.evaluate import evaluate
    from multigan.evaluation.others import evaluate_samples
    from multigan.measures.embedder import Embedder
    from multigan.measures.table import Evaluation
    from multigan.model import Model
    from multigan.model.typed import load
    from multigan.recipe.load import load_recipe
    from multigan.recipe.settings import Recipe
    from multigan.training.trainer import Trainer
    from multigan.verbs.resume import resume
    from multigan.verbs.session import Run
    from multigan.verbs.train import train

_HOME = {
    "CheckpointError": "multigan.errors",
    "DataError": "multigan.errors",
    "DiskError": "multigan.errors",
    "Domain": "multigan.domains.base",
    "Embedder": "multigan.measures.embedder",
    "Evaluation": "multigan.measures.table",
    "evaluate": "multigan.evaluation.evaluate",
    "evaluate_samples": "multigan.evaluation.others",
    "Model": "multigan.model",
    "Objective": "multigan.adversarial.objectives",
    "Penalty": "multigan.adversarial.penalties",
    "Term": "multigan.adversarial.terms",
    "load": "multigan.model",
    "Recipe": "multigan.recipe",
    "RecipeError": "multigan.errors",
    "UserError": "multigan.errors",
    "load_recipe": "multigan.recipe",
    "Run": "multigan.verbs.session",
    "train": "multigan.verbs.train",
    "resume": "multigan.verbs.resume",
    "Trainer": "multigan.training.trainer",
}

__all__ = [
    "CheckpointError",
    "DataError",
    "DiskError",
    "Domain",
    "Embedder",
    "Evaluation",
    "Model",
    "Objective",
    "Penalty",
    "Recipe",
    "RecipeError",
    "Run",
    "Term",
    "Trainer",
    "UserError",
    "evaluate",
    "evaluate_samples",
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
