"""A training that begins with what another has learnt."""

import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

import multigan
from multigan.errors import CheckpointError, UserError
from multigan.kept.weights import sha256
from multigan.runs.checkpoint import newest_checkpoint


def train(out: Path, source: Path | str, tiny: dict[str, Any], **settings: Any) -> multigan.Run:
    named = {key.replace("__", "."): value for key, value in settings.items()}
    chosen = tiny | {"train.init_from": str(source)} | named
    return multigan.train("points/ring", out=out, settings=chosen, device="cpu", quiet=True)


def first_weights(run: Path) -> dict[str, Any]:
    """The players as they were before a round that learnt nothing."""
    return newest_checkpoint(run).load("cpu")["game"]


STILL = {"game__generator__lr": 0, "game__critic__lr": 0, "train__samples": 64}


def test_both_players_begin_with_what_the_run_has_learnt(
    tiny_run: Path, tiny_points: dict, tmp_path: Path
) -> None:
    train(tmp_path / "run", tiny_run, tiny_points, **STILL)
    began = first_weights(tmp_path / "run")
    kept = load_file(tiny_run / "model" / "model.safetensors")
    learnt = newest_checkpoint(tiny_run).load("cpu")["game"]["critic"]["network"]
    for ours, theirs in (
        (began["generator"]["network"], kept),
        (began["ema"], kept),
        (began["critic"]["network"], learnt),
    ):
        assert ours.keys() == theirs.keys()
        assert all(torch.equal(ours[name], theirs[name]) for name in ours)


def test_a_model_folder_has_a_generator_alone_to_give(
    tiny_run: Path, tiny_points: dict, tmp_path: Path, capsys: Any
) -> None:
    kept = shutil.copytree(tiny_run / "model", tmp_path / "kept")
    chosen = tiny_points | {"train.init_from": str(kept)}
    multigan.train("points/ring", out=tmp_path / "run", settings=chosen, device="cpu")
    said = capsys.readouterr().err
    assert f"from {kept}" in said
    assert f"The critic begins anew: {kept} has none to give" in said


def test_what_has_another_shape_begins_anew_and_is_named(
    tiny_run: Path, tiny_points: dict, tmp_path: Path, capsys: Any
) -> None:
    chosen = tiny_points | {"train.init_from": str(tiny_run), "generator.latent": 7}
    multigan.train("points/ring", out=tmp_path / "run", settings=chosen, device="cpu")
    said = capsys.readouterr().err
    assert "The generator begins with" in said
    assert "anew: " in said
    assert "×7" in said


def test_a_run_that_began_so_goes_on_without_its_source(
    tiny_run: Path, tiny_points: dict, tmp_path: Path
) -> None:
    source = Path(shutil.copytree(tiny_run, tmp_path / "source"))
    train(tmp_path / "run", source, tiny_points)
    shutil.rmtree(source)
    longer = {"train.samples": 320}
    multigan.resume(tmp_path / "run", settings=longer, device="cpu", quiet=True)
    assert newest_checkpoint(tmp_path / "run").clock == 320


def test_sources_that_cannot_be_used_are_refused_before_the_data_are_read(
    tiny_run: Path, tiny_points: dict, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from multigan.domains.points.domain import PointsDomain

    kept = Path(shutil.copytree(tiny_run / "model", tmp_path / "kept"))
    weights = load_file(kept / "model.safetensors")
    monkeypatch.setattr(PointsDomain, "load", lambda self: pytest.fail("it reads the data"))
    with pytest.raises(UserError, match="does not exist"):
        train(tmp_path / "run", tmp_path / "nowhere" / "model", tiny_points)
    save_file({name: tensor * torch.nan for name, tensor in weights.items()}, kept / "nan")
    config = (kept / "config.json").read_text()
    digest = sha256(kept / "model.safetensors")
    (kept / "nan").rename(kept / "model.safetensors")
    with pytest.raises(CheckpointError, match="sha256"):
        train(tmp_path / "run", kept, tiny_points)
    renewed = config.replace(digest, sha256(kept / "model.safetensors"))
    (kept / "config.json").write_text(renewed)
    with pytest.raises(CheckpointError, match="NaN or infinite"):
        train(tmp_path / "run", kept, tiny_points)
    assert not (tmp_path / "run").exists()


def test_a_dry_run_looks_for_the_source_too(command: Any, tmp_path: Path) -> None:
    done = command("train", "points/ring", "--init-from", tmp_path / "nowhere" / "x", "--dry-run")
    assert done.status == 2
    assert "nowhere/x does not exist: give a run folder, a model folder or a hub id" in done.err


def test_a_generator_of_which_nothing_agrees_is_refused(
    labelled_run: Path, tiny_points: dict, tmp_path: Path
) -> None:
    with pytest.raises(UserError, match=r"train\.init_from = .*no tensor of its generator"):
        train(tmp_path / "run", labelled_run, tiny_points)


def test_a_relative_path_is_kept_whole(
    tiny_run: Path, tiny_points: dict, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tiny_run.parent)
    run = train(tmp_path / "run", tiny_run.name, tiny_points)
    assert f'init_from = "{tiny_run}"' in (run.folder / "recipe.toml").read_text()
