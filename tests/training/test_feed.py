"""The feed: which samples come next is a function of the position, for any number of processes."""

from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from torch import Tensor

from multigan.adversarial.condition import Condition, joined, tensors
from multigan.samples import Stored
from multigan.training.feed import Feed, fits

COUNT = 50
CPU = torch.device("cpu")


def stored(count: int = COUNT) -> Stored:
    samples = torch.arange(count)[:, None].repeat(1, 3).to(torch.uint8)
    sources = (samples * 2, {"mask": torch.arange(count) + 0.5})
    return Stored(samples, torch.arange(count) % 7, sources=sources)


def equal_sources(one: Condition, other: Condition) -> bool:
    pairs = zip(tensors(one), tensors(other), strict=True)
    return all(torch.equal(a, b) for a, b in pairs)


def feed(batch: int = 8, part: range | None = None, seed: int = 0, count: int = COUNT) -> Feed:
    return Feed(stored(count), CPU, seed, batch, range(batch) if part is None else part)


def reading_ahead(batch: int = 8) -> Feed:
    """The path for data that do not fit on the device, on the CPU."""
    made = feed(batch)
    made.resident = False
    made._thread = ThreadPoolExecutor(1)
    return made


def stretch(made: Feed, start: int, stop: int, purpose: str = "critic") -> Tensor:
    """All positions from ``start`` to ``stop`` samples seen."""
    return torch.cat([made.indices(purpose, at) for at in range(start, stop, made.batch)])


def test_is_a_function_of_the_position_alone() -> None:
    used, positions = feed(), [0, 400, 16, 8, 8, 392]
    for at in positions:
        assert torch.equal(used.indices("critic", at), feed().indices("critic", at))


@pytest.mark.parametrize("resident", [True, False])
def test_rows_that_are_kept_apart_never_come(resident: bool) -> None:
    rows = torch.arange(0, COUNT, 2)
    made = Feed(stored(), CPU, 0, 5, range(5), rows=rows)
    made.resident = resident
    epoch = torch.cat([made("critic", at, 5).samples[:, 0] for at in range(0, len(rows), 5)])
    assert torch.equal(epoch.sort().values.long(), rows)


def test_gives_what_the_indices_say() -> None:
    made = feed()
    found = made("critic", 24, 8)
    indices = made.indices("critic", 24)
    assert torch.equal(found.samples, stored().samples[indices])
    assert found.labels is not None
    assert torch.equal(found.labels, indices % 7)
    doubled, mask = tensors(found.sources)
    assert torch.equal(doubled, found.samples * 2)
    assert torch.equal(mask, indices + 0.5)


def test_without_labels() -> None:
    made = Feed(Stored(torch.zeros(20, 2)), CPU, 0, 4, range(4))
    assert made("critic", 0, 4).labels is None


@pytest.mark.parametrize("batch", [1, 7, 8, 25, 50])
def test_every_pass_is_a_permutation(batch: int) -> None:
    made = feed(batch)
    seen = stretch(made, 0, COUNT * batch)
    assert len(seen) == COUNT * batch
    for one_pass in seen.view(-1, COUNT):
        assert torch.equal(one_pass.sort().values, torch.arange(COUNT))


def test_passes_purposes_and_seeds_differ() -> None:
    first = stretch(feed(25), 0, COUNT)
    assert not torch.equal(first, torch.arange(COUNT))
    assert not torch.equal(first, stretch(feed(25), COUNT, 2 * COUNT))
    assert not torch.equal(first, stretch(feed(25), 0, COUNT, "generator"))
    assert not torch.equal(first, stretch(feed(25, seed=1), 0, COUNT))


def test_a_batch_across_the_end_of_a_pass() -> None:
    made = feed(8)
    across = made.indices("critic", 48)  # two of this pass, six of the next
    whole = stretch(feed(1), 0, 2 * COUNT)
    assert torch.equal(across, whole[48:56])


def test_a_batch_of_several_passes() -> None:
    made = feed(8, count=8)
    assert torch.equal(made.indices("critic", 4), stretch(feed(1, count=8), 4, 12))


def test_the_batch_size_changes_nothing_about_the_order() -> None:
    assert torch.equal(stretch(feed(1), 0, 200), stretch(feed(20), 0, 200))


@pytest.mark.parametrize("world", [2, 4])
@pytest.mark.parametrize("at", [0, 8, 48, 1000])
def test_the_parts_of_all_processes_are_the_global_batch(world: int, at: int) -> None:
    parts = [range(8 * rank // world, 8 * (rank + 1) // world) for rank in range(world)]
    pieces = [feed(8, part)("critic", at, 8) for part in parts]
    whole = feed(8)("critic", at, 8)
    assert torch.equal(torch.cat([p.samples for p in pieces]), whole.samples)
    assert whole.labels is not None
    labels = [p.labels for p in pieces if p.labels is not None]
    assert torch.equal(torch.cat(labels), whole.labels)
    assert equal_sources(joined([p.sources for p in pieces]), whole.sources)


@pytest.mark.parametrize("stride", [8, 16])
def test_reading_ahead_gives_the_same(stride: int) -> None:
    ahead, resident = reading_ahead(), feed()
    assert not ahead.resident
    assert resident.resident
    try:
        for at in [*range(0, 240, stride), 104, 112, 0]:  # in order, then jumps
            for purpose in ("critic", "generator"):
                one, other = ahead(purpose, at, stride), resident(purpose, at, stride)
                assert torch.equal(one.samples, other.samples)
                assert torch.equal(one.labels, other.labels)  # type: ignore[arg-type]
                assert equal_sources(one.sources, other.sources)
    finally:
        ahead.close()


def test_reads_only_the_next_batch_ahead() -> None:
    ahead = reading_ahead()
    try:
        for at in range(0, 800, 8):
            ahead("critic", at, 8)
            assert len(ahead._ahead) <= 1  # memory must not grow with the training
        assert len(ahead._permutations) <= 3
    finally:
        ahead.close()


def test_memory_of_permutations_does_not_grow() -> None:
    made = feed(25)
    for at in range(0, 40 * COUNT, 25):
        made("critic", at, 25)
        made("generator", at, 25)
    assert len(made._permutations) <= 6


def test_close_ends_the_thread() -> None:
    ahead = reading_ahead()
    ahead("critic", 0, 8)
    ahead.close()
    assert ahead._thread is not None
    with pytest.raises(RuntimeError):
        ahead._thread.submit(int)


def test_on_the_cpu_the_data_stay_where_they_are() -> None:
    given = stored()
    made = Feed(given, CPU, 0, 8, range(8), resident=False)
    assert made._data.samples.data_ptr() == given.samples.data_ptr()
    made.close()
    assert not fits(given, CPU)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_on_a_gpu_both_ways_give_the_same() -> None:
    device = torch.device("cuda")
    made = [Feed(stored(), device, 0, 8, range(8), resident) for resident in (True, False)]
    for at in range(0, 160, 8):
        one, other = (f("critic", at, 8) for f in made)
        assert one.samples.device.type == other.samples.device.type == "cuda"
        assert torch.equal(one.samples, other.samples)
        assert torch.equal(one.labels, other.labels)  # type: ignore[arg-type]
        assert equal_sources(one.sources, other.sources)
        assert {t.device.type for t in tensors(one.sources)} == {"cuda"}
    for f in made:
        f.close()
