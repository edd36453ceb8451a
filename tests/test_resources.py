"""What tells how to install more of it is true of where it came from."""

import json
from pathlib import Path
from types import SimpleNamespace

import pytest

from multigan import resources
from multigan.resources import how_to_add


def test_from_a_checkout_it_is_the_checkout() -> None:
    assert how_to_add("demo") == f"pip install '{Path(__file__).parent.parent}[demo]'"


@pytest.mark.parametrize("there", [True, False])
def test_installed_from_a_clone_it_is_the_clone_while_that_is_there(
    there: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clone = tmp_path / "a clone"
    clone.mkdir()
    if there:
        (clone / "pyproject.toml").touch()
    told = json.dumps({"dir_info": {}, "url": clone.as_uri()})
    _installed(monkeypatch, tmp_path, told)
    assert how_to_add("onnx") == f"pip install '{clone if there else 'multigan'}[onnx]'"


@pytest.mark.parametrize(
    ("told", "wanted"),
    [
        (None, "pip install 'multigan[onnx]'"),
        (
            json.dumps({"url": "https://git.example/multigan", "vcs_info": {"vcs": "git"}}),
            "pip install 'multigan[onnx] @ git+https://git.example/multigan'",
        ),
    ],
)
def test_elsewhere_it_is_where_it_came_from(
    told: str | None, wanted: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _installed(monkeypatch, tmp_path, told)
    assert how_to_add("onnx") == wanted


def _installed(monkeypatch: pytest.MonkeyPatch, place: Path, told: str | None) -> None:
    monkeypatch.setattr(resources, "_PACKAGE", place / "site-packages" / "multigan")
    found = SimpleNamespace(read_text=lambda name: told)
    monkeypatch.setattr(resources, "distribution", lambda name: found)
