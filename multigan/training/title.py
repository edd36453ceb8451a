"""What is said of a training before it begins."""

from multigan.adversarial.game import Game
from multigan.runs.folder import RunFolder
from multigan.training.batches import Batches


def title(game: Game, batches: Batches, run: RunFolder) -> str:
    """What is made, of how many real samples, by players of which sizes, on what, and where to."""
    recipe, world = batches.domain.recipe, batches.processes.world
    sizes = [f"{one.name} {sum(p.numel() for p in one.parameters):,}" for one in game.players]
    return (
        f"{recipe.title or recipe.domain}: {batches.feed.count:,} real samples, "
        f"{', '.join(sizes[:-1])} and {sizes[-1]} parameters, on {batches.device}"
        + (f" × {world} processes" if world > 1 else "")
        + f"\n{run.path}"
    )
