"""Pairs of pictures to measure by: the emoji of two makers, on white, a part kept from training.

`npm pack emoji-datasource-google@16.0.0 emoji-datasource-twitter@16.0.0`, unpack both, then

    python benchmarks/emoji_pairs.py GOOGLE/package/img/google/64 TWITTER/package/img/twitter/64 OUT

writes OUT/google and OUT/twitter, each with `train` and `test`. An emoji is kept from training with
all its skin tones, so that none of what is measured was seen in another colour.
"""

from argparse import ArgumentParser
from pathlib import Path
from random import Random

from PIL import Image

HELD_OUT = 500  # pictures at least
TONES = {"1f3fb", "1f3fc", "1f3fd", "1f3fe", "1f3ff"}


def without_tone(name: str) -> str:
    """The name of an emoji whatever its skin."""
    return "-".join(part for part in name.split("-") if part not in TONES)


def held_out(names: list[str]) -> set[str]:
    """Names ``HELD_OUT`` or a few more: whole families, drawn by a fixed seed."""
    families: dict[str, list[str]] = {}
    for name in sorted(names):
        families.setdefault(without_tone(name), []).append(name)
    order = sorted(families)
    Random(0).shuffle(order)
    kept: set[str] = set()
    for family in order:
        if len(kept) >= HELD_OUT:
            break
        kept |= set(families[family])
    return kept


def on_white(file: Path) -> Image.Image:
    """A transparent picture laid over white."""
    picture = Image.open(file).convert("RGBA")
    ground = Image.new("RGBA", picture.size, "white")
    return Image.alpha_composite(ground, picture).convert("RGB")


def write_pairs(google: Path, twitter: Path, out: Path) -> int:
    """Write both makers' pictures; returns how many are kept from training."""
    names = [f.stem for f in google.glob("*.png") if (twitter / f.name).is_file()]
    unseen = held_out(names)
    for maker, folder in (("google", google), ("twitter", twitter)):
        for name in names:
            place = out / maker / ("test" if name in unseen else "train") / f"{name}.png"
            place.parent.mkdir(parents=True, exist_ok=True)
            on_white(folder / f"{name}.png").save(place)
    return len(unseen)


if __name__ == "__main__":
    parser = ArgumentParser(description=__doc__)
    for name in ("google", "twitter", "out"):
        parser.add_argument(name, type=Path)
    given = parser.parse_args()
    count = write_pairs(given.google, given.twitter, given.out)
    print(f"{given.out}: {count} emoji are kept from training")
