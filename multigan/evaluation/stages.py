"""What a run was before its game: the models that it kept at the end of its earlier stages."""

from dataclasses import fields
from pathlib import Path

from multigan.recipe.settings import PretrainingSettings, Recipe


def kept_stages(run: str | Path, recipe: Recipe) -> dict[str, Path]:
    """Model folders by the stage's name, such as ``likelihood`` or ``reconstruction``; empty where
    ``run`` is no run folder."""
    named = [field.name for field in fields(recipe)]
    stages = [name for name in named if isinstance(getattr(recipe, name), PretrainingSettings)]
    folders = {name: Path(run) / name for name in stages}
    return {name: folder for name, folder in folders.items() if (folder / "config.json").is_file()}
