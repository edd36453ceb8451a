"""What a strict type checker says of a user's program, and what is true of it when it runs."""

import re
from pathlib import Path

import pytest

import multigan
from multigan.errors import CheckpointError

ROOT = Path(__file__).parent.parent
KINDS = {
    "image": "PIL.Image.Image",
    "text": "str",
    "audio": "Waveform",
    "series": "Series",
    "points": "ndarray",
}


@pytest.mark.slow
def test_a_strict_checker_knows_what_each_kind_of_model_makes(tmp_path: Path) -> None:
    from mypy import api

    lines = ["import multigan"]
    lines += [
        f'reveal_type(multigan.load("run", domain="{kind}").generate(1)[0])' for kind in KINDS
    ]
    wrong = 'multigan.load("run", domain="text").generate(1)[0].size'
    (tmp_path / "script.py").write_text("\n".join([*lines, wrong]) + "\n")
    options = ["--strict", "--follow-imports=silent", f"--cache-dir={tmp_path / 'cache'}"]
    said, _, _ = api.run(
        [*options, str(ROOT / "examples" / "typed.py"), str(tmp_path / "script.py")]
    )
    revealed = re.findall(r'Revealed type is "([^"]+)"', said)
    assert len(revealed) == len(KINDS)
    assert all(name in found for name, found in zip(KINDS.values(), revealed, strict=True))
    errors = [line for line in said.splitlines() if ": error:" in line]
    assert len(errors) == 1, said
    assert '"str" has no attribute "size"' in errors[0]


def test_a_model_of_another_kind_is_refused(labelled_run: Path) -> None:
    assert multigan.load(labelled_run, domain="image").recipe.domain == "image"
    with pytest.raises(CheckpointError, match=r"domain image, and domain = 'text' was asked for"):
        multigan.load(labelled_run, domain="text")
