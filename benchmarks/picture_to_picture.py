"""What models from picture to picture are worth beside what needs no learning.

    python benchmarks/emoji_pairs.py GOOGLE TWITTER emoji
    multigan train image/repair --data emoji/twitter --out runs/repair --set data.held_out=0
    python benchmarks/picture_to_picture.py runs/repair runs/enlarge ...

For each run its unseen pictures, with the damage that `multigan evaluate` does to them: OpenCV's
inpainting (`pip install opencv-python-headless`), the smooth fill that the network adds to,
bicubic, Lanczos, grey, mean colours, a copy, a copy whose colours are spread as those of the other
folder are; the stage before the game alone; the model. A model that was trained without pairs is
measured on test pictures of equal names. The floor of a column is what two true pictures that have
nothing to do with each other give. The perceptual distance is by frozen EfficientNet-Lite0: a model
that was trained by it is named. `--strips OUT` writes a strip of the first ones for each run.
"""

import json
from argparse import ArgumentParser
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from record import record
from torch import Tensor, nn

from multigan.adversarial.condition import Condition, part
from multigan.domains.conditions import SeenChunk, learn_condition, seen_chunks
from multigan.domains.image.domain import ImageDomain
from multigan.domains.image.measures import paired
from multigan.domains.image.pairs import open_pairs
from multigan.domains.image.settings import UNPAIRED
from multigan.domains.image.tasks import Colour, Enlarge, Repair, TranslateUnpaired
from multigan.model import Model, load
from multigan.pictures.grid import image_grid
from multigan.samples import Stored

CPU = torch.device("cpu")
CHUNK = 16
SHOWN = range(2, 32, 5)  # on a strip: the first picture of each of these chunks
Method = Callable[[SeenChunk], Tensor]


def uint8(x: Tensor) -> Tensor:
    """Pictures in [-1, 1] as they are stored."""
    return ((x + 1) * 127.5).round().clamp(0, 255).byte()


def told(chunk: SeenChunk) -> tuple[Tensor, Tensor]:
    """The picture that is told, and the holes in it."""
    assert isinstance(chunk.condition, tuple)
    picture, hole = chunk.condition
    assert isinstance(picture, Tensor)
    assert isinstance(hole, Tensor)
    return picture, hole


def inpainted(kind: str) -> Method:
    """OpenCV's inpainting, which looks three pixels around."""
    import cv2

    flag = {"Telea": cv2.INPAINT_TELEA, "Navier-Stokes": cv2.INPAINT_NS}[kind]

    def method(chunk: SeenChunk) -> Tensor:
        known, hole = told(chunk)
        made = [
            cv2.inpaint(p.permute(1, 2, 0).contiguous().numpy(), m[0].byte().numpy(), 3, flag)
            for p, m in zip(uint8(known), hole, strict=True)
        ]
        return torch.from_numpy(np.stack(made)).permute(0, 3, 1, 2)

    return method


def lanczos(scale: int) -> Method:
    """Pillow's Lanczos of the small picture."""

    def method(chunk: SeenChunk) -> Tensor:
        real = chunk.real
        from multigan.domains.image.damage import smaller

        small = uint8(smaller(real, scale)).permute(0, 2, 3, 1).numpy()
        size = (real.shape[-1], real.shape[-2])
        made = [Image.fromarray(p).resize(size, Image.Resampling.LANCZOS) for p in small]
        return torch.from_numpy(np.stack([np.asarray(p) for p in made])).permute(0, 3, 1, 2)

    return method


def mean_colour(chunk: SeenChunk) -> Tensor:
    """Each hole in the mean colour of what is known."""
    smooth, hole = told(chunk)
    area = (1 - hole).sum((2, 3), keepdim=True).clamp_min(1)
    mean = (smooth * (1 - hole)).sum((2, 3), keepdim=True) / area
    return uint8(torch.where(hole > 0, mean, smooth))


def matched(train: Stored) -> Method:
    """A copy whose values of each channel are spread as those of the folder that is learnt from:
    each value becomes the one of equal rank."""
    assert isinstance(train.sources, Tensor)
    ranks = [shares(train.sources[:, c]) for c in range(train.samples.shape[1])]
    values = [shares(train.samples[:, c]) for c in range(train.samples.shape[1])]
    tables = [torch.searchsorted(v, r).clamp_max(255) for v, r in zip(values, ranks, strict=True)]

    def method(chunk: SeenChunk) -> Tensor:
        assert isinstance(chunk.condition, Tensor)
        given = uint8(chunk.condition).long()
        return torch.stack([t[given[:, c]] for c, t in enumerate(tables)], 1).byte()

    return method


def shares(values: Tensor) -> Tensor:
    """The share of uint8 values up to each of 256."""
    return torch.bincount(values.flatten().int(), minlength=256).double().cumsum(0) / values.numel()


def tinted(train: Stored) -> Method:
    """The grey picture with the mean colour difference of the training pictures."""
    mean = train.samples[:1000].float().mean((0, 2, 3)) * 2 / 255 - 1
    task = Colour()

    def method(chunk: SeenChunk) -> Tensor:
        plain = mean.view(1, 3, 1, 1).expand_as(chunk.real)
        return uint8(task.whole(plain, chunk.condition))

    return method


