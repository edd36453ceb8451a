"""Checkpoints: what is written is read back, what is damaged is noticed, what fails leaves the one
before."""

import contextlib
import json
import os
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import pytest
import torch

from multigan.errors import CheckpointError, DiskError, UserError
from multigan.runs import checkpoint as module
from multigan.runs.checkpoint import (
    Checkpoint,
    best_checkpoint,
    intact_checkpoints,
    newest_checkpoint,
    save_checkpoint,
    sha256,
)


def state(number: int = 0) -> dict[str, Any]:
    weights = {"weight": torch.arange(5000.0) + number, "half": torch.ones(3, dtype=torch.bfloat16)}
    return {
        "samples": number,
        "game": {"generator": weights, "steps": [1, 2]},
        "text": "é",
        "none": None,
    }


def names(run: Path) -> list[str]:
    return sorted(path.name for path in (run / "checkpoints").iterdir())


def full(*arguments: object, **named: object) -> None:
    raise OSError(28, "No space left on device")


def test_round_trip(tmp_path: Path) -> None:
    folder = save_checkpoint(tmp_path, state(7), 7, 0.5)
    found = newest_checkpoint(tmp_path)
    assert found is not None
    assert (found.folder, found.clock, found.score) == (folder, 7, 0.5)
    loaded = found.load("cpu")
    assert torch.equal(
        loaded["game"]["generator"]["weight"], state(7)["game"]["generator"]["weight"]
    )
    assert loaded["game"]["generator"]["half"].dtype == torch.bfloat16
    assert (loaded["text"], loaded["none"], loaded["game"]["steps"]) == ("é", None, [1, 2])


def test_the_manifest_holds_the_sha256_of_every_file(tmp_path: Path) -> None:
    folder = save_checkpoint(tmp_path, state(), 640, 1.5)
    manifest = json.loads((folder / "manifest.json").read_text())
    files = {path.name for path in folder.iterdir()} - {"manifest.json"}
    assert manifest["sha256"] == {name: sha256(folder / name) for name in files}
    assert (manifest["samples"], manifest["score"]) == (640, 1.5)


def rewritten(tmp_path: Path, write: Callable[[Path], object]) -> Checkpoint:
    """A checkpoint of which a stranger has written the state, and its sha256."""
    folder = save_checkpoint(tmp_path, state(), 1, None)
    write(folder / "state.pt")
    manifest = {"samples": 1, "score": None, "sha256": {"state.pt": sha256(folder / "state.pt")}}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    found = newest_checkpoint(tmp_path)
    assert found is not None
    return found


def deflate(path: Path) -> None:
    """10 MB of zeros in a file of some 10 kB."""
    torch.save({"weight": torch.zeros(2_500_000)}, path)
    with zipfile.ZipFile(path) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)


def comment(path: Path) -> None:
    with zipfile.ZipFile(path, "a") as archive:
        archive.comment = b"PK"


class Call:
    """Pickled, it calls ``function`` when it is loaded."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self.call = function, arguments

    def __reduce__(self) -> tuple[Any, ...]:
        return self.call


@pytest.mark.parametrize(
    ("write", "said"),
    [
        (deflate, r"claims 10,\d{3},\d{3} bytes and holds"),
        (comment, "claims"),
        (lambda path: torch.save({"a": Call(bytearray, 10**7)}, path), "calls bytearray"),
        (lambda path: torch.save({"a": Call(torch.Tensor, 10**7)}, path), "calls Tensor"),
        (lambda path: path.write_bytes(pickle.dumps({})), "state.pt cannot be read"),
        (lambda path: torch.save({}, path, _use_new_zipfile_serialization=False), "cannot be read"),
    ],
)
def test_a_state_that_claims_more_than_it_holds_is_refused_before_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, write: Callable[[Path], object], said: str
) -> None:
    found = rewritten(tmp_path, write)
    monkeypatch.setattr(torch, "load", lambda *arguments, **named: pytest.fail("it was read"))
    with pytest.raises(CheckpointError, match=said):
        found.load("cpu")


def named(name: str) -> Callable[[Path], object]:
    manifest = {"samples": 2, "score": None, "sha256": {name: "0" * 64}}
    return lambda folder: (folder / "manifest.json").write_text(json.dumps(manifest))


def pipe(folder: Path) -> None:
    (folder / "state.pt").unlink()
    os.mkfifo(folder / "state.pt")


def pipe_for_a_manifest(folder: Path) -> None:
    (folder / "manifest.json").unlink()
    os.mkfifo(folder / "manifest.json")


class Payload:
    """Pickled, it would create a file when it is loaded."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.path,)


