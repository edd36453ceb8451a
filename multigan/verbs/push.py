"""``multigan push``: a run's model to the Hugging Face hub, with a card that says what it is."""

import json
import tempfile
from pathlib import Path
from typing import Any

from multigan.atomic import write_atomically
from multigan.errors import UserError, reason
from multigan.kept.hub import SHEET, upload
from multigan.model import Model, load, model_card

_SHOWN = 64  # samples on the sheet


def push(
    source: str | Path,
    repo: str,
    *,
    private: bool = False,
    licence: str | None = None,
    revision: str | None = None,
    trust_code: bool = False,
) -> str:
    """Upload the model of a run with its sheet, its evaluation and a card; returns where it is.

    Raises `UserError` where the hub refuses, and for what cannot be loaded."""
    model = load(source, trust_code=trust_code)
    with tempfile.TemporaryDirectory() as beside:
        folder = model.save(Path(beside) / "model")
        sheet = _sheet(model, folder)
        evaluation = _evaluation(Path(source) / "evaluation.json")
        more = {"evaluation": evaluation, "licence": licence, "repo": repo, "sheet": sheet}
        write_atomically(folder / "README.md", model_card(model, **more))
        return upload(folder, repo, private, revision)


def _sheet(model: Model, folder: Path) -> str:
    """The name of the sheet of its first samples; none where they are made from something."""
    if model.domain.needs_condition:
        return ""
    sheet = model.domain.presenter.sheet(model.generate(_SHOWN))
    if sheet is None:
        return ""
    sheet.save(folder / SHEET)
    return SHEET


def _evaluation(path: Path) -> dict[str, Any] | None:
    if not path.is_file():
        return None
    try:
        found: dict[str, Any] = json.loads(path.read_text("utf-8"))
    except ValueError as error:
        raise UserError(
            f"{path} is damaged ({reason(error)}): `multigan evaluate` writes it anew"
        ) from None
    return found
