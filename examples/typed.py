"""A program of a user's, as a strict type checker reads it: `mypy --strict examples/typed.py`."""

from pathlib import Path

import multigan


def train_and_look(photos: Path, out: Path) -> list[tuple[int, int]]:
    """Train on a folder of pictures; the sizes of sixteen new ones."""
    run = multigan.train(photos, out=out, settings={"train.samples": 50_000}, quiet=True)
    pictures = multigan.load(run.folder, domain="image").generate(16, seed=0)
    return [picture.size for picture in pictures]


def longest(run: Path) -> str:
    """The longest of a hundred sentences."""
    sentences = multigan.load(run, domain="text").generate(100, temperature=0.8)
    return max(sentences, key=len)


def save_sounds(run: Path, folder: Path) -> list[float]:
    """Eight clips as files; how many seconds each is."""
    clips = multigan.load(run, domain="audio").generate(8, label="kick")
    for number, clip in enumerate(clips):
        clip.save(folder / f"{number}.wav")
    return [clip.seconds for clip in clips]


def table(run: Path) -> list[tuple[str, ...]]:
    """The first lines of a series, with the names of its channels."""
    series = multigan.load(run, domain="series").generate(1)[0]
    return [series.channels, *(tuple(f"{value:.3g}" for value in row) for row in series.values[:3])]


def middle(run: Path) -> float:
    """The mean of a thousand points."""
    points = multigan.load(run, domain="points").generate(1000)
    return sum(float(point.mean()) for point in points) / len(points)


def distance(model: multigan.Model, photos: Path) -> float:
    """How far a model's pictures are from others that it has not seen."""
    found: multigan.Evaluation = multigan.evaluate(model, data=photos, n=200)
    return found["model"].mean(found.measures[0])