def by(model: Model) -> Method:
    """What a model makes, the noise of picture i its own."""

    @torch.no_grad()
    def method(chunk: SeenChunk) -> Tensor:
        from multigan.adversarial.randomness import IndexedDraw, derive_seed

        draw = IndexedDraw(derive_seed(0), list(chunk.indices), CPU)
        generator: nn.Module = model.generator
        return uint8(model.domain.make(generator, draw, chunk.condition).float())

    return method


def methods(domain: ImageDomain, run: Path, model: Model) -> Iterator[tuple[str, Method]]:
    """Everything that stands in the table of a run."""
    task = domain.task
    assert task is not None
    channels = domain.recipe.data.channels
    name = {Repair: "smooth fill", Enlarge: "bicubic", Colour: "grey copy"}.get(type(task), "copy")
    if isinstance(task, Repair):
        yield "mean colour", mean_colour
    yield name, lambda chunk: uint8(task.plain(chunk.condition, channels))
    if isinstance(task, Repair):
        for kind in ("Telea", "Navier-Stokes"):
            yield kind, inpainted(kind)
    if isinstance(task, TranslateUnpaired):
        yield "colours matched", matched(domain.load())
    if isinstance(task, Enlarge) and not task.worn:
        yield "Lanczos", lanczos(task.scale)
    if isinstance(task, Colour):
        yield "mean tint", tinted(domain.load())
    if (run / "reconstruction").is_dir():
        yield "L1 stage alone", by(load(str(run / "reconstruction"), device="cpu"))
    yield "ours", by(model)
    yield "another true picture", lambda chunk: uint8(chunk.real.roll(1, 0))


def unseen(domain: ImageDomain) -> list[SeenChunk]:
    """The test pictures as the networks meet them; of a game without pairs those of equal names."""
    test = domain.ruler.real_samples().test
    data = domain.recipe.data
    if data.task == UNPAIRED:
        test = domain.decoded(open_pairs(data, "test"), "test")[0]
    learn_condition(domain, test)
    return list(seen_chunks(domain, test, CHUNK, CPU))


def table(run: Path, strips: Path | None = None) -> dict[str, dict[str, float]]:
    """The mean of every measure by method, of all unseen pictures."""
    model = load(str(run), device="cpu")
    domain = model.domain
    assert isinstance(domain, ImageDomain)
    chunks = unseen(domain)
    found: dict[str, dict[str, float]] = {}
    shown: dict[str, list[Tensor]] = {}
    for name, method in methods(domain, run, model):
        values: dict[str, list[Tensor]] = {}
        for i, chunk in enumerate(chunks):
            made, true = method(chunk)[: chunk.wanted], uint8(chunk.real)[: chunk.wanted]
            if i in SHOWN:
                shown.setdefault(name, []).append(made[:1])
            hole = _hole(part(chunk.condition, slice(0, chunk.wanted)))
            for measure, value in paired(made, true, hole).items():
                values.setdefault(measure, []).append(value)
        means = {m: torch.cat(v).nanmean().item() for m, v in values.items()}
        found[name] = {m: round(v, 4) for m, v in means.items()}
        print(f"{name:22}" + "".join(f"  {m} {v:.3f}" for m, v in found[name].items()), flush=True)
    if strips is not None:
        few = [chunks[i] for i in SHOWN if i < len(chunks)]
        write_strip(domain, few, shown, strips / f"{run.name}.png")
    return found


def write_strip(
    domain: ImageDomain, chunks: list[SeenChunk], shown: dict[str, list[Tensor]], path: Path
) -> None:
    """The first unseen picture of each chunk, none chosen, a row each: what was given, what learns
    nothing, the stage alone, ours, the true one."""
    task, channels = domain.task, domain.recipe.data.channels
    assert task is not None
    given = [uint8(task.shown(c.condition, channels))[:1] for c in chunks]
    known = ("Navier-Stokes", "bicubic", "mean tint", "colours matched", "L1 stage alone", "ours")
    names = [name for name in known if name in shown]
    columns = [given, *(shown[n] for n in names), [uint8(c.real)[:1] for c in chunks]]
    rows = torch.stack([torch.cat(c) for c in columns], 1).flatten(0, 1)
    path.parent.mkdir(parents=True, exist_ok=True)
    image_grid(domain.presenter.items(rows), columns=len(columns)).save(path, optimize=True)
    print(f"{path}: given, {', '.join(names)}, true")


def _hole(condition: Condition) -> Tensor | None:
    hole = condition[1] if isinstance(condition, tuple) else None
    return hole if isinstance(hole, Tensor) else None


def main() -> None:
    """Print a table for each run and write all as JSON."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("runs", nargs="+", type=Path)
    parser.add_argument("--strips", type=Path, metavar="OUT")
    torch.set_num_threads(1)
    asked, figures = parser.parse_args(), {}
    for run in asked.runs:
        recipe = load(str(run), device="cpu").recipe
        print(f"\n{run.name}: {recipe.data.task}, {recipe.game.terms.keys()}")
        figures[run.name] = table(run, asked.strips)
    print(record("picture-to-picture", CPU, figures))
    print(json.dumps(figures)[:200])


if __name__ == "__main__":
    main()
