"""Decoded once, memory-mapped, keyed by the signature; what cannot be read is counted and named."""

import os
import shutil
import subprocess
import sys
from collections import namedtuple
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import numpy as np
import pytest
import torch

from multigan.domains import building
from multigan.domains.cache import Decoded, Decoder, cache_folder, cached, entries, opened
from multigan.errors import DataError, DiskError


class Numbers(Decoder):
    """Arrays of ``[i, i]``; those in ``broken`` cannot be read."""

    def __init__(
        self, count: int = 6, broken: tuple[int, ...] = (), signature: str = "numbers"
    ) -> None:
        self.total, self.broken, self._signature = count, broken, signature
        self.classes = ("even", "odd")
        self.labelled, self.decoded = True, 0

    @property
    def signature(self) -> str:
        return self._signature

    def decode(self) -> Iterator[Decoded]:
        for i in range(self.total):
            self.decoded += 1
            if i in self.broken:
                yield Decoded(f"file {i}", None, error="broken")
            else:
                yield Decoded(
                    f"file {i}", np.full(2, i, np.int16), i % 2 if self.labelled else None
                )


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MULTIGAN_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_samples_and_labels_come_back() -> None:
    stored = cached(Numbers(), 0)
    assert stored.samples.dtype == torch.int16
    assert stored.samples.tolist() == [[i, i] for i in range(6)]
    assert stored.labels.tolist() == [0, 1, 0, 1, 0, 1]
    assert stored.labels.dtype == torch.int64
    assert stored.notes == ()


def test_without_labels() -> None:
    numbers = Numbers()
    numbers.labelled = False
    assert cached(numbers, 0).labels is None


def test_a_name_that_is_no_utf8_may_be_part_of_the_signature() -> None:
    assert len(cached(Numbers(signature="caf\udce9"), 0)) == 6


def test_decoded_once() -> None:
    first, second, other = Numbers(), Numbers(), Numbers(signature="other", count=3)
    again = [cached(numbers, 0) for numbers in (first, second, other)]
    assert (first.decoded, second.decoded, other.decoded) == (6, 0, 3)
    assert torch.equal(again[0].samples, again[1].samples)
    assert [len(stored) for stored in again] == [6, 6, 3]


def test_fingerprint_follows_from_the_content() -> None:
    prints = [
        cached(numbers, 1).fingerprint
        for numbers in (Numbers(), Numbers(signature="b"), Numbers(count=5, signature="c"))
    ]
    unlabelled = Numbers(signature="d")
    unlabelled.labelled = False
    assert prints[0] == prints[1]
    assert len({*prints, cached(unlabelled, 1).fingerprint}) == 3


def test_writing_into_the_samples_leaves_the_file(own_cache: Path) -> None:
    cached(Numbers(), 0).samples.zero_()
    assert cached(Numbers(), 0).samples[5].tolist() == [5, 5]


def test_unreadable_ones_are_left_out_and_named_every_time() -> None:
    for _ in range(2):
        stored = cached(Numbers(10, broken=(3,)), 0.1)
        assert stored.samples[:, 0].tolist() == [0, 1, 2, 4, 5, 6, 7, 8, 9]
        assert stored.labels.tolist() == [0, 1, 0, 0, 1, 0, 1, 0, 1]
        assert stored.notes == ("Skipped 1 of 10 files that cannot be read: file 3 (broken)",)


def test_too_many_unreadable_ones_stop_the_run(own_cache: Path) -> None:
    with pytest.raises(DataError, match="2 of 10 files") as refused:
        cached(Numbers(10, broken=(3, 4)), 0.1)
    assert "data.unreadable = 10%" in str(refused.value)
    assert "file 3 (broken); file 4 (broken)" in str(refused.value)
    assert len(cached(Numbers(10, broken=(3, 4)), 0.2)) == 8


@pytest.mark.parametrize("count", [0, 7])
def test_nothing_readable(count: int) -> None:
    with pytest.raises(DataError, match=f"none of the {count} files"):
        cached(Numbers(count, broken=tuple(range(count))), 1.0)


def test_interrupted_decoding_leaves_nothing_half(own_cache: Path) -> None:
    class Interrupted(Numbers):
        def decode(self) -> Iterator[Decoded]:
            yield from list(super().decode())[:2]
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cached(Interrupted(), 0)
    assert list((own_cache / "data").iterdir()) == []
    assert len(cached(Numbers(), 0)) == 6


def test_cache_that_cannot_be_written_says_what_to_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("MULTIGAN_CACHE", str(tmp_path / "file" / "cache"))
    with pytest.raises(DiskError, match="set MULTIGAN_CACHE") as refused:
        cached(Numbers(), 0)
    assert str(tmp_path / "file") in str(refused.value)


