"""What models from picture to picture are worth beside what needs no learning.

    python benchmarks/emoji_pairs.py GOOGLE TWITTER emoji
    multigan train image/repair --data emoji/twitter --out runs/repair --set data.held_out=0
    python benchmarks/picture_to_picture.py runs/repair runs/enlarge ...

For each run its unseen pictures, with the damage that `multigan evaluate` does to them: OpenCV's
inpainting (`pip install opencv-python-headless`), bicubic, Lanczos, grey, mean colours, a copy; the
stage before the game alone; the model. The floor of a column is what two true pictures that have
nothing to do with each other give. The perceptual distance is by frozen EfficientNet-Lite0: a model
that was trained by it is named.
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
from multigan.domains.image.tasks import Colour, Enlarge, Repair
from multigan.model import Model, load
from multigan.samples import Stored

CPU = torch.device("cpu")
CHUNK = 16
HOLES = (0.05, 0.15, 1.0)  # shares of the picture that sizes of holes end with
Method = Callable[[SeenChunk], Tensor]


def uint8(x: Tensor) -> Tensor:
    """Pictures in [-1, 1] as they are stored."""
    return ((x + 1) * 127.5).round().clamp(0, 255).byte()


def inpainted(kind: str) -> Method:
    """OpenCV's inpainting, which looks three pixels around."""
    import cv2

    flag = {"Telea": cv2.INPAINT_TELEA, "Navier-Stokes": cv2.INPAINT_NS}[kind]

    def method(chunk: SeenChunk) -> Tensor:
        assert isinstance(chunk.condition, tuple)
        known, hole = chunk.condition
        assert isinstance(known, Tensor)
        assert isinstance(hole, Tensor)
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
    name = {Repair: "mean colour", Enlarge: "bicubic", Colour: "grey copy"}.get(type(task), "copy")
    yield name, lambda chunk: uint8(task.plain(chunk.condition, channels))
    if isinstance(task, Repair):
        for kind in ("Telea", "Navier-Stokes"):
            yield kind, inpainted(kind)
    if isinstance(task, Enlarge) and not task.worn:
        yield "Lanczos", lanczos(task.scale)
    if isinstance(task, Colour):
        yield "mean tint", tinted(domain.load())
    if (run / "reconstruction").is_dir():
        yield "L1 stage alone", by(load(str(run / "reconstruction"), device="cpu"))
    yield "ours", by(model)
    yield "another true picture", lambda chunk: uint8(chunk.real.roll(1, 0))


def table(run: Path) -> dict[str, dict[str, float]]:
    """The mean of every measure by method, of all unseen pictures."""
    model = load(str(run), device="cpu")
    domain = model.domain
    assert isinstance(domain, ImageDomain)
    test = domain.ruler.real_samples().test
    learn_condition(domain, test)
    chunks = list(seen_chunks(domain, test, CHUNK, CPU))
    found: dict[str, dict[str, float]] = {}
    for name, method in methods(domain, run, model):
        values: dict[str, list[Tensor]] = {}
        for chunk in chunks:
            made, true = method(chunk)[: chunk.wanted], uint8(chunk.real)[: chunk.wanted]
            hole = _hole(part(chunk.condition, slice(0, chunk.wanted)))
            for measure, value in _by_size(paired(made, true, hole), hole).items():
                values.setdefault(measure, []).append(value)
        means = {m: torch.cat(v).nanmean().item() for m, v in values.items()}
        found[name] = {m: round(v, 4) for m, v in means.items()}
        print(f"{name:22}" + "".join(f"  {m} {v:.3f}" for m, v in found[name].items()), flush=True)
    return found


def _hole(condition: Condition) -> Tensor | None:
    hole = condition[1] if isinstance(condition, tuple) else None
    return hole if isinstance(hole, Tensor) else None


def _by_size(values: dict[str, Tensor], hole: Tensor | None) -> dict[str, Tensor]:
    """The same, and PSNR inside holes by the share of the picture they take."""
    if hole is None:
        return values
    share, low, more = hole.mean((1, 2, 3)), 0.0, {}
    for high in HOLES:
        mine = (share > low) & (share <= high)
        more[f"PSNR-hole to {high:.0%}"] = values["PSNR-hole"][mine]
        low = high
    return {**values, **more}


def main() -> None:
    """Print a table for each run and write all as JSON."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("runs", nargs="+", type=Path)
    torch.set_num_threads(1)
    figures = {}
    for run in parser.parse_args().runs:
        recipe = load(str(run), device="cpu").recipe
        print(f"\n{run.name}: {recipe.data.task}, {recipe.game.terms.keys()}")
        figures[run.name] = table(run)
    print(record("picture-to-picture", CPU, figures))
    print(json.dumps(figures)[:200])


if __name__ == "__main__":
    main()
