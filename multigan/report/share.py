"""``multigan report RUN --share``: one picture of a run, of the size that messengers and social
networks show beside a link."""

import io
from collections.abc import Sequence
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from multigan.atomic import publish, writing
from multigan.domains.shown import Exhibit
from multigan.errors import UserError
from multigan.pictures.grid import image_grid
from multigan.pictures.letters import font, readable
from multigan.report.page import Chapter, chapter
from multigan.runs.folder import RunFolder

SIZE = (1200, 630)
FILE = "share.png"
_MARGIN, _BESIDE = 32, 640  # pixels: around, and for the samples at most
_ACROSS = {"picture": 6, "sound": 2}  # samples in a row
_SHOWN = {"picture": 36, "sound": 12}
_GROUND, _INK, _SOFT = (22, 22, 24), (240, 240, 242), (165, 165, 174)
Font = ImageFont.FreeTypeFont


def write_share(run: Path | str, out: Path | None = None, trust_code: bool = False) -> Path:
    """Write the picture of a run into its folder, or as ``out``; returns the file.

    Raises `UserError` for what is no run folder."""
    folder = RunFolder(Path(run))
    if not folder.recipe.is_file():
        raise UserError(f"{folder.path} is not a run folder: it has no recipe.toml")
    path = out or folder.path / FILE
    about = chapter(folder, folder.path.absolute().name, trust_code)
    card = share_card(about)
    with writing(path):
        publish(path, lambda beside: card.save(beside, "PNG"))
    return path


def share_card(about: Chapter) -> Image.Image:
    """Samples, the title of the recipe, the run's name and the command, 1200 × 630 pixels."""
    card = Image.new("RGB", SIZE, _GROUND)
    samples = _samples(about.made)
    left = _MARGIN
    if samples is not None:
        samples = _fitted(samples, (_BESIDE, SIZE[1] - 2 * _MARGIN))
        card.paste(samples, (left, (SIZE[1] - samples.height) // 2))
        left += samples.width + _MARGIN
    width, pen = SIZE[0] - _MARGIN - left, ImageDraw.Draw(card)
    seen = about.facts.get("real samples seen", "0")
    top = _written(pen, about.title, (left, _MARGIN), width, 5, font(34, "Sans-Bold"), _INK)
    told = f"{about.name} · {seen} real samples seen"
    _written(pen, told, (left, top + 14), width, 3, font(20), _SOFT)
    mono, small = font(19, "SansMono"), font(18)
    command = about.environment.get("started with", about.command)
    lines = wrapped(f"$ {command}", mono, width, 6)
    bottom = SIZE[1] - _MARGIN - _height(small) - 14
    _written(pen, "made with multigan", (left, bottom + 14), width, 1, small, _SOFT)
    for i, line in enumerate(reversed(lines), 1):
        pen.text((left, bottom - i * _height(mono)), line, _INK, font=mono)
    return card


def _samples(made: Sequence[Exhibit]) -> Image.Image | None:
    """One picture of what was made: of pictures and spectrograms the first ones, of sentences a
    page; None where there is nothing to draw."""
    if made and made[0].kind == "text":
        return _page([str(line) for line in made[0].content])
    drawn = [e.drawn if e.kind == "sound" else e.content for e in made]
    opened = [Image.open(io.BytesIO(file)) for file in drawn if isinstance(file, bytes)]
    if len(opened) < 2:
        return opened[0].convert("RGB") if opened else None
    kind = made[0].kind
    shown = opened[: _SHOWN[kind]]
    return image_grid(shown, columns=min(_ACROSS[kind], len(shown)), gap=4).convert("RGB")


def _page(lines: Sequence[str]) -> Image.Image | None:
    """Sentences as they read, as many as there is room for, if the font has their characters."""
    if not readable(lines):
        return None
    letters, size = font(20), (_BESIDE, SIZE[1] - 2 * _MARGIN)
    page = Image.new("RGB", size, (252, 252, 250))
    pen, top = ImageDraw.Draw(page), 16
    for line in lines:
        rows = wrapped(line, letters, size[0] - 40, 3)
        if top + len(rows) * _height(letters) > size[1] - 12:
            break
        for row in rows:
            pen.text((20, top), row, (30, 30, 36), font=letters)
            top += _height(letters)
        top += 8
    return page


def _fitted(picture: Image.Image, box: tuple[int, int]) -> Image.Image:
    """The picture as large as fits into the box."""
    scale = min(box[0] / picture.width, box[1] / picture.height)
    size = (max(round(picture.width * scale), 1), max(round(picture.height * scale), 1))
    return picture.resize(size, Image.Resampling.LANCZOS)


def _written(
    pen: ImageDraw.ImageDraw,
    text: str,
    at: tuple[int, int],
    width: int,
    lines: int,
    letters: Font,
    colour: tuple[int, int, int],
) -> int:
    """Write text from ``at`` down; returns where it ends."""
    left, top = at
    for line in wrapped(text, letters, width, lines):
        pen.text((left, top), line, colour, font=letters)
        top += _height(letters)
    return top


def wrapped(text: str, letters: Font, width: int, lines: int) -> list[str]:
    """Text in at most so many lines of ``width`` pixels; what is left out is an ellipsis, a word
    wider than a line is broken."""
    found, line = [], ""
    for word in text.split():
        joined = f"{line} {word}" if line else word
        while letters.getlength(joined) > width:
            if line and letters.getlength(word) <= width:
                found.append(line)
                joined = word
                continue
            fits = next(i for i in range(len(joined), 0, -1) if _fits(joined[:i], letters, width))
            found.append(joined[:fits])
            joined = joined[fits:].lstrip()
            line = ""
        line = joined
    found += [line] if line else []
    if len(found) <= lines:
        return found
    last = found[lines - 1]
    while letters.getlength(f"{last}…") > width:
        last = last[:-1]
    return [*found[: lines - 1], f"{last}…"]


def _fits(text: str, letters: Font, width: int) -> bool:
    return len(text) == 1 or letters.getlength(text) <= width


def _height(letters: Font) -> int:
    """Pixels from one line to the next."""
    return round(letters.size * 1.3)
