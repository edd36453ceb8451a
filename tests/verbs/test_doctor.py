"""The doctor names what is broken, goes on to the end, and says so by its status."""

import sys
from pathlib import Path

import pytest

from multigan.verbs import doctor


@pytest.fixture(autouse=True)
def few_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only torch: importing the others takes many seconds."""
    monkeypatch.setattr(doctor, "_PACKAGES", ("torch",))


def texts(verdict: str) -> list[str]:
    return [text for found, text in doctor.findings() if found == verdict]


def test_healthy_machine(command, cache: Path) -> None:
    done = command("doctor")
    assert done.status == 0
    assert "fail" not in done.out
    said = " ".join(texts("ok") + texts("note"))
    assert all(
        word in said
        for word in ("Python", "torch", "CUDA" if "cuda:0" not in said else "cuda:0", "cpu,")
    )
    assert str(cache) in said


def test_missing_package_is_a_problem(command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "_PACKAGES", ("torch", "multigan-no-such-package"))
    assert "multigan-no-such-package is not installed" in texts("problem")[0]
    done = command("doctor")
    assert done.status == 1
    assert "fail" in done.out


def test_package_that_does_not_import_is_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "_PACKAGES", ("pytest",))
    monkeypatch.setitem(sys.modules, "pytest", None)
    assert "pytest" in texts("problem")[0]
    assert "does not import" in texts("problem")[0]


def test_torch_that_does_not_import_is_a_problem_and_no_crash(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in [name for name in sys.modules if name == "multigan.domains.cache"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "torch", None)
    said = texts("problem")
    assert "torch" in said[0]
    assert "does not import" in said[0]


def test_disk_that_cannot_be_written_is_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MULTIGAN_CACHE", "/proc/multigan")
    assert any("/proc/multigan cannot be written" in text for text in texts("problem"))


def test_little_disk_is_noted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    free = type("Usage", (), {"free": 2**30})()
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda path: free)
    assert doctor._disk(tmp_path / "not" / "there", "tests")[0] == "note"
    free.free = 2**40
    assert doctor._disk(tmp_path / "not" / "there", "tests")[0] == "ok"
    assert not (tmp_path / "not").exists()


def test_without_compiler_it_is_noted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor.shutil, "which", lambda name: None)
    assert any("train.compile" in text for text in texts("note"))
