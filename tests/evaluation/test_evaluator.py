"""The evaluator: every table has its rows, from samples that are what they are said to be."""

import math
from contextlib import ExitStack
from dataclasses import replace

import pytest
import torch
from small_models import FromNoise, small_digits
from torch import Tensor

from multigan.domains.image.domain import ImageDomain
from multigan.domains.points.domain import PointsDomain
from multigan.errors import UserError
from multigan.evaluation import evaluator as module
from multigan.evaluation.evaluator import Evaluator, collect
from multigan.measures.embedder import Embedded, Embedder, Itself
from multigan.model import Model
from multigan.samples import Reals, Stored, halves


class Watching(Itself):
    """Remembers every sample that it embeds."""

    def __init__(self, learnt: Tensor | None = None) -> None:
        self.learnt_from, self.seen = learnt, []

    def embed(self, samples: Tensor) -> Embedded:
        self.seen.append(samples.clone())
        return super().embed(samples)


def numbered(train: int = 60, test: int = 30) -> Reals:
    """Points that tell where they are from: the place in the first number, the split in the
    second."""
    parts = [
        torch.stack([torch.arange(n).float(), torch.full((n,), float(side))], 1)
        for side, n in ((0, train), (9, test))
    ]
    return Reals(Stored(parts[0]), Stored(parts[1]), "numbered points")


# The rows


def test_rows_of_a_perfect_model(points: PointsDomain, perfect: Model) -> None:
    found = Evaluator(points, points.ruler.real_samples(), Itself()).evaluate(perfect)
    assert [row.name for row in found.rows] == ["real", "model", "trivial"]
    assert found.n == 400
    real, model, trivial = found.rows
    assert all(len(values) == 3 for row in found.rows for values in row.values.values())
    for measure in ("FD-points", "MIND"):
        assert model.mean(measure) < 10 * real.mean(measure) + 0.01
        assert trivial.mean(measure) > model.mean(measure)
    assert (real.mean("modes"), model.mean("modes")) == (8, 8)
    assert model.mean("high_quality") > 0.95 > 0.3 > trivial.mean("high_quality")
    assert model.mean("precision") > 0.8 > trivial.mean("precision")
    assert abs(model.mean("1-NN accuracy") - 0.5) < 0.06 < trivial.mean("1-NN accuracy") - 0.5
    assert model.mean("copied") < 0.04
    assert "copied" not in real.values  # it is drawn from the training samples
    assert found.model["samples_seen"] == 100
    assert found.aims["reverse_kl"] == "lower"
    assert found.seconds > 0


def test_a_collapsed_model_is_found(points: PointsDomain) -> None:
    one = Model(
        points, FromNoise(lambda noise, _: torch.tensor([1.0, 0.0]) / 1.25 + 0.008 * noise[:, :2])
    )
    found = Evaluator(points, points.ruler.real_samples(), Itself()).evaluate(one, seeds=1)["model"]
    assert found.mean("modes") == 1
    assert found.mean("precision") > 0.9
    assert found.mean("recall") < 0.2
    assert found.mean("reverse_kl") == pytest.approx(math.log(8))


def test_seeds_give_the_spread_and_the_same_table_twice(
    points: PointsDomain, perfect: Model
) -> None:
    found, again = (
        Evaluator(points, points.ruler.real_samples(), Itself(), n=100).evaluate(perfect, 2)
        for _ in range(2)
    )
    assert found.rows == again.rows
    for row in found.rows:
        assert row.deviation("MIND") > 0
        assert row.values["MIND"][0] != row.values["MIND"][1]
    other = Evaluator(points, points.ruler.real_samples(), Itself(), n=100).evaluate(perfect, 3)
    assert other["model"].values["MIND"][:2] == found["model"].values["MIND"]


def test_global_random_state_is_left_alone(points: PointsDomain, perfect: Model) -> None:
    before = torch.get_rng_state()
    Evaluator(points, points.ruler.real_samples(), Itself(), n=50).evaluate(perfect, 1)
    assert torch.equal(torch.get_rng_state(), before)


# Which real samples


def test_no_row_is_drawn_from_what_the_embedder_learnt(points: PointsDomain) -> None:
    learnt = torch.arange(0, 60, 2)
    watching = Watching(learnt)
    evaluator = Evaluator(points, numbered(), watching, n=25)
    (reference,) = watching.seen
    assert set(reference[:, 1].tolist()) == {9}  # unseen ones only
    assert len(reference[:, 0].unique()) == 25
    drawn = []
    for seed in range(8):
        watching.seen.clear()
        evaluator.real_row(seed)
        (row,) = watching.seen
        assert set(row[:, 1].tolist()) == {0}
        assert len(row[:, 0].unique()) == 25
        drawn.append(row[:, 0])
    assert set(torch.cat(drawn).tolist()) == set(range(1, 60, 2))


