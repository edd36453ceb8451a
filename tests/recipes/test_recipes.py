"""Every shipped recipe trains, goes on and generates, on small data."""

import gzip
import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile
from PIL import Image

import multigan
from multigan.domains.base import domain_type
from multigan.domains.image.measures import AIMS, HOLES
from multigan.domains.image.stacked import STACKS
from multigan.domains.text import embedders as text_embedders
from multigan.evaluation.unseen import without_shared
from multigan.recipe.load import load_recipe, recipe_names
from multigan.recipe.settings import Recipe

WIDTHS = ("width", "widest")


def _text(recipe: Recipe, folder: Path) -> dict[str, object]:
    """A small file of lines, or a small oracle, and one update of the likelihood stage."""
    lines, oracle = folder / "lines.txt", folder / "oracle.npz"
    if recipe.data.source.endswith(".npz"):
        rng, gates = np.random.default_rng(0), ("i", "f", "og", "c")
        arrays = {f"{kind}{gate}": rng.normal(size=(4, 4)) for gate in gates for kind in "wu"}
        arrays |= {f"b{gate}": rng.normal(size=4) for gate in gates}
        np.savez(
            oracle,
            embedding=rng.normal(size=(30, 4)),
            wo=rng.normal(size=(4, 30)),
            bo=np.zeros(30),
            **arrays,
        )
    lines.write_text(
        "\n".join(f"{a} {b} {c}" for a in ("a", "the") for b in ("cat", "hen") for c in "abcdefg")
    )
    smaller = {
        "generator.width": 16,
        "generator.embedding": 16,
        "critic.width": 16,
        "data.length": 8,
    }
    source = oracle if recipe.data.source.endswith(".npz") else lines
    stage = {"likelihood.samples": 8, "likelihood.check_every": 8, "likelihood.patience": 0}
    return smaller | stage | {"data.source": str(source), "data.count": 64}


def _pairs(folder: Path) -> dict[str, object]:
    """Two folders of pictures under the same names."""
    for side in "AB":
        (folder / side).mkdir(exist_ok=True)
        for i in range(16):
            Image.new("RGB", (64, 64), (9 * i, 90, 200)).save(folder / side / f"{i}.png")
    return {"data.source": str(folder / "A"), "data.pairs": str(folder / "B")}


def shrunk(name: str, idx_folder: Path, sound_folder: Path) -> dict[str, object]:
    """Settings that make a recipe two rounds of few samples."""
    recipe = load_recipe(name)
    settings: dict[str, object] = {
        f"{k}.begin": 0 for k, s in recipe.game.schedules().items() if s.begin
    }
    if recipe.domain == "text":
        settings |= _text(recipe, idx_folder)
    elif recipe.domain in ("points", "series"):
        settings["data.count"] = 512
    elif recipe.domain == "audio":
        settings |= {
            "data.source": str(sound_folder),
            "generator.width": 4,
            "critic.width": 4,
            "generator.widest": 16,
            "data.pitch": "",
        }
        settings |= {"critic.widest": 16, "generator.depth": 1, "train.precision": "fp32"}
        settings |= {"reconstruction.samples": 8} if recipe.samples_before_game else {}
        settings |= {"data.loop": "whole", "front_end.frames": 16} if recipe.data.loop else {}
    elif recipe.data.source != "digits":  # all the others are downloaded
        settings["data.source"] = str(idx_folder)
        settings |= {"reconstruction.samples": 8} if recipe.samples_before_game else {}
        settings |= _pairs(idx_folder) if recipe.data.pairs is not None else {}
    if recipe.generator.network in ("residual", "resnet"):  # as wide as their papers have them
        names = [f"{player}.{key}" for player in ("generator", "critic") for key in WIDTHS]
        settings |= dict.fromkeys(names, 16)
    if recipe.game.generator.lr.last == 0:  # so the last round of few would change nothing
        settings["game.generator.lr"] = recipe.game.generator.lr.start
    if recipe.train.evaluate_every is not None:
        settings |= {"train.evaluate_every": None, "train.keep": "last"}
    samples = 2 * 8 * recipe.game.critic.steps
    cadence = {"train.log_every": 1, "train.sample_every": 10**9, "train.save_every": 10**9}
    return settings | cadence | {"train.batch": 8, "train.accumulate": 1, "train.samples": samples}


def _condition(domain: str, sound_folder: Path, folder: Path) -> Path:
    """A file to make a sample of: a sound, or a picture with a transparent hole."""
    if domain == "audio":
        return sound_folder / "0" / "0_anna_0.wav"
    picture = Image.new("RGBA", (40, 30), (200, 30, 30, 255))
    picture.paste((0, 0, 0, 0), (10, 10, 20, 20))
    picture.save(folder / "hole.png")
    return folder / "hole.png"


@pytest.fixture(autouse=True)
def _few_stacks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(STACKS, "train", 64)


