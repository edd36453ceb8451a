"""The model a user keeps: sample i follows from the seed and i, and it loads anywhere without the
run."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from copy import copy
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

import multigan
from multigan.errors import CheckpointError, UserError


def pixels(pictures: list[Image.Image]) -> list[bytes]:
    return [picture.tobytes() for picture in pictures]


@pytest.fixture(scope="module")
def model(labelled_run: Path) -> multigan.Model:
    """Pictures of the classes dark and light."""
    return multigan.load(labelled_run)


@pytest.fixture
def kept(labelled_run: Path, tmp_path: Path) -> Path:
    """A copy of a model folder, to be harmed."""
    return Path(shutil.copytree(labelled_run / "model", tmp_path / "kept"))


# Generating


def test_a_sample_follows_from_the_seed_and_its_number_alone(model: multigan.Model) -> None:
    many = pixels(model.generate(40, seed=5))
    assert pixels(model.generate(5, seed=5)) == many[:5]
    assert pixels(model.generate(17, seed=5)) == many[:17]
    assert pixels(model.generate(40, seed=5)) == many
    assert len(set(many)) == 40


def test_several_seeds_give_the_first_sample_of_each(model: multigan.Model) -> None:
    together = pixels(model.generate(seed=[5, 9, 5], label=["dark", "light", "light"]))
    alone = [
        pixels(model.generate(1, seed=seed, label=label))[0]
        for seed, label in ((5, "dark"), (9, "light"), (5, "light"))
    ]
    assert together == alone
    assert len(model.generate(seed=np.arange(20))) == 20  # more than a chunk
    with pytest.raises(UserError, match="2 seeds for n = 3"):
        model.generate(3, seed=[1, 2])


def test_unique_pictures_are_compared_by_what_is_seen(model: multigan.Model) -> None:
    assert len(set(pixels(model.generate(6, unique=True, label="dark")))) == 6
    same = copy(model)
    same.generator = Same(model.facts.shape)
    with pytest.raises(UserError, match="only 1 of 40 samples differ"):
        same.generate(2, unique=True)
    with pytest.raises(UserError, match="follow from one seed"):
        model.generate(2, unique=True, seed=[1, 2])


@pytest.mark.parametrize("device", ["auto", torch.device("cpu")])
def test_it_loads_onto_any_name_of_a_device(labelled_run: Path, device: str | torch.device) -> None:
    assert len(multigan.load(labelled_run, device=device).generate(1)) == 1


class Same(nn.Module):
    """Makes one picture, whatever it is asked for."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        super().__init__()
        self.picture = nn.Parameter(torch.zeros(shape))

    def forward(self, noise: torch.Tensor, condition: torch.Tensor) -> torch.Tensor:
        return self.picture.expand(len(noise), *self.picture.shape)


def test_seeds_differ_and_the_global_random_state_is_left_alone(model: multigan.Model) -> None:
    before = torch.get_rng_state()
    assert pixels(model.generate(4, seed=1)) != pixels(model.generate(4, seed=2))
    assert torch.equal(torch.get_rng_state(), before)


def test_an_option_the_domain_does_not_know_is_refused_by_name(model: multigan.Model) -> None:
    with pytest.raises(UserError, match="temperature means nothing to image models"):
        model.generate(1, temperature=0.5)


def test_representations_are_what_is_presented(model: multigan.Model) -> None:
    pieces = list(model.representations(40, seed=5))
    assert sum(len(piece) for piece in pieces) == 40
    presented = [item for piece in pieces for item in model.domain.presenter.present(piece)]
    assert pixels(presented) == pixels(model.generate(40, seed=5))


def test_labels_by_name_number_and_list(model: multigan.Model) -> None:
    assert model.classes == ("dark", "light")
    dark, light = pixels(model.generate(4, label="dark")), pixels(model.generate(4, label="light"))
    assert all(a != b for a, b in zip(dark, light, strict=True))
    assert pixels(model.generate(4, label=1)) == light
    assert pixels(model.generate(4, label=["light", "dark", 1, 0])) == [
        light[0],
        dark[1],
        light[2],
        dark[3],
    ]
    assert pixels(model.generate(4)) == [dark[0], light[1], dark[2], light[3]]


