"""What is exported makes what we make."""

import importlib.util
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

import multigan
from multigan.adversarial.randomness import IndexedDraw, derive_seed
from multigan.resources import how_to_add
from multigan.verbs import export as exporting

ONNX = all(map(importlib.util.find_spec, ("onnx", "onnxscript", "onnxruntime")))


@pytest.mark.parametrize("which", ["tiny_run", "labelled_run"])
def test_a_program_of_torch_makes_the_same(
    which: str, request: pytest.FixtureRequest, command: Callable, tmp_path: Path
) -> None:
    run = request.getfixturevalue(which)
    done = command("export", run, "--torch", tmp_path / "made.pt2")
    assert done.status == 0, done.err
    assert "from ours" in done.err
    model = multigan.load(run)
    program = torch.export.load(tmp_path / "made.pt2").module()
    noise = model.domain.noise(
        IndexedDraw(derive_seed("generate", 0), range(2), torch.device("cpu"))
    )
    labels = (torch.tensor([0, 1]),) if model.classes else ()
    ours = next(iter(model.representations(2)))
    torch.testing.assert_close(program(noise, *labels), ours, atol=1e-4, rtol=0)


@pytest.mark.skipif(not ONNX, reason="the extra onnx is not installed")
@pytest.mark.parametrize("which", ["tiny_run", "labelled_run"])
def test_onnx_makes_the_same_of_any_number(
    which: str, request: pytest.FixtureRequest, command: Callable, tmp_path: Path
) -> None:
    import onnxruntime

    run = request.getfixturevalue(which)
    done = command("export", run, "--onnx", tmp_path / "made.onnx")
    assert done.status == 0, done.err
    session = onnxruntime.InferenceSession(str(tmp_path / "made.onnx"))
    noisy = session.get_inputs()[0]
    fed = {noisy.name: np.zeros((7, *noisy.shape[1:]), np.float32)}
    if which == "labelled_run":
        fed["label"] = np.arange(7) % 2
        assert session.get_modelmeta().custom_metadata_map["classes"] == '["dark", "light"]'
    assert len(session.run(None, fed)[0]) == 7


@pytest.mark.skipif(not ONNX, reason="the extra onnx is not installed")
def test_sentences_of_a_fixed_length_are_ours_and_can_be_read(
    command: Callable, tmp_path: Path
) -> None:
    import onnxruntime
    from tokenizers import Tokenizer

    (tmp_path / "lines.txt").write_text("the cat sat\na dog ran far\n" * 40, "utf-8")
    recipe = {
        "domain": "text",
        "data": {"source": str(tmp_path / "lines.txt"), "length": 6},
        "generator": {"width": 8, "embedding": 8, "latent": 4},
        "critic": {"width": 8, "embedding": 8},
        "train": {"samples": 16, "batch": 8, "sample_every": 16},
    }
    run = multigan.train(recipe, out=tmp_path / "run", device="cpu", quiet=True).folder
    done = command("export", run, "--onnx", tmp_path / "made.onnx")
    assert done.status == 0, done.err
    session = onnxruntime.InferenceSession(str(tmp_path / "made.onnx"))
    assert [one.name for one in session.get_inputs()] == ["latent", "tokens"]
    model = multigan.load(run)
    draw = IndexedDraw(derive_seed("generate", 0), range(20), torch.device("cpu"))
    fed = {"latent": draw.normal("latent", 4), "tokens": draw.uniform("tokens", 6)}
    ids = session.run(None, {name: value.numpy() for name, value in fed.items()})[0]
    assert np.array_equal(ids, torch.cat(list(model.representations(20))).numpy())
    about = session.get_modelmeta().custom_metadata_map
    reader = Tokenizer.from_str(about["tokeniser/tokenizer.json"])
    lines = [reader.decode(row[row != 0], skip_special_tokens=False).strip() for row in ids]
    assert lines == model.generate(20)


def test_what_differs_is_not_kept(
    tiny_run: Path, command: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporting, "CLOSEST", 0.0)
    done = command("export", tiny_run, "--torch", tmp_path / "made.pt2")
    assert done.status == 2
    assert "not kept" in done.err
    assert not (tmp_path / "made.pt2").exists()


def test_what_cannot_is_said(
    tiny_run: Path, command: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "--onnx FILE" in command("export", tiny_run).err
    monkeypatch.setattr(exporting, "find_spec", lambda name: None)
    assert how_to_add("onnx") in command("export", tiny_run, "--onnx", tmp_path / "a.onnx").err


def test_things_say_what_they_are(tiny_run: Path, labelled_run: Path) -> None:
    model = multigan.load(labelled_run)
    assert "24 samples seen" in repr(model)
    assert "2 classes" in repr(model)
    html = multigan.Run(labelled_run)._repr_html_()
    assert "<img src=" in html
    scores = multigan.evaluate(multigan.load(tiny_run), n=50, seeds=1)
    assert "FD-points" in repr(scores)
    assert "<th>trivial</th>" in scores._repr_html_()
