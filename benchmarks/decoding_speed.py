"""How fast many small pictures are listed, decoded and learned from, beside Pillow alone and
torchvision's `ImageFolder`, all in one run:

    python benchmarks/decoding_speed.py --pictures 1000000

The pictures are made first (PNG, 32×32, a thousand in each folder), and a zip of them: at most
4,000 different ones, the others are hard links to these, so that what is measured is the work and
not the disk. Seconds on the clock, and pictures a second of processor time, which other programs
on the machine disturb less. Pillow and `ImageFolder` take the first 20,000 and are called again
between the others; a training is timed with all pictures and with a thousand, by turns."""

import argparse
import logging
import os
import resource
import tempfile
import time
import tracemalloc
import zipfile
from collections.abc import Callable, Sequence
from itertools import islice, pairwise
from multiprocessing import get_context
from pathlib import Path
from statistics import median

import numpy as np
import torch
from PIL import Image
from record import record

import multigan
from multigan.domains.cache import cached
from multigan.domains.image.decode import PictureDecoder
from multigan.domains.image.settings import ImageData
from multigan.domains.image.sources import open_source

SIZE = 32
DIFFERENT = 4000
IN_A_FOLDER = 1000
BESIDE = 20_000  # pictures that Pillow and torchvision take
SETTLED = 3.0  # seconds after which a folder counts as one that does not change just now
TRAINING = {
    "train.batch": 16,
    "train.samples": 1600,
    "train.log_every": 160,  # ten steps
    "train.sample_every": 1600,
    "train.save_every": 1600,
    "data.size": SIZE,
    "data.channels": 3,
    "generator.width": 8,
    "critic.width": 8,
}
"""A training of steps so short that what the data cost would be seen."""


def make(root: Path, count: int, archive: Path | None = None) -> None:
    """Smooth random pictures in folders, and a zip of them."""
    random = np.random.default_rng(0)
    for i in range(count):
        path = place(root, i)
        path.parent.mkdir(parents=True, exist_ok=True)
        if i < DIFFERENT:
            small = random.integers(0, 256, (4, 4, 3), dtype=np.uint8)
            Image.fromarray(small).resize((SIZE, SIZE)).save(path)
        else:
            os.link(place(root, i % DIFFERENT), path)
    if archive is None:
        return
    contents = [place(root, i).read_bytes() for i in range(min(count, DIFFERENT))]
    with zipfile.ZipFile(archive, "w") as packed:
        for i in range(count):
            packed.writestr(str(place(Path(), i)), contents[i % DIFFERENT])


def place(root: Path, i: int) -> Path:
    """Where a picture lies."""
    return root / f"{i // IN_A_FOLDER:04d}" / f"{i:07d}.png"


def some_paths(root: Path) -> list[Path]:
    """The first of the pictures."""
    every = (path for folder in sorted(root.iterdir()) for path in folder.iterdir())
    return list(islice(every, BESIDE))


def decoded_by_pillow(paths: Sequence[Path]) -> int:
    """Every picture opened, decoded and made an array."""
    for path in paths:
        with Image.open(path) as picture:
            np.asarray(picture.convert("RGB"))
    return len(paths)


def by_pillow(root: Path) -> int:
    """In one process."""
    return decoded_by_pillow(some_paths(root))


def by_pillow_on_every_core(root: Path) -> int:
    """In a process a core, as `multigan` does: they share what the cores of a machine share."""
    paths, cores = some_paths(root), os.cpu_count() or 1
    with get_context("fork").Pool(cores) as pool:
        counts = pool.map(decoded_by_pillow, [paths[i::cores] for i in range(cores)], 1)
        pool.close()
        pool.join()
    return sum(counts)


