import pytest
import torch

from multigan.adversarial.statistics import Statistics


def test_each_name_gets_its_mean_over_the_times_it_was_added() -> None:
    statistics = Statistics()
    for step in range(4):  # r1 is lazy: it is there on every second step only
        scalars = {"loss": torch.tensor(float(step))}
        if step % 2 == 0:
            scalars["r1"] = torch.tensor(10.0 + step)
        statistics.add(scalars)
    assert statistics.read() == pytest.approx({"loss": 1.5, "r1": 11.0})


def test_reading_starts_a_new_mean() -> None:
    statistics = Statistics()
    statistics.add({"loss": torch.tensor(1.0)})
    statistics.read()
    assert statistics.read() == {}
    statistics.add({"loss": torch.tensor(5.0)})
    assert statistics.read() == {"loss": 5.0}


def test_what_is_added_is_neither_changed_nor_kept_in_the_graph() -> None:
    statistics = Statistics()
    loss = torch.tensor(2.0, dtype=torch.float64, requires_grad=True)
    statistics.add({"loss": loss * 1})
    statistics.add({"loss": loss * 2})
    assert not any(total.requires_grad for total, _ in statistics._sums.values())
    assert loss.item() == 2.0
    assert statistics.read() == {"loss": 3.0}


def test_what_was_counted_in_survives_a_checkpoint() -> None:
    whole, saved, restored = Statistics(), Statistics(), Statistics()
    for step in range(7):
        scalars = {"loss": torch.rand(()), "norm": torch.rand(())}
        if step % 3 == 0:
            scalars["r1"] = torch.rand(())
        whole.add(scalars)
        (saved if step < 4 else restored).add(scalars)
        if step == 3:
            restored.load(saved.state())
    assert restored.read() == whole.read()  # to the bit
