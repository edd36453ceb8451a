"""Decoded once, memory-mapped, keyed by the signature; what cannot be read is counted and named."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from multigan.domains.cache import Decoded, cache_folder, cached
from multigan.errors import DataError


class Numbers:
    """Arrays of ``[i, i]``; those in ``broken`` cannot be read."""

    def __init__(
        self, count: int = 6, broken: tuple[int, ...] = (), signature: str = "numbers"
    ) -> None:
        self.count, self.broken, self.signature = count, broken, signature
        self.classes = ("even", "odd")
        self.labelled, self.decoded = True, 0

    def decode(self) -> Iterator[Decoded]:
        for i in range(self.count):
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
    with pytest.raises(DataError, match="set MULTIGAN_CACHE") as refused:
        cached(Numbers(), 0)
    assert str(tmp_path / "file") in str(refused.value)


def test_full_disk_says_what_to_set(own_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*args: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "ascontiguousarray", full)
    with pytest.raises(DataError, match=r"No space left.*MULTIGAN_CACHE"):
        cached(Numbers(), 0)
    assert list((own_cache / "data").iterdir()) == []


def test_where_the_cache_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert cache_folder() == tmp_path / "cache"
    monkeypatch.delenv("MULTIGAN_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", "/some/where")
    assert cache_folder() == Path("/some/where/multigan")
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert cache_folder() == Path.home() / ".cache" / "multigan"
