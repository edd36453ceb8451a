"""How fast many small pictures are listed and decoded, beside Pillow alone and torchvision's
`ImageFolder`, all from the same folder in one run:

    python benchmarks/decoding_speed.py --pictures 20000

The folder is made first (PNG, 32×32, ten classes), and a zip of it. Seconds on the clock, and
pictures a second of processor time, which other programs on the machine disturb less."""

import argparse
import os
import resource
import tempfile
import time
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from record import record

from multigan.domains.cache import cached
from multigan.domains.image.decode import PictureDecoder
from multigan.domains.image.settings import ImageData
from multigan.domains.image.sources import open_source

SIZE = 32


def make(root: Path, count: int) -> None:
    """Smooth random pictures in ten folders, and a zip of them beside the folder."""
    random = np.random.default_rng(0)
    for i in range(count):
        folder = root / f"class-{i % 10}"
        folder.mkdir(parents=True, exist_ok=True)
        small = random.integers(0, 256, (4, 4, 3), dtype=np.uint8)
        Image.fromarray(small).resize((SIZE, SIZE)).save(folder / f"{i:07d}.png")
    with zipfile.ZipFile(root.with_suffix(".zip"), "w") as archive:
        for path in sorted(root.rglob("*.png")):
            archive.write(path, path.relative_to(root))


def by_pillow(root: Path) -> int:
    """Every picture opened, decoded and made an array, in one process."""
    paths = sorted(root.rglob("*.png"))
    for path in paths:
        with Image.open(path) as picture:
            np.asarray(picture.convert("RGB"))
    return len(paths)


def by_torchvision(root: Path) -> int:
    """An `ImageFolder` walked through, in one process."""
    from torchvision.datasets import ImageFolder
    from torchvision.transforms.functional import pil_to_tensor

    found = ImageFolder(str(root), transform=pil_to_tensor)
    return sum(1 for _ in found)


def by_multigan(source: Path) -> int:
    """Listed, decoded into the cache and opened, on every core."""
    settings = ImageData(source=str(source), size=SIZE, channels=3)
    return len(cached(PictureDecoder(open_source(str(source), "train"), settings), 0.0))


def processor_seconds() -> float:
    """Of this process and of those it has waited for."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(u.ru_utime + u.ru_stime for u in used)


def timed(action: Callable[[Path], int], source: Path) -> dict[str, float]:
    """Seconds, and pictures a second of the clock and of the processor."""
    clock, processor = time.perf_counter(), processor_seconds()
    count = action(source)
    seconds, used = time.perf_counter() - clock, processor_seconds() - processor
    return {
        "seconds": round(seconds, 2),
        "pictures_a_second": round(count / seconds),
        "pictures_a_processor_second": round(count / used),
    }


def bytes_of_names(root: Path, count: int) -> int:
    """Bytes that an opened source holds, a picture."""
    tracemalloc.start()
    source = open_source(str(root), "train")
    held = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert len(source.names) == count
    return round(held / count)


def main() -> None:
    """Make the pictures, time everything, write the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pictures", type=int, default=20_000)
    count = parser.parse_args().pictures
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "pictures"
        make(root, count)
        os.environ["MULTIGAN_CACHE"] = str(Path(folder) / "cache")
        archive = root.with_suffix(".zip")
        figures = {
            "pictures": count,
            "Pillow alone": timed(by_pillow, root),
            "torchvision ImageFolder": timed(by_torchvision, root),
            "multigan, folder, first start": timed(by_multigan, root),
            "multigan, folder, second start": timed(by_multigan, root),
            "multigan, zip, first start": timed(by_multigan, archive),
            "multigan, zip, second start": timed(by_multigan, archive),
            "Pillow alone, again": timed(by_pillow, root),
            "bytes_of_an_opened_source_a_picture": bytes_of_names(root, count),
        }
    print(record("decoding-speed", torch.device("cpu"), figures).read_text())


if __name__ == "__main__":
    main()
