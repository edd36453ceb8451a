"""Sentences through the evaluator: every measure beside its floor, the frontier, the likelihood of
the model."""

import io
import json
import random
import shutil
from pathlib import Path

import pytest
import torch
from rich.console import Console

import multigan
from multigan.domains.text import embedders
from multigan.domains.text.domain import TextDomain
from multigan.domains.text.embedders import language_model_embedder
from multigan.domains.text.measures import AIMS, sentences, unigram
from multigan.domains.text.ruler import TextRuler
from multigan.errors import DataError, UserError
from multigan.evaluation.evaluate import evaluate
from multigan.evaluation.frontier import frontier, frontier_table
from multigan.measures.table import Evaluation, Row
from multigan.samples import Stored

RECIPE = {
    "domain": "text",
    "data": {"source": "?", "length": 8, "held_out": 0.3},
    "generator": {"latent": 2, "embedding": 8, "width": 16, "dropout": 0.0},
    "critic": {"embedding": 8, "width": 8, "depth": 1},
    "likelihood": {"samples": 1600, "lr": 0.02, "patience": 0, "check_every": 800},
    "train": {"samples": 32, "batch": 16, "sample_every": 10**9, "log_every": 800},
}


def lines(seed: int, count: int = 240) -> list[str]:
    chooser = random.Random(seed)
    nouns, verbs = (
        ["cat", "dog", "boy", "hen", "cow", "man"],
        ["sees", "eats", "likes", "hears", "wants"],
    )

    def phrase() -> str:
        adjective = chooser.choice(["", "old ", "red ", "small "])
        return f"{chooser.choice(['the', 'a', 'one'])} {adjective}{chooser.choice(nouns)}"

    return [f"{phrase()} {chooser.choice(verbs)} {phrase()}" for _ in range(count)]


@pytest.fixture(scope="module", autouse=True)
def _quick() -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(embedders, "_SAMPLES", 1280)
        yield


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> multigan.Run:
    root = tmp_path_factory.mktemp("text")
    (root / "lines.txt").write_text("\n".join(lines(0)))
    return multigan.train(
        RECIPE, data=root / "lines.txt", out=root / "run", device="cpu", quiet=True
    )


def test_every_measure_stands_beside_its_floor_and_a_trivial_row(run: multigan.Run) -> None:
    result = evaluate(run.folder, n=70, seeds=2, device="cpu")
    real, model, trivial = (result[name] for name in ("real", "model", "trivial"))
    assert set(AIMS) <= set(result.measures)
    for row in (real, model, trivial):
        assert set(AIMS) - {"NLL", "NLL gap"} <= set(row.values)
    for name in ("BLEU-4", "BLEU-5"):
        assert trivial.mean(name) < model.mean(name)
    for name in ("LM", "reverse LM", "FD-lm"):
        assert min(real.mean(name), model.mean(name)) < trivial.mean(name)
    assert (
        real.mean("whole copies") < 0.5
    )  # of unseen sentences, although the row is of training ones
    assert 0.5 < model.mean("NLL") < 3
    assert json.loads((run.folder / "evaluation.json").read_text())["rows"]["model"]["NLL"][
        "values"
    ]


def test_the_frontier_has_real_text_and_the_likelihood_stage_beside_it(
    run: multigan.Run, tmp_path: Path
) -> None:
    result = frontier(run.folder, values=(1.0, 0.3), n=70, seeds=1, filter=2, device="cpu")
    names = [
        f"{name} {value}" for name in ("model", "likelihood", "best of 2") for value in ("1", "0.3")
    ]
    assert [row.name for row in result.rows] == ["real", *names]
    assert result["best of 2 1"].mean("LM") != result["model 1"].mean("LM")
    assert result["model 0.3"].mean("LM") < result["model 1"].mean("LM")
    assert result["model 0.3"].mean("distinct-3") < result["model 1"].mean("distinct-3")
    assert (run.folder / "frontier.png").stat().st_size > 5000
    with pytest.raises(UserError, match="what can be swept is temperature"):
        frontier(run.folder, "prefix")
    shutil.copytree(
        run.folder / "model", tmp_path / "bare", ignore=shutil.ignore_patterns("critic*")
    )
    with pytest.raises(UserError, match=r"critic\.safetensors is missing"):  # it is promised
        frontier(tmp_path / "bare", filter=2)
    config = tmp_path / "bare" / "config.json"
    content = json.loads(config.read_text("utf-8"))
    del content["sha256"]["critic.safetensors"]
    config.write_text(json.dumps(content), "utf-8")
    with pytest.raises(UserError, match="kept without its critic"):
        frontier(tmp_path / "bare", filter=2)


def test_the_command_draws_a_frontier(run: multigan.Run, command) -> None:
    done = command(
        "evaluate",
        run.folder,
        "--sweep",
        "temperature",
        "-n",
        40,
        "--seeds",
        1,
        "--filter",
        2,
        "--json",
        "-",
    )
    assert done.status == 0, done.err
    assert {"model 0.5", "best of 2 0.5"} <= set(json.loads(done.out)["rows"])


def test_other_sentences_can_be_the_real_side(run: multigan.Run, tmp_path: Path) -> None:
    (tmp_path / "test.txt").write_text("\n".join(lines(9, 50)))
    result = evaluate(run.folder, data=tmp_path / "test.txt", n=40, seeds=1, device="cpu")
    assert "50 sentences of" in result.data
    domain = run.model.domain
    assert isinstance(domain, TextDomain)
    with pytest.raises(DataError):
        domain.ruler.real_samples(str(tmp_path / "none.txt"))


def test_the_trivial_row_has_the_lengths_and_the_words_of_the_data() -> None:
    rows = torch.tensor([[2, 3, 0, 0], [2, 2, 2, 0], [2, 4, 0, 0]], dtype=torch.int32)
    made = unigram(Stored(rows), 3000, seed=1)
    lengths = torch.tensor([len(s) for s in sentences(made)])
    assert lengths.float().mean() == pytest.approx(7 / 3, abs=0.05)
    share = (made == 2).sum() / (made != 0).sum()
    assert float(share) == pytest.approx(5 / 7, abs=0.03)
    assert torch.equal(made, unigram(Stored(rows), 3000, seed=1))


def test_the_embedder_is_made_once(run: multigan.Run) -> None:
    domain = run.model.domain
    reals = domain.ruler.real_samples()
    first, second = (language_model_embedder(reals.train, len(domain.tokeniser)) for _ in range(2))
    assert first.hash == second.hash
    features = first.embed(reals.train.samples[:100]).features
    assert torch.equal(features, second.embed(reals.train.samples[:100]).features)
    assert features.std(0).mean().item() == pytest.approx(1, abs=0.3)


@pytest.mark.parametrize(("width", "shown"), [(160, 9), (80, 5), (60, 4)])
def test_a_frontier_cuts_no_figure_off_in_a_narrow_terminal(width: int, shown: int) -> None:
    values = {name: [0.12345, 0.2] for name in TextRuler.headline}
    result = Evaluation([Row(f"best of 4 {t}", values) for t in (1, 0.9)], 10, {}, "")
    table = frontier_table(result, width)
    text = io.StringIO()
    Console(file=text, width=width).print(table)
    assert "…" not in text.getvalue()
    assert len(table.columns) == 1 + shown
    assert len([line for line in text.getvalue().splitlines() if "best of 4" in line]) == 2
