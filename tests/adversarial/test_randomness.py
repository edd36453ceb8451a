import itertools

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from toy_games import CPU

from multigan.adversarial.randomness import Draw, derive_seed, stream


def whole(seed: int = 0, samples: int = 0, batch: int = 8) -> Draw:
    return Draw(seed, samples, batch, CPU, range(batch))


@pytest.mark.parametrize("kind", ["normal", "uniform"])
def test_a_draw_is_a_function_of_seed_samples_and_purpose(kind: str) -> None:
    def numbers(seed: int, samples: int, purpose: str) -> torch.Tensor:
        return getattr(whole(seed, samples), kind)(purpose, 3)

    first = numbers(1, 64, "z")
    torch.manual_seed(5)
    numbers(2, 0, "other")
    assert torch.equal(numbers(1, 64, "z"), first)
    for other in (numbers(2, 64, "z"), numbers(1, 65, "z"), numbers(1, 64, "gp")):
        assert not torch.isclose(other, first).any()


def test_a_draw_leaves_the_global_random_state_alone() -> None:
    before = torch.get_rng_state()
    whole().normal("z", 3)
    assert torch.equal(torch.get_rng_state(), before)


@given(st.integers(1, 12), st.data())
@settings(deadline=None, max_examples=40)
def test_slices_of_the_global_draw_equal_the_whole(batch: int, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, batch), max_size=3)))
    edges = [0, *cuts, batch]
    parts = [Draw(7, 96, batch, CPU, range(a, b)) for a, b in itertools.pairwise(edges)]
    expected = whole(7, 96, batch).normal("z", 2, 3)
    assert torch.equal(torch.cat([part.normal("z", 2, 3) for part in parts]), expected)
    assert [len(part) for part in parts] == [len(part.normal("z")) for part in parts]


def test_micro_batches_within_a_part_are_its_slices_and_know_its_size() -> None:
    part = Draw(0, 0, 8, CPU, range(2, 8))
    micro = [part.within(0, 2), part.within(2, 6)]
    assert torch.equal(torch.cat([m.uniform("gp") for m in micro]), part.uniform("gp"))
    assert [len(m) / m.local for m in micro] == pytest.approx([1 / 3, 2 / 3])
    assert torch.equal(micro[1].within(1, 3).uniform("gp"), whole().uniform("gp")[5:7])


def test_numbers_have_the_distribution_they_are_named_after() -> None:
    normal, uniform = whole(batch=20_000).normal("z"), whole(batch=20_000).uniform("z")
    assert (normal.mean().item(), normal.std().item()) == pytest.approx((0, 1), abs=0.03)
    assert 0 <= uniform.min() < 0.01 < 0.99 < uniform.max() < 1
    assert uniform.mean().item() == pytest.approx(0.5, abs=0.02)


parts = st.lists(st.one_of(st.integers(), st.text("abcdef -")), min_size=1, max_size=4)


@given(parts, parts)
def test_seeds_of_different_parts_differ(one: list, other: list) -> None:
    same = [str(part) for part in one] == [str(part) for part in other]
    assert (derive_seed(*one) == derive_seed(*other)) == same
    assert 0 <= derive_seed(*one) < 2**63


def test_neighbouring_clocks_and_the_other_noise_of_the_diversity_term_share_no_seed() -> None:
    seeds = {derive_seed(seed, samples, "z") for seed in range(10) for samples in range(-200, 200)}
    assert len(seeds) == 4000


def test_a_stream_follows_from_its_parts() -> None:
    assert stream("cpu", 1, "a").initial_seed() == derive_seed(1, "a")
