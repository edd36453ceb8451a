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


def pictures(run: Path, out: Path, source: Path | str, **settings: Any) -> multigan.Run:
    """A training like that of ``run``, begun with ``source``."""
    named = {key.replace("__", "."): value for key, value in settings.items()}
    chosen = {"train.init_from": str(source)} | named
    return multigan.train(run / "recipe.toml", out=out, settings=chosen, device="cpu")


def test_frozen_layers_stay_as_they_were_taken_and_after_a_resume_too(
    labelled_run: Path, tmp_path: Path, capsys: Any
) -> None:
    learnt = newest_checkpoint(labelled_run).load("cpu")["game"]["critic"]["network"]
    pictures(labelled_run, tmp_path / "run", labelled_run, game__critic__frozen_layers=1)
    assert "its first layer does not learn" in capsys.readouterr().err
    for longer in ({}, {"train.samples": 48}):
        if longer:
            multigan.resume(tmp_path / "run", settings=longer, device="cpu", quiet=True)
        ours = first_weights(tmp_path / "run")["critic"]["network"]
        same = {name for name in ours if torch.equal(ours[name], learnt[name])}
        assert {"layers.0.weight", "layers.0.bias"} <= same
        assert not {"layers.2.weight", "layers.2.bias", "head.linear.weight"} & same


def test_layers_are_frozen_only_where_they_were_learnt(labelled_run: Path, tmp_path: Path) -> None:
    kept = shutil.copytree(labelled_run / "model", tmp_path / "kept")
    frozen = {"game__critic__frozen_layers": 1}
    with pytest.raises(UserError, match="no critic to give"):
        pictures(labelled_run, tmp_path / "run", kept, **frozen)
    with pytest.raises(UserError, match=r"layers\.0\.weight 4×1×4×4 would stay untrained"):
        pictures(labelled_run, tmp_path / "run", labelled_run, **frozen, data__channels=1)
    with pytest.raises(UserError, match="at least its last one is to learn"):
        pictures(labelled_run, tmp_path / "run", labelled_run, game__critic__frozen_layers=9)
    with pytest.raises(UserError, match="without train.init_from"):
        settings = {"game.critic.frozen_layers": 1}
        multigan.train(labelled_run / "recipe.toml", out=tmp_path / "run", settings=settings)
    assert not (tmp_path / "run").exists()


def test_a_larger_picture_takes_the_layers_counted_from_the_last(
    labelled_run: Path, tmp_path: Path, capsys: Any
) -> None:
    still = {name: value for name, value in STILL.items() if name != "train__samples"}
    pictures(labelled_run, tmp_path / "run", labelled_run, data__size=32, **still)
    said = capsys.readouterr().err
    assert (
        f"from {labelled_run}, counted from its last layer; anew: layers.2.weight 16×8×4×4" in said
    )
    began = first_weights(tmp_path / "run")
    learnt = newest_checkpoint(labelled_run).load("cpu")["game"]
    kept = load_file(labelled_run / "model" / "model.safetensors")
    ours, critic = (began[player]["network"] for player in ("generator", "critic"))
    assert torch.equal(ours["layers.8.weight"], kept["layers.5.weight"])
    assert torch.equal(ours["layers.5.weight"], kept["layers.2.weight"])
    taken = learnt["critic"]["network"]["layers.2.weight"]
    assert torch.equal(critic["layers.2.weight"], taken)


def test_a_model_of_the_hub_is_begun_with(
    labelled_run: Path, tmp_path: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    import huggingface_hub

    hub = shutil.copytree(labelled_run / "model", tmp_path / "hub")
    asked: list[Any] = []

    def download(repo_id: str, **more: Any) -> str:
        asked.append((repo_id, more["allow_patterns"]))
        return str(hub)

    monkeypatch.setattr(huggingface_hub, "snapshot_download", download)
    run = pictures(labelled_run, tmp_path / "run", "me/stripes")
    said = capsys.readouterr().err
    assert "tensors from me/stripes" in said
    assert "The critic begins anew: me/stripes has none to give" in said
    assert asked == [("me/stripes", ["*.json", "*.safetensors"])]  # nothing else is fetched
    assert 'init_from = "me/stripes"' in (run.folder / "recipe.toml").read_text()


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


def test_a_dry_run_says_what_would_be_taken(
    command: Any, labelled_run: Path, tmp_path: Path
) -> None:
    begun = ("--init-from", labelled_run, "--set", "game.critic.frozen_layers=1")
    done = command("train", labelled_run / "recipe.toml", *begun, "--dry-run")
    assert done.status == 0, done.err
    assert f"from {labelled_run}\n" in done.out
    assert "its first layer does not learn" in done.out


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
