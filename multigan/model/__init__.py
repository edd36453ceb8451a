"""What a user keeps: a trained generator that makes samples (`making`), loaded and saved
(`kept`)."""

from multigan.model.kept import Model, load, model_card

__all__ = ["Model", "load", "model_card"]
