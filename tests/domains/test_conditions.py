"""What both networks are told is drawn with its samples, and stays with them wherever they go."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from told_points import TINY, ToldPoints
from torch import Tensor

import multigan
from multigan.adversarial.condition import joined, tensors
from multigan.adversarial.randomness import Draw, IndexedDraw
from multigan.domains.conditions import learn_condition, seen
from multigan.domains.image.domain import ImageDomain
from multigan.errors import UserError
from multigan.recipe.load import load_recipe
from multigan.samples import Stored

CPU = torch.device("cpu")


def draw(part: range = range(8)) -> Draw:
    return Draw(3, 0, 8, CPU, part)


def equal(one: Any, other: Any) -> bool:
    pairs = zip(tensors(one), tensors(other), strict=True)
    return all(torch.equal(a, b) for a, b in pairs)


@pytest.fixture
def pictures(idx_folder: Path) -> tuple[ImageDomain, Stored]:
    """Pictures that are mirrored at random, and a source for each: its negative, and a mask."""
    recipe = load_recipe("image/mnist", {"data.source": str(idx_folder), "data.flip": True})
    domain = ImageDomain(recipe)
    stored = domain.load().at(slice(0, 8))
    mask = torch.zeros_like(stored.samples)
    mask[..., :10] = 255
    return domain, replace(stored, sources=(255 - stored.samples, {"mask": mask}))


def test_what_moves_a_sample_moves_its_source(pictures: tuple[ImageDomain, Stored]) -> None:
    domain, stored = pictures
    real, condition = seen(domain, stored, draw())
    negative, mask = condition[0], condition[1]["mask"]  # type: ignore[index,call-overload]
    torch.testing.assert_close(negative, -real)
    mirrored = mask[:, 0, 0, 0] < 0
    assert 0 < mirrored.sum() < 8
    assert equal(
        mask[mirrored], mask[~mirrored][:1].flip(-1).expand(int(mirrored.sum()), -1, -1, -1)
    )


def test_labels_stand_beside_sources(pictures: tuple[ImageDomain, Stored]) -> None:
    domain, stored = pictures
    labels = torch.arange(8)
    _, condition = seen(domain, replace(stored, labels=labels), draw())
    _, without = seen(domain, stored, draw())
    assert equal(condition, (without, labels))
    learn_condition(domain, replace(stored, labels=labels))
    shape = tuple(stored.samples.shape[1:])
    assert domain.condition_shape == ((shape, {"mask": shape}), ())
    learn_condition(domain, replace(stored, labels=labels, sources=None))
    assert domain.condition_shape is None  # labels alone are asked for by name


def test_conditions_of_parts_are_those_of_the_whole() -> None:
    domain = ToldPoints(load_recipe(TINY, trust_code=True))
    stored = domain.load().at(slice(0, 8))
    real, whole = seen(domain, stored, draw())
    parts = [range(0, 3), range(3, 4), range(4, 8)]
    found = [seen(domain, stored.at(slice(p.start, p.stop)), draw(p)) for p in parts]
    assert equal(joined([condition for _, condition in found]), whole)
    assert torch.equal(torch.cat([x for x, _ in found]), real)
    _, other = seen(domain, stored, replace(draw(), seed=4))
    assert not equal(other, whole)


def test_micro_batches_are_told_what_the_batch_is_told(tmp_path: Path) -> None:
    def conditions(accumulate: int) -> list[Any]:
        recipe = {**TINY, "train": {**TINY["train"], "accumulate": accumulate}}
        domain = ToldPoints(load_recipe(recipe, trust_code=True))
        trainer = trainer_of_domain(domain, tmp_path / str(accumulate))
        return [turn.condition for turn in trainer.turns("generator", 64)]

    whole, cut = conditions(1), conditions(4)
    assert (len(whole), len(cut)) == (1, 4)
    assert equal(joined(cut), whole[0])


def trainer_of_domain(domain: Any, out: Path) -> Any:
    from multigan.runs.folder import RunFolder
    from multigan.training.trainer import Trainer

    return Trainer(domain, domain.load(), RunFolder(out))


def test_a_snapshot_carries_its_condition(tmp_path: Path) -> None:
    trainer = trainer_of_domain(ToldPoints(load_recipe(TINY, trust_code=True)), tmp_path / "run")
    snapshot = trainer.look.snapshot(0, {})
    told = snapshot.condition["x"][:, 0]  # type: ignore[index,call-overload]
    assert len(told) == len(snapshot.fake) == len(snapshot.real)
    assert 0 < (told - snapshot.real[:, 0]).abs().max() < 0.6
    assert snapshot.judge is None


class Plain(ToldPoints):
    """A domain of one's own as they were before: without a draw."""

    def condition(self, x: Tensor, labels: Any) -> Any:  # type: ignore[override]
        return x[:, :1]


def test_a_condition_of_two_arguments_still_works_and_takes_no_sources() -> None:
    domain = Plain(load_recipe(TINY, trust_code=True))
    stored = domain.load().at(slice(0, 8))
    real, condition = seen(domain, stored, draw())
    assert equal(condition, real[:, :1])
    with pytest.raises(UserError, match=r"Plain.condition does not take them: .* sources\)"):
        seen(domain, replace(stored, sources=stored.samples), draw())


class Listing(ToldPoints):
    def condition(self, real: Tensor, labels: Any, draw: Any, sources: Any = None) -> Any:
        return [real]


def test_what_is_no_condition_is_refused_before_training() -> None:
    domain = Listing(load_recipe(TINY, trust_code=True))
    with pytest.raises(UserError, match=r"Listing.condition: .* not a list"):
        learn_condition(domain, domain.load())


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"game.augment": 0.5}, "game.augment moves samples, and nobody moves the condition"),
        ({"game.diversity": 1.0}, None),
    ],
)
def test_an_augmentation_never_moves_a_target_alone(
    settings: dict[str, Any], says: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Moving:
        def draw(self, draw: Any, purpose: str, like: Tensor, probability: float) -> dict[str, Any]:
            return {}

        def apply(self, x: Tensor, view: dict[str, Any]) -> Tensor:
            return x

    monkeypatch.setattr(ToldPoints, "augmentations", {"moving": Moving})
    given: dict[str, Any] = {"settings": settings, "device": "cpu", "quiet": True}
    if says is None:
        multigan.train(TINY, out=tmp_path / "run", **given)
        return
    with pytest.raises(UserError, match=says):
        multigan.train(TINY, out=tmp_path / "run", **given)


def test_diversity_wants_noise(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ToldPoints, "noise", lambda self, draw: None)
    with pytest.raises(UserError, match=r"game.diversity compares .* no noise"):
        multigan.train(
            TINY, out=tmp_path / "run", settings={"game.diversity": 1.0}, device="cpu", quiet=True
        )


def test_a_draw_of_single_samples_gives_one_number_each() -> None:
    numbers = IndexedDraw(0, [5, 2], CPU).uniform("one")
    assert numbers.shape == (2,)
    assert torch.equal(numbers[1:], IndexedDraw(0, [2], CPU).uniform("one"))


def test_a_conditional_game_resumes_as_it_would_have_gone_on(tmp_path: Path) -> None:
    one = multigan.train(TINY, out=tmp_path / "one", device="cpu", quiet=True)
    settings = {"train.samples": 64}
    multigan.train(TINY, out=tmp_path / "two", settings=settings, device="cpu", quiet=True)
    more = {"train.samples": 96}
    two = multigan.resume(tmp_path / "two", settings=more, device="cpu")
    weights = [r.model.generator.state_dict()["linear.weight"] for r in (one, two)]
    assert torch.equal(*weights)