@pytest.mark.parametrize("name", recipe_names())
def test_recipe_trains_goes_on_and_generates(
    name: str, idx_folder: Path, sound_folder: Path, tmp_path: Path
) -> None:
    settings = shrunk(name, idx_folder, sound_folder)
    run = multigan.train(name, out=tmp_path / "run", settings=settings, device="cpu", quiet=True)
    samples, before = settings["train.samples"], run.model.recipe.samples_before_game
    assert run.metrics[-1]["samples"] == run.model.clock == before + samples
    first = run.model

    longer = {"train.samples": samples // 2 * 3}
    multigan.resume(run.folder, settings=longer, device="cpu", quiet=True)
    assert run.metrics[-1]["samples"] == run.model.clock == before + samples // 2 * 3
    ends = [before] * bool(before) + [before + samples // 2 * i for i in (1, 2, 3)]
    assert [row["samples"] for row in run.metrics] == ends
    learnt = [
        (after - before).abs().max().item()
        for before, after in zip(
            first.generator.parameters(), run.model.generator.parameters(), strict=True
        )
    ]
    assert max(learnt) > 0
    told = run.model.domain.needs_condition
    options = {"condition": _condition(run.model.recipe.domain, sound_folder, tmp_path)}
    options = options if told else {}
    assert len(run.model.generate(3, **options)) == 3


BUILT_IN = ("digits", "captions", "drums", "sines", "ring", "grid", "spiral")
CHEAP = {"image": "patches", "audio": "mels"}  # embedders that learn nothing
ONE_OF_EACH = (
    "points/ring",
    "series/sines",
    "text/captions",
    "image/digits",
    "image/enlarge",
    "image/repair",
    "image/translate",
    "audio/drums",
    "audio/vocoder-8k",
)


def _unseen(recipe: Recipe, pictures: Path, sounds: Path, folder: Path) -> Path | None:
    """Samples that a shrunk training does not see; None where its data have some of their own."""
    others = folder / "others"
    others.mkdir()
    if recipe.domain == "text" and not recipe.data.source.endswith(".npz"):
        lines = [f"{a} {b} {c}" for a in ("one", "my") for b in ("dog", "boy") for c in "hijklmnop"]
        (others / "lines.txt").write_text("\n".join(lines))
        return others / "lines.txt"
    if recipe.domain == "audio" and recipe.data.source not in BUILT_IN:
        for path in sounds.rglob("*.wav"):
            wave, rate = soundfile.read(path)
            (others / path.parent.name).mkdir(exist_ok=True)
            soundfile.write(others / path.parent.name / path.name, wave[::-1] * 0.9, rate)
        return others
    if recipe.domain == "image" and recipe.data.pairs is not None:
        for side in "AB":
            (others / side).mkdir()
            for i in range(12):
                Image.new("RGB", (64, 64), (200, 9 * i, 90)).save(others / side / f"{i}.png")
        return others
    if recipe.domain == "image":
        seen = gzip.decompress((pictures / "train-images-idx3-ubyte.gz").read_bytes())
        turned = seen[:16] + seen[16:][::-1]
        (pictures / "t10k-images-idx3-ubyte.gz").write_bytes(gzip.compress(turned))
        labels = "labels-idx1-ubyte.gz"
        shutil.copy(pictures / f"train-{labels}", pictures / f"t10k-{labels}")
    return None


def _unsaid(recipe: Recipe) -> set[str]:
    """Measures that a game, so few samples or what is installed do not have."""
    if recipe.domain == "audio":  # an extra, stereo, notes, loops
        seam = set() if recipe.data.loop else {"gap", "jump"}
        cleaned = set() if recipe.task == "clean" else {"SI-SDR"}
        return {"P.808", "OVRL", "width", "in tune"} | seam | cleaned
    if recipe.domain != "image":
        return set()
    if recipe.data.task == "translate-unpaired":
        return set(AIMS)
    return set(HOLES) | ({"PSNR-hole"} if recipe.data.task != "repair" else set())


@pytest.mark.parametrize(
    "name",
    [pytest.param(n, marks=[] if n in ONE_OF_EACH else pytest.mark.slow) for n in recipe_names()],
)
def test_its_run_is_measured(
    name: str,
    idx_folder: Path,
    sound_folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(text_embedders, "_SAMPLES", 640)
    pictures, recipe = Path(shutil.copytree(idx_folder, tmp_path / "idx")), load_recipe(name)
    settings = shrunk(name, pictures, sound_folder)
    if recipe.data.source in ("digits", "drums"):  # which have unseen ones of their own
        settings["data.source"] = recipe.data.source
    cheap, vocoder = CHEAP.get(recipe.domain), "reconstruction.samples" in settings
    if vocoder and recipe.domain == "audio":  # measured at the ticks of both its stages
        ticks = {"train.evaluate_every": 8, "train.embedder": cheap}
        settings |= ticks | {"data.held_out": 0.4, "data.test_pattern": ""}
    data = _unseen(load_recipe(name, settings), pictures, sound_folder, tmp_path)
    run = multigan.train(name, out=tmp_path / "run", settings=settings, device="cpu", quiet=True)
    assert vocoder == ("evaluation_seconds" in run.metrics[0]) or recipe.domain == "image"
    result = multigan.evaluate(run.folder, data=data, n=10, seeds=1, embedder=cheap, device="cpu")
    aims = {aim.split("/")[0] for aim in run.model.domain.ruler.all_aims}
    aims -= _unsaid(recipe)
    assert {measure.split("/")[0] for measure in result.measures} >= aims
    assert (run.folder / "evaluation.json").is_file()


@pytest.mark.parametrize(
    "name", [n for n in recipe_names() if load_recipe(n).data.source in BUILT_IN]
)
def test_a_recipe_that_needs_no_data_needs_none_to_be_measured(name: str) -> None:
    recipe = load_recipe(name)
    settings = {"data.count": 512} if recipe.domain in ("points", "series") else {}
    recipe = load_recipe(name, settings)
    domain = domain_type(recipe.domain)(recipe)
    reals = domain.ruler.real_samples()
    assert reals.seen
    assert len(reals.train) >= len(reals.test) >= 100
    assert without_shared(reals) is reals  # none of them was trained on