def by_torchvision(root: Path) -> int:
    """An `ImageFolder` walked through, in one process."""
    from torchvision.datasets import ImageFolder
    from torchvision.transforms.functional import pil_to_tensor

    folders = sorted(root.iterdir())[: BESIDE // IN_A_FOLDER]
    found = ImageFolder(
        str(root),
        transform=pil_to_tensor,
        is_valid_file=lambda path: Path(path).parent.name <= folders[-1].name,
        allow_empty=True,
    )
    return sum(1 for _ in found)


def by_multigan(source: Path) -> int:
    """Listed, decoded into the cache and opened, on every core."""
    settings = ImageData(source=str(source), size=SIZE, channels=3)
    return len(cached(PictureDecoder(open_source(str(source), "train"), settings), 0.0))


def listed(source: Path) -> int:
    """Listed alone."""
    return len(open_source(str(source), "train").names)


def processor_seconds() -> float:
    """Of this process and of those it has waited for."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(u.ru_utime + u.ru_stime for u in used)


def timed(action: Callable[[Path], int], source: Path) -> dict[str, float]:
    """Seconds, and pictures a second of the clock and of the processor."""
    clock, processor = time.perf_counter(), processor_seconds()
    count = action(source)
    seconds, used = time.perf_counter() - clock, processor_seconds() - processor
    found = {
        "seconds": round(seconds, 2),
        "processor_seconds": round(used, 2),
        "pictures_a_second": round(count / seconds),
        "pictures_a_processor_second": round(count / used),
    }
    print(action.__name__, source.name, found, flush=True)
    return found


def bytes_of_names(root: Path, count: int) -> int:
    """Bytes that an opened source holds, a picture."""
    tracemalloc.start()
    source = open_source(str(root), "train")
    held = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert len(source.names) == count
    return round(held / count)


def step_milliseconds(root: Path, folder: Path) -> float:
    """Milliseconds of processor time of a step, the median over tens of them."""
    marks: list[float] = []
    multigan.train(
        "image/digits",
        data=root,
        out=folder,
        settings=TRAINING,
        quiet=True,
        device="cpu",
        on_tick=lambda row: marks.append(time.process_time()),
    )
    spans = [after - before for before, after in pairwise(marks)]
    return round(1000 * median(spans) / 10, 2)


def steps(root: Path, small: Path, folder: Path) -> dict[str, list[float]]:
    """Steps with few and with all pictures, by turns."""
    found: dict[str, list[float]] = {"1,000 pictures": [], "all pictures": []}
    for turn in range(3):
        for name, source in zip(found, (small, root), strict=True):
            found[name].append(step_milliseconds(source, folder / f"{name[:3]}-{turn}"))
    print("milliseconds a step", found, flush=True)
    return found


def main() -> None:
    """Make the pictures, time everything, write the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pictures", type=int, default=20_000)
    count = parser.parse_args().pictures
    logging.basicConfig(level=logging.WARNING)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        root, archive, small = folder / "pictures", folder / "pictures.zip", folder / "few"
        make(root, count, archive)
        make(small, 1000)
        os.environ["MULTIGAN_CACHE"] = str(folder / "cache")
        time.sleep(SETTLED)
        figures = {
            "pictures": count,
            "Pillow alone": timed(by_pillow, root),
            "Pillow alone, on every core": timed(by_pillow_on_every_core, root),
            "torchvision ImageFolder": timed(by_torchvision, root),
            "multigan, folder, listed": timed(listed, root),
            "multigan, folder, first start": timed(by_multigan, root),
            "multigan, folder, second start": timed(by_multigan, root),
            "Pillow alone, again": timed(by_pillow, root),
            "Pillow alone, on every core, again": timed(by_pillow_on_every_core, root),
            "multigan, zip, first start": timed(by_multigan, archive),
            "multigan, zip, second start": timed(by_multigan, archive),
            "Pillow alone, a third time": timed(by_pillow, root),
            "largest_memory_of_this_process_MB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            // 1024,
            "bytes_of_an_opened_source_a_picture": bytes_of_names(root, count),
            "milliseconds_of_a_step": steps(root, small, folder / "runs"),
        }
    print(record(f"decoding-speed-{count}", torch.device("cpu"), figures).read_text())


if __name__ == "__main__":
    main()