def test_loading_runs_no_code_of_the_file(tmp_path: Path) -> None:
    folder = save_checkpoint(tmp_path, state(), 1, None)
    torch.save({"game": Payload(tmp_path / "executed")}, folder / "state.pt")
    manifest = {"samples": 1, "score": None, "sha256": {"state.pt": sha256(folder / "state.pt")}}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    found = newest_checkpoint(tmp_path)
    assert found is not None
    with pytest.raises(CheckpointError, match="weights_only"):
        found.load("cpu")
    assert not (tmp_path / "executed").exists()


def truncate(folder: Path) -> None:
    content = (folder / "state.pt").read_bytes()
    (folder / "state.pt").write_bytes(content[: len(content) // 2])


def flip_a_bit(folder: Path) -> None:
    content = bytearray((folder / "state.pt").read_bytes())
    content[len(content) // 2] ^= 1
    (folder / "state.pt").write_bytes(content)


DAMAGE: dict[str, Callable[[Path], object]] = {
    "truncated": truncate,
    "one bit flipped": flip_a_bit,
    "empty": lambda folder: (folder / "state.pt").write_bytes(b""),
    "no state": lambda folder: (folder / "state.pt").unlink(),
    "no manifest": lambda folder: (folder / "manifest.json").unlink(),
    "half a manifest": lambda folder: (folder / "manifest.json").write_text('{"samples": 2, "sco'),
    "an empty manifest": lambda folder: (folder / "manifest.json").write_text("{}"),
    "a manifest of another kind": lambda folder: (folder / "manifest.json").write_text(
        '{"sha256": [1]}'
    ),
    "a manifest that names a device": named("/dev/zero"),
    "a manifest that names a file outside": named("../../recipe.toml"),
    "a pipe": pipe,
    "a pipe for a manifest": pipe_for_a_manifest,
    "a deep manifest": lambda folder: (folder / "manifest.json").write_text("[" * 100_000),
    "binary manifest": lambda folder: (folder / "manifest.json").write_bytes(b"\xff\xfe\x00\x81"),
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE.keys())
def test_a_damaged_checkpoint_is_noticed_and_the_one_before_used(
    tmp_path: Path, damage: Callable[[Path], object]
) -> None:
    save_checkpoint(tmp_path, state(1), 1, None)
    damage(save_checkpoint(tmp_path, state(2), 2, None))
    warnings: list[str] = []
    found = newest_checkpoint(tmp_path, warnings.append)
    assert found is not None
    assert found.load("cpu")["samples"] == 1
    assert len(warnings) == 1
    assert "000000000002" in warnings[0]
    assert "using the one before" in warnings[0]


def test_an_intact_run_gives_no_warning(tmp_path: Path) -> None:
    save_checkpoint(tmp_path, state(1), 1, None)
    warnings: list[str] = []
    assert [c.clock for c in intact_checkpoints(tmp_path, warnings.append)] == [1]
    assert warnings == []


def test_nothing_to_find(tmp_path: Path) -> None:
    assert newest_checkpoint(tmp_path) is None
    assert best_checkpoint(tmp_path) is None


def test_the_newest_two_and_the_best_are_kept(tmp_path: Path) -> None:
    for samples, score in ((1, 5.0), (2, 1.0), (3, 4.0), (4, 3.0), (5, None)):
        save_checkpoint(tmp_path, state(samples), samples, score)
    assert [c.clock for c in intact_checkpoints(tmp_path)] == [5, 4, 2]
    best = best_checkpoint(tmp_path)
    assert best is not None
    assert best.clock == 2
    save_checkpoint(tmp_path, state(6), 6, 0.0)  # a score of zero is the best there can be
    assert [c.clock for c in intact_checkpoints(tmp_path)] == [6, 5]
    best = best_checkpoint(tmp_path)
    assert best is not None
    assert best.clock == 6


def test_the_newest_is_by_number_not_by_date(tmp_path: Path) -> None:
    for samples in (1_000_000, 999_999):
        save_checkpoint(tmp_path, state(samples), samples, None)
    found = newest_checkpoint(tmp_path)
    assert found is not None
    assert found.clock == 1_000_000


def test_a_checkpoint_just_written_is_never_pruned_for_damaged_ones(tmp_path: Path) -> None:
    for samples in (1, 5, 6):
        save_checkpoint(tmp_path, state(samples), samples, None)
    for samples in (5, 6):
        truncate(tmp_path / "checkpoints" / f"{samples:012d}")
    save_checkpoint(tmp_path, state(2), 2, None)  # a training that went on from 1
    found = newest_checkpoint(tmp_path)
    assert found is not None
    assert found.clock == 2


@pytest.mark.parametrize("place", ["torch.save", "os.rename", "os.fsync"])
def test_a_failed_write_leaves_the_one_before_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    save_checkpoint(tmp_path, state(1), 1, None)
    with monkeypatch.context() as patch:
        patch.setattr(place, full)
        with pytest.raises(DiskError, match="No space left on device") as caught:
            save_checkpoint(tmp_path, state(2), 2, None)
    assert isinstance(caught.value, UserError)  # plain words and exit status 2, no traceback
    assert str(tmp_path / "checkpoints" / f"{2:012d}") in str(caught.value)
    assert "bytes free" in str(caught.value)
    assert "multigan resume" in str(caught.value)
    assert names(tmp_path) == ["000000000001"]
    warnings: list[str] = []
    found = newest_checkpoint(tmp_path, warnings.append)
    assert found is not None
    assert found.load("cpu")["samples"] == 1
    assert warnings == []


def test_a_disk_that_fills_up_half_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save_checkpoint(tmp_path, state(1), 1, None)
    save = torch.save

    def half(content: object, file: BinaryIO) -> None:
        save(content, file)
        file.flush()
        truncate(Path(file.name).parent)
        raise RuntimeError("[enforce fail at inline_container.cc:659] . unexpected pos 64 vs 0")

    monkeypatch.setattr(torch, "save", half)
    with pytest.raises(DiskError, match="cannot be written: the disk refused"):
        save_checkpoint(tmp_path, state(2), 2, None)
    assert names(tmp_path) == ["000000000001"]


def test_a_later_write_works_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(DiskError):
            save_checkpoint(tmp_path, state(1), 1, None)
    save_checkpoint(tmp_path, state(1), 1, None)
    assert names(tmp_path) == ["000000000001"]


@pytest.mark.parametrize("place", ["torch.save", "os.rename", "os.fsync"])
def test_a_failed_second_write_of_one_moment_keeps_the_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    save_checkpoint(
        tmp_path, state(1), 1, None
    )  # by its cadence, and then once more because of a signal
    with monkeypatch.context() as patch:
        patch.setattr(place, full)
        with contextlib.suppress(DiskError):
            save_checkpoint(tmp_path, state(1), 1, None)
    found = newest_checkpoint(tmp_path)
    assert found is not None
    assert found.load("cpu")["samples"] == 1


def test_writing_one_moment_twice(tmp_path: Path) -> None:
    save_checkpoint(tmp_path, state(1), 1, None)
    save_checkpoint(tmp_path, state(1), 1, None)
    assert names(tmp_path) == ["000000000001"]
    assert newest_checkpoint(tmp_path) is not None


def test_a_damaged_checkpoint_is_replaced(tmp_path: Path) -> None:
    truncate(save_checkpoint(tmp_path, state(1), 1, None))
    assert newest_checkpoint(tmp_path) is None
    save_checkpoint(tmp_path, state(1), 1, None)
    assert newest_checkpoint(tmp_path) is not None


def test_leftovers_of_a_crash_are_ignored_and_cleaned(tmp_path: Path) -> None:
    folder = save_checkpoint(tmp_path, state(1), 1, None)
    for left in (".000000000009.4242.writing", ".000000000000.removing"):
        (folder.parent / left).mkdir()
        (folder.parent / left / "state.pt").write_bytes(b"half")
    warnings: list[str] = []
    assert [c.clock for c in intact_checkpoints(tmp_path, warnings.append)] == [1]
    assert warnings == []
    save_checkpoint(tmp_path, state(2), 2, None)
    assert names(tmp_path) == ["000000000001", "000000000002"]


def test_everything_is_flushed_before_it_has_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    happened: list[str] = []
    flush, rename = module.flush, os.rename
    monkeypatch.setattr(module, "flush", lambda path: (happened.append(path.name), flush(path))[1])
    monkeypatch.setattr(os, "rename", lambda a, b: (happened.append("rename"), rename(a, b))[1])
    save_checkpoint(tmp_path, state(1), 1, None)
    before, after = happened[: happened.index("rename")], happened[happened.index("rename") + 1 :]
    assert {"state.pt", "manifest.json"} < set(before)  # and the folder itself
    assert len(before) == 3
    assert after == ["checkpoints"]


def test_what_has_grown_huge_is_not_read_to_be_found_damaged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = save_checkpoint(tmp_path, state(1), 1, None)
    os.truncate(save_checkpoint(tmp_path, state(2), 2, None) / "state.pt", 2**34)
    read: list[Path] = []
    monkeypatch.setattr(module, "sha256", lambda path: read.append(path) or sha256(path))
    found = newest_checkpoint(tmp_path)
    assert found is not None
    assert found.folder == before
    assert read == [before / "state.pt"]


def test_a_manifest_of_before_sizes_were_kept_is_whole(tmp_path: Path) -> None:
    folder = save_checkpoint(tmp_path, state(1), 1, None)
    manifest = json.loads((folder / "manifest.json").read_text())
    del manifest["bytes"]
    (folder / "manifest.json").write_text(json.dumps(manifest))
    assert newest_checkpoint(tmp_path) is not None
