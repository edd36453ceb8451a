"""What samples are asked for by: one seed, or several that give a sample each."""

from typing import Any

import numpy as np
import pytest
import torch

from multigan.adversarial.randomness import IndexedDraw, derive_seed
from multigan.errors import UserError
from multigan.seeds import check_seeds, drawn, seed_of, seeds_of, wanted

CPU = torch.device("cpu")


@pytest.mark.parametrize("seed", [7, np.int64(7), np.uint8(7), torch.tensor(7), np.array(7)])
def test_whole_numbers_of_any_library_are_a_seed(seed: Any) -> None:
    assert seeds_of(seed) == 7
    assert type(seeds_of(seed)) is int


@pytest.mark.parametrize(
    "seeds", [[3, 1], (3, 1), np.array([3, 1]), torch.tensor([3, 1]), iter([3, np.int32(1)])]
)
def test_several_seeds_are_one_sample_each(seeds: Any) -> None:
    assert seeds_of(seeds) == (3, 1)
    assert wanted(None, (3, 1)) == 2
    assert wanted(None, 3) == 1
    assert wanted(5, 3) == 5


@pytest.mark.parametrize("seed", ["7", 7.0, None, [1, 2.5], [[1]], {}, np.float32(1), object()])
def test_anything_else_is_refused(seed: Any) -> None:
    with pytest.raises(UserError, match="seed = "):
        seeds_of(seed)
    with pytest.raises(UserError, match="seed = "):
        seed_of(seed)


def test_seeds_are_as_many_as_samples_and_stand_alone() -> None:
    check_seeds((1, 2), 2, None)
    with pytest.raises(UserError, match="2 seeds for n = 3"):
        check_seeds((1, 2), 3, None)
    with pytest.raises(UserError, match="beside a condition"):
        check_seeds((1, 2), 2, torch.zeros(2))


@pytest.mark.parametrize("candidate", [(), (4,)])
def test_each_seed_draws_as_its_first_sample_alone(candidate: tuple[int, ...]) -> None:
    together = drawn(CPU, range(4), (5, 6), *candidate)  # a chunk is full
    assert len(together) == 4
    for i, seed in enumerate((5, 6, 6, 6)):
        alone = IndexedDraw(derive_seed("generate", seed, *candidate), (0,), CPU)
        assert torch.equal(together.normal("z", 3)[i], alone.normal("z", 3)[0])
        assert torch.equal(together.uniform("u")[i], alone.uniform("u")[0])