def test_copies_are_looked_for_among_all_training_samples(
    points: PointsDomain, perfect: Model
) -> None:
    watching = Watching(torch.arange(30))
    evaluator = Evaluator(points, numbered(), watching)
    watching.seen.clear()
    bank = evaluator.bank
    assert len(bank) == 60
    assert evaluator.bank is bank  # embedded once
    assert len(watching.seen) == 1


def test_where_the_training_samples_are_gone_no_copies_are_looked_for(
    points: PointsDomain, perfect: Model
) -> None:
    reals = halves(points.load(), "points.csv")
    assert "training samples are not to be had" in reals.description
    assert "points.csv" in reals.description
    both = torch.cat([reals.train.samples, reals.test.samples])
    assert (len(reals.train), len(reals.test)) == (200, 200)
    assert len(both.unique(dim=0)) == 400
    evaluator = Evaluator(points, reals, Itself())
    found = evaluator.evaluate(perfect, 1)
    assert evaluator.bank is None
    assert evaluator.copies is None
    assert not {"copied", "train distance"} & set(found.measures)
    assert found.data == reals.description


# How many


@pytest.mark.parametrize(("n", "learnt"), [(31, 0), (26, 35), (1000, 0)])
def test_more_than_there_are_is_refused_with_the_numbers(
    points: PointsDomain, n: int, learnt: int
) -> None:
    with pytest.raises(UserError, match=f"n = {n:,}") as refused:
        Evaluator(points, numbered(), Watching(torch.arange(learnt)), n)
    said = str(refused.value)
    assert "30 unseen real samples" in said
    assert f"{60 - learnt} training samples" in said
    assert f"at most {min(30, 60 - learnt)}" in said


@pytest.mark.parametrize("n", [0, 1, 9, -5])
def test_too_few_are_refused(points: PointsDomain, n: int) -> None:
    with pytest.raises(UserError, match=f"{n} samples are too few.* at least 10"):
        Evaluator(points, numbered(), Watching(), n)


def test_data_that_are_too_few_are_refused(points: PointsDomain) -> None:
    with pytest.raises(UserError, match="9 samples are too few"):
        Evaluator(points, numbered(test=9), Watching())


def test_as_many_as_there_are_by_default(points: PointsDomain) -> None:
    assert Evaluator(points, numbered(), Watching()).n == 30
    assert Evaluator(points, numbered(), Watching(), most=20).n == 20
    assert Evaluator(points, numbered(), Watching(), n=25, most=20).n == 25


def test_notes_warn_of_few_samples(digits: ImageDomain) -> None:
    reals = digits.ruler.real_samples()
    blank = Model(
        digits, FromNoise(lambda noise, _: noise[:, :1, None, None].expand(-1, 1, 8, 8).tanh())
    )
    patches = digits.ruler.embedder("patches", None, reals, torch.device("cpu"))
    few = Evaluator(digits, reals, patches, n=50).evaluate(blank, 1)
    assert not any("FD-patches" in row.values for row in few.rows)
    assert any("no FD-patches" in note and "more than 128" in note for note in few.notes)
    some = Evaluator(digits, reals, patches, n=200).evaluate(blank, 1)
    assert "FD-patches" in some["model"].values
    (note,) = some.notes
    assert "200 samples are few for 128 dimensions" in note


def test_note_when_the_row_of_real_samples_is_always_the_same(
    points: PointsDomain, perfect: Model
) -> None:
    found = Evaluator(points, points.ruler.real_samples(), Itself()).evaluate(perfect, 2)
    assert any("no spread" in note for note in found.notes)
    assert found["real"].deviation("MIND") == 0
    assert (
        not Evaluator(points, points.ruler.real_samples(), Itself(), n=150)
        .evaluate(perfect, 2)
        .notes
    )


def test_unseen_samples_that_were_trained_on_are_counted(
    points: PointsDomain, perfect: Model
) -> None:
    reals = points.ruler.real_samples()
    mixed = torch.cat([reals.test.samples[:-7], reals.train.samples[:7]])
    found = Evaluator(points, replace(reals, test=Stored(mixed)), Itself()).evaluate(perfect, 1)
    assert any(
        note.startswith(f"7 of the {len(mixed)} unseen real samples equal training")
        for note in found.notes
    )
    with pytest.raises(UserError, match="all samples to measure with are training samples"):
        Evaluator(points, replace(reals, test=Stored(reals.train.samples[5:200])), Itself())
    gone = replace(reals, test=Stored(reals.train.samples[5:200]), seen=False)  # nobody can tell
    Evaluator(points, gone, Itself())


# Copies