@pytest.mark.parametrize("one", [np.int64(1), np.array(1), torch.tensor(1), np.str_("light")])
def test_labels_may_be_numpys_and_torchs(model: multigan.Model, one: object) -> None:
    light = pixels(model.generate(2, label=1))
    assert pixels(model.generate(2, label=one)) == light
    assert pixels(model.generate(2, label=[one, one])) == light
    assert pixels(model.generate(2, label=np.array([1, 1]))) == light
    assert pixels(model.generate(2, label=torch.tensor([1, 1]))) == light


def test_a_number_is_a_name_where_classes_are_called_by_numbers(model: multigan.Model) -> None:
    stars = copy(model)
    stars.facts = replace(model.facts, classes=("1", "2"))
    assert pixels(stars.generate(1, label=1)) == pixels(model.generate(1, label="dark"))
    assert pixels(stars.generate(1, label="2")) == pixels(model.generate(1, label="light"))
    with pytest.raises(UserError, match="label = 0 is unknown; this model knows: 1, 2"):
        stars.generate(1, label=0)
    stars.facts = replace(model.facts, classes=("caf\u00e9", "tea"))
    assert pixels(stars.generate(1, label="cafe\u0301")) == pixels(model.generate(1, label=0))


@pytest.mark.parametrize("label", ["green", 2, -1, 0.5, ["dark"], ["dark"] * 4])
def test_wrong_labels_are_refused(model: multigan.Model, label: object) -> None:
    with pytest.raises(UserError, match="label"):
        model.generate(3, label=label)


def test_a_model_without_labels_takes_none(tiny_run: Path) -> None:
    points = multigan.load(tiny_run)
    assert points.classes == ()
    assert len(points.generate(3)) == 3
    with pytest.raises(UserError, match="without labels"):
        points.generate(3, label=0)


@pytest.mark.parametrize("n", [0, -3])
def test_at_least_one(model: multigan.Model, n: int) -> None:
    with pytest.raises(UserError, match=f"n = {n}"):
        model.generate(n)


def test_memory_does_not_grow_with_the_number(model: multigan.Model) -> None:
    sizes: set[int] = set()
    hook = model.generator.register_forward_hook(lambda module, given, made: sizes.add(len(made)))
    chunks = model.chunks(100_000)
    first = [next(chunks), next(chunks)]
    model.generate(3)  # as full a batch: the numbers of a product may follow from its size
    hook.remove()
    assert len(sizes) == 1
    assert [len(chunk) for chunk in first] == [sizes.pop()] * 2
    assert [len(c) for c in model.chunks(len(first[0]) + 1)] == [len(first[0]), 1]


# Keeping


def test_model_folder_holds_nothing_to_unpickle(labelled_run: Path) -> None:
    files = sorted(p for p in (labelled_run / "model").rglob("*"))
    assert [p.name for p in files] == ["README.md", "config.json", "model.safetensors"]
    assert not any(p.read_bytes().startswith((b"\x80", b"PK")) for p in files)
    card = (labelled_run / "model" / "README.md").read_text()
    assert "dark, light" in card
    assert "multigan.load" in card


def test_saved_and_loaded_it_makes_the_same(model: multigan.Model, tmp_path: Path) -> None:
    again = multigan.load(model.save(tmp_path / "again"))
    assert pixels(again.generate(5, seed=2)) == pixels(model.generate(5, seed=2))
    assert (again.clock, again.recipe, again.facts) == (24, model.recipe, model.facts)
    assert not again.generator.training


