"""The protocol: draws per index, networks built from the domain's names or from one's own, a
domain's presenter and its ruler."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import multigan.domains
from multigan.adversarial.randomness import IndexedDraw
from multigan.domains.base import Domain, domain_type
from multigan.domains.build import build_network
from multigan.domains.presenter import Presenter
from multigan.domains.ruler import Ruler
from multigan.errors import DataError, RecipeError, UserError
from multigan.recipe.load import recipe_type
from multigan.recipe.settings import DataSettings, NetworkSettings, Recipe, TrainSettings
from multigan.registry import DOMAINS, RECIPES, import_dotted
from multigan.samples import Facts, Stored

CPU = torch.device("cpu")
FACTS = Facts((2,), ("a", "b", "c"))


def indexed(*indices: int, seed: int = 0) -> IndexedDraw:
    return IndexedDraw(seed, indices, CPU)


def test_indexed_draw_gives_each_index_its_own_numbers() -> None:
    rows = indexed(0, 1, 2, 3).normal("z", 5)
    assert rows.shape == (4, 5)
    assert torch.equal(indexed(3, 1).normal("z", 5), rows[[3, 1]])
    assert len({tuple(row) for row in rows.tolist()}) == 4
    assert len(indexed(7, 8)) == 2


def test_indexed_draw_follows_from_seed_and_purpose() -> None:
    z = indexed(4).normal("z", 5)
    assert not torch.equal(z, indexed(4, seed=1).normal("z", 5))
    assert not torch.equal(z, indexed(4).normal("other", 5))


def test_indexed_draw_is_standard_normal() -> None:
    z = indexed(*range(500)).normal("z", 20)
    assert abs(z.mean()) < 0.05
    assert z.std() == pytest.approx(1, abs=0.05)


class Net(nn.Module):
    """Wants some of what is offered, and an option."""

    def __init__(self, shape: tuple[int, ...], classes: int, option: int = 1) -> None:
        super().__init__()
        if option < 0:
            raise ValueError("option is negative")
        self.given = (shape, classes, option)


def not_a_module() -> int:
    return 3


def built(network: str, **options: object) -> nn.Module:
    settings = NetworkSettings(network=network, options=options)
    return build_network(settings, {"net": Net}, "critic.network", FACTS)


def test_network_gets_what_its_signature_names() -> None:
    assert built("net").given == ((2,), 3, 1)
    assert built("net", option=5).given == ((2,), 3, 5)


def test_own_network_by_module_and_class() -> None:
    assert isinstance(built("torch.nn:Identity"), nn.Identity)


@pytest.mark.parametrize(
    ("network", "options", "said"),
    [
        ("nett", {}, "known: net"),
        ("no_such_module:Net", {}, "no_such_module"),
        ("torch.nn:NoSuchClass", {}, "NoSuchClass"),
        (":Net", {}, "cannot be imported"),
        ("torch.nn:", {}, "cannot be imported"),
        ("net", {"surprise": 1}, "surprise"),
        ("net", {"option": -1}, "option is negative"),
        (f"{__name__}:not_a_module", {}, "no subclass of torch.nn.Module"),
    ],
)
def test_network_that_cannot_be_built_names_the_key(network: str, options: dict, said: str) -> None:
    with pytest.raises(UserError, match=r"critic\.network") as refused:
        built(network, **options)
    assert said in str(refused.value)


def test_own_module_with_a_mistake_in_it_is_told_as_the_users(
    tmp_path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "my_broken_networks.py").write_text("class Net(:\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(RecipeError, match="my_broken_networks"):
        built("my_broken_networks:Net")


@pytest.mark.parametrize("name", DOMAINS)
def test_every_domain_answers_for_its_recipe(name: str) -> None:
    kind = domain_type(name)
    assert issubclass(kind, Domain)
    assert kind.recipe_type is recipe_type(name)
    assert kind.presenter_type.formats
    assert kind.generators
    assert kind.critics
    assert RECIPES.keys() == DOMAINS.keys()


@pytest.mark.parametrize("name", DOMAINS)
def test_every_domain_has_the_same_rooms(name: str) -> None:
    folder = Path(multigan.domains.__file__).parent / name
    rooms = {path.stem for path in folder.glob("*.py")}
    assert {"settings", "sources", "networks", "options", "domain", "presenter", "ruler"} <= rooms
    kind = domain_type(name)
    assert kind.presenter_type.__module__ == f"multigan.domains.{name}.presenter"
    assert kind.ruler_type.__module__ == f"multigan.domains.{name}.ruler"
    assert issubclass(kind.presenter_type, Presenter)
    assert issubclass(kind.ruler_type, Ruler)


def test_own_domain_by_its_name() -> None:
    own = DOMAINS["points"]
    assert domain_type(own) is domain_type("points")
    assert recipe_type(own) is recipe_type("points")
    with pytest.raises(RecipeError, match="smells"):
        recipe_type("smells")
    with pytest.raises(RecipeError, match=r"some\.key"):
        import_dotted("nothing:Nothing", "some.key")


@pytest.mark.parametrize("name", ["subprocess:run", "torch.nn:Linear", f"{__name__}:FACTS"])
def test_what_is_no_domain_is_refused_before_it_is_used(name: str) -> None:
    with pytest.raises(RecipeError, match=r"domain = .* is no subclass of multigan\.Domain"):
        domain_type(name)
    with pytest.raises(RecipeError, match=r"domain = .* is no subclass of multigan\.Domain"):
        recipe_type(name)


CALLED: list[object] = []


def called(**arguments: object) -> nn.Module:
    CALLED.append(arguments)
    return nn.Identity()


@pytest.mark.parametrize("name", ["subprocess:run", f"{__name__}:called", "builtins:dict"])
def test_what_is_no_module_is_never_called(name: str) -> None:
    with pytest.raises(UserError, match=r"critic\.network = .* is no subclass of torch"):
        built(name, args=["true"])
    assert CALLED == []


def test_incomplete_domain_cannot_be_made() -> None:
    class Half(Domain):
        def count(self) -> int:
            return 0

    with pytest.raises(TypeError, match="abstract"):
        Half(None)  # type: ignore[abstract, arg-type]


class Numbers(Domain):
    """The least a domain can be."""

    recipe_type = Recipe
    generators = critics = {}  # noqa: RUF012

    def count(self) -> int:
        return 3

    def load(self) -> Stored:
        self.facts = Facts((2,))
        return Stored(torch.arange(6.0).view(3, 2))

    def represent(self, stored: torch.Tensor, draw: object) -> torch.Tensor:
        return stored

    def noise(self, draw: object) -> None:
        return None


class Said(Presenter):
    """Numbers as words."""

    domain: Numbers
    formats = ("txt",)

    def items(self, stored: torch.Tensor) -> list[str]:
        return [" ".join(map(str, row)) for row in stored.tolist()]

    def write(self, items: Sequence[str], folder: Path, format: str, start: int = 0) -> list[Path]:
        path = folder / f"{start}.{format}"
        path.write_text("\n".join(items))
        return [path]

    def lines(self, items: Sequence[str]) -> list[str]:
        return list(items)


class Summed(Ruler):
    """Numbers measured by their sum."""

    aims = {"sum": "lower"}  # noqa: RUF012

    def own_measures(self, made: torch.Tensor, reals: object) -> dict[str, float]:
        return {"sum": made.sum().item()}


class SaidNumbers(Numbers):
    """Numbers with a presenter and a ruler of their own."""

    presenter_type, ruler_type = Said, Summed


def recipe() -> Recipe:
    return Recipe(
        domain="numbers",
        data=DataSettings(source="numbers"),
        generator=NetworkSettings(network="a"),
        critic=NetworkSettings(network="b"),
        train=TrainSettings(samples=64, batch=8),
    )


def test_a_domain_without_a_presenter_gives_arrays(tmp_path: Path) -> None:
    numbers = Numbers(recipe())
    x = numbers.load().samples
    items = numbers.presenter.present(x)
    (path,) = numbers.presenter.write(items, tmp_path, "npy", start=4)
    assert np.array_equal(np.load(path), x.numpy())
    assert path.name == "samples-000004.npy"
    assert numbers.presenter.sheet(items) is None
    assert numbers.presenter.exhibits(items, "numbers") == []
    with pytest.raises(UserError, match="give a folder"):
        numbers.presenter.write_together(items, tmp_path / "all.npy")


def test_a_domain_without_a_ruler_says_that_it_cannot_be_measured() -> None:
    ruler = Numbers(recipe()).ruler
    with pytest.raises(DataError, match="numbers has no samples kept"):
        ruler.real_samples()
    assert len(ruler.training_samples()) == 3


def test_a_domain_that_writes_by_itself_is_told_where_that_belongs() -> None:
    with pytest.raises(UserError, match="Old has items and write, which a Presenter has"):
        type("Old", (Numbers,), {"items": Said.items, "write": Said.write})


def test_a_domain_has_the_presenter_and_the_ruler_it_names(tmp_path: Path) -> None:
    numbers = SaidNumbers(recipe())
    x = numbers.load().samples
    assert numbers.presenter.lines(numbers.presenter.present(x))[1] == "2.0 3.0"
    assert numbers.presenter.write(["1"], tmp_path, "txt")[0].read_text() == "1"
    assert numbers.ruler.real_measures(x, None) == {"sum": 15.0}
    assert numbers.ruler.trivial(numbers.load(), 5, 0).shape == (5, 2)


def test_stored_counts_its_samples() -> None:
    assert len(Stored(torch.zeros(7, 2))) == 7