def test_a_model_that_copies_is_found_and_shown(digits: ImageDomain, copying: Model) -> None:
    reals = digits.ruler.real_samples()
    evaluator = Evaluator(
        digits, reals, digits.ruler.embedder("patches", None, reals, torch.device("cpu")), n=150
    )
    found = evaluator.evaluate(copying, 1)
    assert found["model"].mean("copied") == 1
    assert found["model"].mean("train distance") == pytest.approx(0, abs=1e-3)
    assert found["trivial"].mean("copied") == 0
    assert found["trivial"].mean("train distance") > 1
    assert len(evaluator.copies.made) == len(evaluator.copies.train) == 32
    assert torch.equal(evaluator.copies.made, evaluator.copies.train)


def test_the_nearest_are_shown_first(digits: ImageDomain, copying: Model) -> None:
    reals = digits.ruler.real_samples()
    evaluator = Evaluator(
        digits, reals, digits.ruler.embedder("patches", None, reals, torch.device("cpu")), n=100
    )
    half = copying.generator.made

    def mixed(noise: Tensor, condition: object) -> Tensor:
        return torch.where(
            noise[:, 1, None, None, None] > 0,
            half(noise, condition),
            noise[:, :1, None, None].tanh(),
        )

    measured = evaluator.model_row(Model(digits, FromNoise(mixed)), seed=0)
    assert 0.3 < measured.values["copied"] < 0.7
    assert torch.equal(evaluator.copies.made, evaluator.copies.train)  # 32 of about 50 copies


# Classes


class Told(Embedder):
    """Takes the brightness of a picture for its class, of 10."""

    name, description, hash = "told", "by hand", "0"
    prior = torch.full((10,), 0.1)

    def embed(self, samples: Tensor) -> Embedded:
        mean = samples.float().mean((1, 2, 3))
        logits = -(mean[:, None] / 20 - torch.arange(10)).abs() * 50
        return Embedded(samples[:, 0, 0, :4].float(), logits.log_softmax(1))


def obeying(domain: ImageDomain, wrong: int) -> Model:
    """Makes pictures as bright as the class asked for, but of the classes below ``wrong`` those of
    class 9."""

    def made(noise: Tensor, condition: Tensor) -> Tensor:
        shown = torch.where(condition < wrong, 9, condition)
        return (shown * 20 / 127.5 - 1).view(-1, 1, 1, 1).expand(-1, 1, 8, 8)

    return Model(domain, FromNoise(made))


@pytest.mark.parametrize("wrong", [0, 3])
def test_share_of_samples_that_are_the_class_asked_for(wrong: int) -> None:
    domain = small_digits(labels=True)
    evaluator = Evaluator(domain, domain.ruler.real_samples(), Told(), n=50)
    found = evaluator.model_row(obeying(domain, wrong), seed=0).values
    assert found["as asked"] == pytest.approx(1 - wrong / 10)
    assert found["classes"] == 10 - wrong
    share = (1 + wrong) / 10  # of class 9, which gets the wrong ones
    assert found["KL-classes"] == pytest.approx(share * math.log(share * 10), abs=1e-6)


def test_unconditional_models_are_asked_for_nothing(digits: ImageDomain, copying: Model) -> None:
    assert (
        "as asked"
        not in Evaluator(digits, digits.ruler.real_samples(), Told(), n=50)
        .model_row(copying, 0)
        .values
    )


def test_quick_rows_look_for_no_copies(digits: ImageDomain, copying: Model) -> None:
    evaluator = Evaluator(digits, digits.ruler.real_samples(), Told(), n=50)
    found = evaluator.model_row(copying, 0, quick=True).values
    assert found.keys() == {"FD-told", "MIND", "IS-told", "classes", "KL-classes"}
    assert evaluator.copies is None


# Many samples


@pytest.mark.parametrize("dtype", [torch.uint8, torch.float32])
def test_collected_in_a_file_as_in_memory(
    dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = torch.randint(0, 256, (50, 3, 4), generator=torch.Generator().manual_seed(0)).to(dtype)
    files: list[int] = []
    from_file = torch.from_file
    monkeypatch.setattr(
        torch, "from_file", lambda *a, **k: files.append(k["size"]) or from_file(*a, **k)
    )
    for most, expected in ((2**30, []), (1000 if dtype is torch.float32 else 500, [600])):
        monkeypatch.setattr(module, "_IN_MEMORY", most)
        with ExitStack() as stack:
            assert torch.equal(collect(iter(whole.split(16)), 50, stack), whole)
            assert files == expected


def test_a_table_is_the_same_from_a_file(
    points: PointsDomain, perfect: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    evaluator = Evaluator(points, points.ruler.real_samples(), Itself(), n=100)
    expected = evaluator.model_row(perfect, 0).values
    monkeypatch.setattr(module, "_IN_MEMORY", 100)
    assert evaluator.model_row(perfect, 0).values == expected
