"""A model goes to the hub and comes back; here the hub is a folder."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import huggingface_hub
import numpy as np
import pytest
from huggingface_hub import ModelCard
from PIL import Image

import multigan
from multigan.errors import CheckpointError


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that is the hub: ``user/name/revision``."""
    root = tmp_path / "hub"

    def create_repo(api: Any, repo_id: str, **more: Any) -> Any:
        (root / repo_id / "main").mkdir(parents=True, exist_ok=True)

        class Url(str):
            pass

        url = Url(f"hub:{repo_id}")
        url.repo_id = repo_id  # type: ignore[attr-defined]
        return url

    def upload_folder(api: Any, *, repo_id: str, folder_path: Path, **more: Any) -> Any:
        there = root / repo_id / (more.get("revision") or "main")
        shutil.copytree(folder_path, there, dirs_exist_ok=True)
        return SimpleNamespace(commit_url=str(there))

    def create_branch(api: Any, repo_id: str, *, branch: str, **more: Any) -> None:
        (root / repo_id / branch).mkdir(parents=True, exist_ok=True)

    def download(repo_id: str, revision: str | None = None, **more: Any) -> str:
        there = root / repo_id / (revision or "main")
        if not there.is_dir():
            raise OSError("404")
        return str(there)

    for name, fake in (
        ("create_repo", create_repo),
        ("upload_folder", upload_folder),
        ("create_branch", create_branch),
    ):
        monkeypatch.setattr(huggingface_hub.HfApi, name, fake)
    monkeypatch.setattr(huggingface_hub, "snapshot_download", download)
    return root


def test_what_is_pushed_loads_and_its_card_tells(
    command: Callable, hub: Path, labelled_run: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    shutil.copytree(labelled_run, run)
    rows = {"real": {"FD": {"mean": 0.5, "sd": 0, "values": [0.5]}}}
    rows["model"] = {"FD": {"mean": 2.25, "sd": 0, "values": [2.25]}}
    found = {"n": 50, "embedder": {"name": "patches"}, "data": "test", "rows": rows}
    (run / "evaluation.json").write_text(json.dumps(found))
    done = command("push", run, "me/stripes", "--licence", "mit")
    assert done.status == 0, done.err
    assert done.out == "hub:me/stripes\n"
    assert "where the data lay" in done.err
    card = ModelCard.load(hub / "me" / "stripes" / "main" / "README.md")
    assert card.data.license == "mit"
    assert card.data.library_name == "multigan"
    assert card.data.pipeline_tag == "unconditional-image-generation"
    assert [(r.metric_type, r.metric_value) for r in card.data.eval_results] == [("FD", 2.25)]
    assert 'multigan.load("me/stripes")' in card.text
    assert "| FD | 0.500 | 2.250 |" in card.text
    assert str(tmp_path) not in (hub / "me" / "stripes" / "main" / "README.md").read_text()
    with Image.open(hub / "me" / "stripes" / "main" / "sheet.png") as sheet:
        assert min(sheet.size) > 100
    here, there = (multigan.load(source).generate(3) for source in (run, "me/stripes"))
    assert all(np.array_equal(a, b) for a, b in zip(here, there, strict=True))


def test_revisions_and_the_names_of_other_libraries(
    hub: Path, labelled_run: Path, tiny_run: Path, tmp_path: Path
) -> None:
    pictures, points = multigan.load(labelled_run), multigan.load(tiny_run)
    pictures.push_to_hub("me/mine")
    points.save_pretrained(tmp_path / "kept")
    assert multigan.Model.from_pretrained(tmp_path / "kept").recipe.domain == "points"
    assert multigan.Model.from_pretrained("me/mine").recipe.domain == "image"
    from multigan.verbs.push import push

    push(tiny_run, "me/mine", revision="second")
    assert multigan.load("me/mine", revision="second").recipe.domain == "points"
    assert multigan.Model.from_pretrained("me/mine", revision="main").recipe.domain == "image"
    with pytest.raises(CheckpointError, match="404"):
        multigan.load("me/mine", revision="third")


def test_what_came_from_the_hub_is_trusted_no_more_than_others(
    hub: Path, labelled_run: Path
) -> None:
    there = hub / "me" / "hostile" / "main"
    shutil.copytree(labelled_run / "model", there)
    config = json.loads((there / "config.json").read_text())
    config["recipe"]["generator"]["network"] = "os:getcwd"
    (there / "config.json").write_text(json.dumps(config))
    with pytest.raises(CheckpointError, match="os:getcwd"):
        multigan.Model.from_pretrained("me/hostile")


def test_a_hub_that_cannot_be_reached_is_one_message(
    command: Callable, labelled_run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class ConnectError(Exception):
        """As the client's transport raises it: no error of the hub's, nor an OSError."""

    def fail(api: Any, repo_id: str, **more: Any) -> None:
        raise ConnectError("[Errno -2] Name or service not known")

    monkeypatch.setattr(huggingface_hub.HfApi, "create_repo", fail)
    done = command("push", labelled_run, "me/stripes")
    assert done.status == 2
    assert "was not pushed" in done.err
    assert "the network cannot be reached" in done.err


def test_a_hub_that_refuses_is_one_message(command: Callable, labelled_run: Path) -> None:
    offline = command("push", labelled_run, "me/stripes")  # the tests are offline
    assert offline.status == 2
    assert "was not pushed" in offline.err
    named = command("push", labelled_run, "not a name")
    assert named.status == 2
    assert "not a name" in named.err
