"""What is found below a folder, and when a stamp changes."""

import os
from pathlib import Path

from multigan.domains.files import files_below, is_hidden, stamp


def test_all_files_in_one_order(tmp_path: Path) -> None:
    for name in ("b/2.txt", "a/sub/1.txt", "a/0.txt", "z.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "link").symlink_to(tmp_path / "b")
    assert files_below(tmp_path) == ["z.txt", "a/0.txt", "a/sub/1.txt", "b/2.txt", "link/2.txt"]


def test_what_systems_leave_behind_is_hidden() -> None:
    assert is_hidden(".DS_Store")
    assert is_hidden("__MACOSX/a.png")
    assert is_hidden("a/.cache/b.png")
    assert not is_hidden("a/b.c.png")


def test_a_stamp_changes_with_its_files(tmp_path: Path) -> None:
    path, gone = tmp_path / "a", tmp_path / "gone"
    path.write_text("1")
    first = stamp(path, gone)
    assert stamp(path, gone) == first
    os.utime(path, ns=(1, 1))
    second = stamp(path, gone)
    assert second != first
    path.write_text("22")
    os.utime(path, ns=(1, 1))
    assert stamp(path, gone) not in (first, second)
    gone.touch()
    assert "gone\tgone" in second
    assert "gone\tgone" not in stamp(path, gone)