def test_it_loads_elsewhere_without_run_and_data(model: multigan.Model, kept: Path) -> None:
    config = (kept / "config.json").read_text()
    moved = json.loads(config)
    moved["recipe"]["data"]["source"] = "/gone"  # as if the data had been deleted
    (kept / "config.json").write_text(json.dumps(moved))
    code = (
        "import hashlib, multigan\n"
        f"made = multigan.load({str(kept)!r}).generate(3, seed=9)\n"
        "print(hashlib.sha256(b''.join(p.tobytes() for p in made)).hexdigest())"
    )
    environment = os.environ | {
        "OMP_NUM_THREADS": str(torch.get_num_threads()),
        "MULTIGAN_CACHE": "/proc/no",
    }
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        cwd=kept,
    )
    expected = hashlib.sha256(b"".join(pixels(model.generate(3, seed=9)))).hexdigest()
    assert done.stdout.strip() == expected, done.stderr


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("config.json", None),
        ("config.json", b"{}"),
        ("config.json", b"[1]"),
        ("config.json", b"\xff\xfe"),
        ("config.json", b'{"format": 1'),
        ("model.safetensors", None),
        ("model.safetensors", b""),
        ("model.safetensors", b"\x80\x04K\x01."),
    ],
)
def test_missing_or_broken_file_is_named(kept: Path, file: str, content: bytes | None) -> None:
    (kept / file).unlink()
    if content is not None:
        (kept / file).write_bytes(content)
    with pytest.raises(CheckpointError) as refused:
        multigan.load(kept)
    assert "kept" in str(refused.value)
    assert file in str(refused.value) or "holds no model" in str(refused.value)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda c: c.update(format=99), "upgrade"),
        (lambda c: c["recipe"]["generator"].update(width=8), "safetensors"),
        (lambda c: c["facts"].update(classes=["a", "b", "c"]), "safetensors"),
        (lambda c: c["recipe"].update(surprise=1), "surprise"),
        (lambda c: c["recipe"].update(domain="smells"), "smells"),
        (lambda c: c["facts"].update(shape=None), "config.json"),
    ],
    ids=["format", "width", "classes", "key", "domain", "shape"],
)
def test_config_that_does_not_fit_is_refused(kept: Path, change, said: str) -> None:
    config = json.loads((kept / "config.json").read_text())
    change(config)
    (kept / "config.json").write_text(json.dumps(config))
    with pytest.raises(UserError, match=said):
        multigan.load(kept)


def test_truncated_weights_are_refused(kept: Path) -> None:
    weights = kept / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-10])
    with pytest.raises(CheckpointError, match=r"model\.safetensors"):
        multigan.load(kept)


def test_what_is_no_model_is_told_apart(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="holds no model"):
        multigan.load(tmp_path)
    with pytest.raises(CheckpointError, match="does not exist"):
        multigan.load(tmp_path / "nothing")
    with pytest.raises(
        CheckpointError, match="as a hub id it failed"
    ):  # the hub is off in these tests
        multigan.load("nobody/nothing")


# One's own networks

OWN = """
from torch import nn


class Line(nn.Module):
    def __init__(self, shape, latent, scale=1.0):
        super().__init__()
        self.layer, self.scale = nn.Linear(latent, shape[0]), scale

    def forward(self, noise, condition=None):
        return self.layer(noise) * self.scale
"""


def test_own_network_by_its_name(
    tiny_points: dict, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "my_line_networks.py").write_text(OWN)
    monkeypatch.syspath_prepend(tmp_path)
    own = {"generator.network": "my_line_networks:Line", "generator.options.scale": 0.0}
    run = multigan.train(
        "points/ring", out=tmp_path / "run", settings=tiny_points | own, device="cpu", quiet=True
    )
    assert type(run.model.generator).__name__ == "Line"
    assert all((point == 0).all() for point in run.model.generate(3))


class Shift(nn.Module):
    """A generator given as an object."""

    def __init__(self) -> None:
        super().__init__()
        self.by = nn.Parameter(torch.zeros(2))

    def forward(self, noise: torch.Tensor, condition: object = None) -> torch.Tensor:
        return noise[:, :2] + self.by


def test_own_network_as_an_object(tiny_points: dict, tmp_path: Path) -> None:
    run = multigan.train(
        "points/ring",
        out=tmp_path / "run",
        settings=tiny_points,
        device="cpu",
        quiet=True,
        generator=Shift(),
    )
    model = multigan.load(run.folder, generator=Shift())
    assert model.generator.by.abs().min() > 0
    assert len(model.generate(3)) == 3
    with pytest.raises(
        CheckpointError, match=r"test_model:Shift: multigan\.load\(\.\.\., generator=Shift"
    ):
        multigan.load(run.folder)
    with pytest.raises(CheckpointError, match=r"model\.safetensors"):
        multigan.load(run.folder, generator=nn.Linear(2, 2))
    longer = multigan.resume(
        run.folder, settings={"train.samples": 256}, device="cpu", quiet=True, generator=Shift()
    )
    assert longer.metrics[-1]["samples"] == 256