def test_full_disk_says_what_to_set(own_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*args: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(building, "flush", full)
    with pytest.raises(DiskError, match=r"No space left.*MULTIGAN_CACHE"):
        cached(Numbers(), 0)
    assert list((own_cache / "data").iterdir()) == []


def test_where_the_cache_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert cache_folder() == tmp_path / "cache"
    monkeypatch.delenv("MULTIGAN_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", "/some/where")
    assert cache_folder() == Path("/some/where/multigan")
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert cache_folder() == Path.home() / ".cache" / "multigan"


# The cache heals


def entry_folder() -> Path:
    (entry,) = entries()
    return entry.folder


def overwrite(name: str, place: int, value: int) -> Callable[[Path], None]:
    def harm(folder: Path) -> None:
        content = bytearray((folder / name).read_bytes())
        content[place] = value
        (folder / name).write_bytes(content)

    return harm


HARM: dict[str, Callable[[Path], object]] = {
    "truncated": lambda folder: os.truncate(folder / "samples.bin", 7),
    "longer": lambda folder: os.truncate(folder / "samples.bin", 100),
    "emptied": lambda folder: os.truncate(folder / "samples.bin", 0),
    "no samples": lambda folder: (folder / "samples.bin").unlink(),
    "no labels": lambda folder: (folder / "labels.bin").unlink(),
    "no meta": lambda folder: (folder / "meta.json").unlink(),
    "empty meta": lambda folder: (folder / "meta.json").write_text(""),
    "other meta": lambda folder: (folder / "meta.json").write_text("[1]"),
    "meta without shape": lambda folder: (folder / "meta.json").write_text('{"notes": []}'),
    "nothing": lambda folder: [path.unlink() for path in folder.iterdir()],
    "a byte of samples": overwrite("samples.bin", 5, 99),
    "a byte of labels": overwrite("labels.bin", 40, 9),
    "a byte beside": overwrite("words.txt", 2, 99),
    "nothing beside": lambda folder: (folder / "words.txt").unlink(),
}


class WithWords(Numbers):
    def keep(self, folder: Path) -> None:
        (folder / "words.txt").write_text("what belongs to them")


@pytest.mark.parametrize("harm", HARM)
def test_a_damaged_entry_is_decoded_anew_with_a_note(harm: str) -> None:
    first = cached(WithWords(), 0)
    samples = first.samples.clone()  # it is mapped from the file that is harmed
    HARM[harm](entry_folder())
    again = WithWords()
    found = opened(again, 0)
    assert again.decoded == 6
    assert torch.equal(found.stored.samples, samples)
    assert torch.equal(found.stored.labels, first.labels)
    assert found.stored.fingerprint == first.fingerprint
    assert (found.folder / "words.txt").read_text() == "what belongs to them"
    (note,) = found.stored.notes
    assert "were damaged" in note
    assert cached(WithWords(), 0).notes == ()
    assert [path.name for path in entry_folder().parent.iterdir()] == [entry_folder().name]


class Large(Numbers):
    """So large that the cheap check does not see every block."""

    def decode(self) -> Iterator[Decoded]:
        self.decoded += 1
        yield Decoded("file", np.arange(2**20, dtype=np.int16))


DIES = """
import os, sys
from pathlib import Path
sys.path.insert(0, str(Path(sys.argv[1])))
from test_cache import Large, cached
cached(Large(), 0)
os._exit(1)
"""


def test_after_a_crash_the_whole_entry_is_checked() -> None:
    cached(Large(), 0)
    hidden = overwrite("samples.bin", 5000, 99)
    hidden(entry_folder())
    again = Large()
    assert cached(again, 0).notes == ()  # between the blocks that are looked at
    assert again.decoded == 0
    dies = [sys.executable, "-c", DIES, str(Path(__file__).parent)]
    assert subprocess.run(dies, timeout=120, check=False).returncode == 1
    (note,) = cached(again, 0).notes
    assert "were damaged" in note
    assert (again.decoded, cached(again, 0).notes) == (1, ())


def test_an_entry_of_an_earlier_version_is_taken(own_cache: Path) -> None:
    import json

    first = cached(Numbers(), 0)
    path = entry_folder() / "meta.json"
    meta = json.loads(path.read_text())
    old = ("shape", "dtype", "labelled", "notes", "fingerprint")
    path.write_text(json.dumps({key: meta[key] for key in old}))
    again = Numbers()
    assert torch.equal(cached(again, 0).samples, first.samples)
    assert again.decoded == 0


@pytest.mark.parametrize("damaged", [False, True])
def test_several_builders_at_once(damaged: bool) -> None:
    count = 4
    if damaged:
        cached(WithWords(), 0)
        os.truncate(entry_folder() / "samples.bin", 7)
    barrier = Barrier(count)

    class Together(WithWords):
        def decode(self) -> Iterator[Decoded]:
            barrier.wait(60)
            yield from super().decode()

    with ThreadPoolExecutor(count) as threads:
        found = list(threads.map(lambda _: cached(Together(), 0), range(count)))
    assert all(torch.equal(stored.samples, found[0].samples) for stored in found)
    assert [path.name for path in entry_folder().parent.iterdir()] == [entry_folder().name]


def test_what_dead_builders_have_left_is_swept(own_cache: Path) -> None:
    (own_cache / "data").mkdir(parents=True)
    dead = own_cache / "data" / ".key.999999999"
    alive = own_cache / "data" / f".key.{os.getpid()}.12345678"
    fresh = own_cache / "data" / ".key.999999998.12345678"
    for path in (dead, alive, fresh):
        path.mkdir()
    for path in (dead, alive):
        os.utime(path, (1, 1))
    cached(Numbers(), 0)
    assert (dead.exists(), alive.exists(), fresh.exists()) == (False, True, True)


def test_a_disk_without_room_is_refused_before_everything_is_decoded(
    monkeypatch: pytest.MonkeyPatch, own_cache: Path
) -> None:
    class Counted(Numbers):
        count = 6

    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(100, 77, 23))
    numbers = Counted()
    with pytest.raises(DiskError, match="they take 24 bytes") as refused:
        cached(numbers, 0)
    assert "23 bytes free there" in str(refused.value)
    assert str(own_cache) in str(refused.value)
    assert numbers.decoded == 1


def test_repeated_samples_are_counted_where_they_have_a_name() -> None:
    class Repeated(Numbers):
        repeats = "numbers"

        def decode(self) -> Iterator[Decoded]:
            yield from super().decode()
            yield from list(super().decode())[:2]

    assert cached(Repeated(), 0).notes == (
        "2 of 8 numbers are repeated: equal to another once decoded",
    )
    assert cached(Numbers(signature="unnamed"), 0).notes == ()
