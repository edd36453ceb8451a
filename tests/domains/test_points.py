"""Mixtures whose truth is known, and the domain over them."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch

from multigan.adversarial.randomness import Draw
from multigan.domains.points.domain import PointsDomain
from multigan.domains.points.measures import mixture_measures
from multigan.domains.points.networks import PointsMlpCritic
from multigan.domains.points.presenter import PointsPresenter
from multigan.domains.points.sources import MIXTURES
from multigan.domains.shown import Snapshot
from multigan.recipe.load import load_recipe

MODES = {"ring": 8, "grid": 25, "spiral": 24}
DRAW = Draw(0, 0, 6, torch.device("cpu"), range(6))


def domain(**data: object) -> PointsDomain:
    train = {"samples": 100, "batch": 10}
    return PointsDomain(
        load_recipe({"domain": "points", "data": {"count": 50} | data, "train": train})
    )


@pytest.mark.parametrize("name", MODES)
def test_sampled_points_lie_at_every_mode_as_wide_as_said(name: str) -> None:
    mixture = MIXTURES[name]()
    points = mixture.sample(20_000, seed=3)
    distance, mode = torch.cdist(points, mixture.centres).min(1)
    share = torch.bincount(mode, minlength=MODES[name]) / len(points)
    assert len(mixture.centres) == MODES[name]
    assert share.sub(1 / MODES[name]).abs().max() < 0.01
    assert distance.square().mean().div(2).sqrt() == pytest.approx(mixture.deviation, rel=0.03)
    assert points.abs().max() < mixture.extent
    assert torch.equal(points, mixture.sample(20_000, seed=3))
    assert not torch.equal(points, mixture.sample(20_000, seed=4))


def test_where_the_modes_are() -> None:
    ring, grid, spiral = (MIXTURES[name]().centres for name in ("ring", "grid", "spiral"))
    assert torch.allclose(ring.norm(dim=1), torch.ones(8))
    assert sorted({round(x) for x in grid[:, 0].tolist()}) == [-4, -2, 0, 2, 4]
    steps = spiral.diff(dim=0).norm(dim=1)
    assert steps.max() / steps.median() < 2
    assert spiral[-1].norm() == pytest.approx(1)


@pytest.mark.parametrize("name", MODES)
def test_measures_of_the_truth_are_nearly_perfect(name: str) -> None:
    mixture = MIXTURES[name]()
    found = mixture_measures(mixture.sample(5000, seed=0), mixture)
    assert found["modes"] == MODES[name]
    assert found["high_quality"] == pytest.approx(
        1 - math.exp(-4.5), abs=0.01
    )  # within 3σ of a round Gaussian
    assert found["reverse_kl"] == pytest.approx(0, abs=0.01)


def test_measures_of_a_collapse_and_of_noise() -> None:
    ring = MIXTURES["ring"]()
    collapsed = mixture_measures(ring.centres[:1].repeat(100, 1), ring)
    assert collapsed == pytest.approx({"modes": 1, "high_quality": 1, "reverse_kl": math.log(8)})
    two = mixture_measures(ring.centres[[0, 4]].repeat(50, 1), ring)
    assert two == pytest.approx({"modes": 2, "high_quality": 1, "reverse_kl": math.log(4)})
    outside = mixture_measures(ring.centres * 1.1, ring)
    assert outside == pytest.approx({"modes": 0, "high_quality": 0, "reverse_kl": 0}, abs=1e-6)


def test_data_are_the_same_for_every_run() -> None:
    first, second, other = domain(), domain(), domain(source="grid")
    stored = first.load()
    assert len(stored) == first.count() == 50
    assert torch.equal(stored.samples, second.load().samples)
    assert stored.fingerprint == second.load().fingerprint != other.load().fingerprint
    assert first.facts.shape == (2,)


@pytest.mark.parametrize("name", MODES)
def test_critic_sees_the_unit_square_and_people_the_plane(name: str) -> None:
    points = domain(source=name)
    stored = points.load().samples
    seen = points.represent(stored, DRAW)
    assert seen.abs().max() <= 1
    assert np.allclose(np.stack(points.presenter.present(seen)), stored.numpy(), atol=1e-6)
    assert points.ruler.measure(seen) == pytest.approx(
        mixture_measures(stored, points.mixture), abs=1e-6
    )
    assert (
        points.presenter.summary({"modes": 7.0, "high_quality": 0.925, "reverse_kl": 0.1234})
        == "7 modes, 92% good, KL 0.12"
    )
    assert points.presenter.summary({"samples": 64}) == ""
    assert points.noise(DRAW).shape == (6, points.recipe.generator.latent)


@pytest.mark.parametrize("format", PointsPresenter.formats)
def test_written_points_can_be_read(format: str, tmp_path: Path) -> None:
    items = [np.array([i, -i / 3], np.float32) for i in range(5)]
    (path,) = domain().presenter.write(items, tmp_path, format, start=16)
    assert path.name == f"points-000016.{format}"
    if format == "csv":
        assert path.read_text().startswith("x,y\n")
        found = np.loadtxt(path, delimiter=",", skiprows=1)
    else:
        found = np.load(path)
    assert np.allclose(found, np.stack(items), atol=1e-6)


def test_pictures_show_points_and_landscape() -> None:
    points = domain()
    sheet = points.presenter.sheet([np.array([0.5, 0.5]), np.array([0.0, 1.0])])
    fake = torch.zeros(4, 2)
    without, withjudge = (
        points.presenter.picture(Snapshot(10, fake, fake, None, judge))
        for judge in (None, PointsMlpCritic(width=4))
    )
    assert sheet.mode == "RGB"
    assert sheet.size == without.size == withjudge.size
    assert without.tobytes() != withjudge.tobytes()
    colours = [colour for _, colour in without.getcolors(10**6)]
    assert any(red > blue + 150 for red, _, blue in colours)  # amber: the generated points


@pytest.mark.parametrize("spectral_norm", [False, True])
def test_networks_keep_the_signature(spectral_norm: bool) -> None:
    points = domain()
    points.load()
    x = points.network("generator")(points.noise(DRAW), None)
    critic = PointsMlpCritic(width=16, depth=2, spectral_norm=spectral_norm)
    assert x.shape == (6, 2)
    assert critic(x, None).shape == (6,)
    norms = [
        torch.linalg.svdvals(m.weight)[0].item() for m in critic.layers if hasattr(m, "weight")
    ]
    assert all((abs(norm - 1) < 0.05) for norm in norms) == spectral_norm
