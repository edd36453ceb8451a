"""Model folders that mean harm or are broken: refused with one plain message, nothing run, and
before what they ask for is allocated."""

import json
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from forks import ForkServer
from safetensors.torch import load_file, save_file

import multigan
from multigan.errors import UserError

Harm = Callable[[Path], object]


def config(change: Callable[[dict[str, Any]], object]) -> Harm:
    """Change ``config.json``."""

    def harm(folder: Path) -> None:
        path = folder / "config.json"
        content = json.loads(path.read_text())
        change(content)
        path.write_text(json.dumps(content))

    return harm


def at(key: str, value: Any) -> Harm:
    """Set a dotted key of ``config.json``."""

    def change(content: dict[str, Any]) -> None:
        *sections, last = key.split(".")
        for section in sections:
            content = content.setdefault(section, {})
        content[last] = value

    return config(change)


def without(key: str) -> Harm:
    return config(lambda content: content.pop(key))


def weights(change: Callable[[dict[str, torch.Tensor]], object]) -> Harm:
    """Change the weights, and have no hash that would notice."""

    def harm(folder: Path) -> None:
        content = load_file(folder / "model.safetensors")
        change(content)
        (folder / "model.safetensors").unlink()
        save_file(content, folder / "model.safetensors")
        without("sha256")(folder)

    return harm


def raw(name: str, change: Callable[[bytes], bytes]) -> Harm:
    """Change the bytes of a file."""
    return lambda folder: (folder / name).write_bytes(change((folder / name).read_bytes()))


def instead(name: str, make: Callable[[Path], object]) -> Harm:
    """Something else in the place of a file."""

    def harm(folder: Path) -> None:
        (folder / name).unlink()
        make(folder / name)

    return harm


def flipped(content: bytes) -> bytes:
    return content[:-9] + bytes([content[-9] ^ 1]) + content[-8:]


def zeroed(content: bytes) -> bytes:
    third = len(content) // 3
    return content[: 2 * third] + bytes(len(content) - 2 * third)


def sparse(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(2**30)


def first(tensors: dict[str, torch.Tensor]) -> str:
    return next(name for name, tensor in tensors.items() if tensor.dim() == 4)


def set_number(number: float) -> Callable[[dict[str, torch.Tensor]], None]:
    def change(tensors: dict[str, torch.Tensor]) -> None:
        tensors[first(tensors)].view(-1)[3] = number

    return change


HEADER = (2**40).to_bytes(8, "little")
RUN = {"network": "subprocess:run", "options": {"args": ["touch", "canary"]}}
DEEP = '{"a":' * 100_000 + "1" + "}" * 100_000
HUNGRY = r"huge|million|gigabyte|device|deep|without end"  # what asks for much memory
HARMS: dict[str, tuple[Harm, str]] = {
    # code
    "code as a generator": (at("recipe.generator", RUN), "names code"),
    "code as a critic": (at("recipe.critic", RUN), "names code"),
    "code as an objective": (at("recipe.game.objective", "os:system"), "names code"),
    "code as a domain": (at("recipe.domain", "payload:D"), "names code"),
    "code in options": (at("recipe.generator.options", {"a": [{"b": "os:system"}]}), "names code"),
    "code at an unknown key": (at("recipe.game.term", "os:system"), "names code"),
    "a recipe elsewhere": (at("recipe.extends", "/tmp/other.toml"), "recipe"),
    # config.json as a file
    "no JSON": (raw("config.json", lambda content: content[:-30]), "config.json"),
    "a list": (raw("config.json", lambda content: b"[1]"), "config.json"),
    "deep nesting": (raw("config.json", lambda content: DEEP.encode()), "config.json"),
    "a pipe": (instead("config.json", os.mkfifo), "config.json"),
    "a folder": (instead("config.json", Path.mkdir), "config.json"),
    "a link to a device": (
        instead("config.json", lambda path: path.symlink_to("/dev/zero")),
        "config.json",
    ),
    "a gigabyte of nothing": (instead("config.json", sparse), "larger than"),
    # types and sizes
    "no shape": (at("facts.shape", None), "facts.shape"),
    "a huge shape": (at("facts.shape", [10**9]), "facts.shape"),
    "a huge picture": (at("facts.shape", [3, 10**6, 10**6]), "facts.shape"),
    "a negative shape": (at("facts.shape", [-2, 16, 16]), "facts.shape"),
    "a shape of text": (at("facts.shape", ["3", 16, 16]), "facts.shape"),
    "a shape of booleans": (at("facts.shape", [True, 16, 16]), "facts.shape"),
    "a shape without end": (at("facts.shape", [1] * 1000), "facts.shape"),
    "a huge number": (at("facts.shape", [10**4000, 16, 16]), "facts.shape"),
    "classes of numbers": (at("facts.classes", [1, 2]), "facts.classes"),
    "a million classes": (at("facts.classes", ["a"] * 200_000), "facts.classes"),
    "a class without end": (at("facts.classes", ["a" * 10_000, "b"]), "facts.classes"),
    "constants of a list": (at("facts.constants", [1]), "facts.constants"),
    "facts of text": (at("facts", "all"), "facts"),
    "networks of numbers": (at("networks", {"generator": 7}), "networks"),
    "samples of text": (at("samples", "many"), "samples"),
    "a negative count": (at("samples", -1), "samples"),
    "options of text": (at("recipe.generator.options", "all"), "generator.options"),
    "options nobody takes": (at("recipe.generator.options", {"a": 1}), "cannot be built"),
    "a recipe of text": (at("recipe", "image/digits"), "recipe"),
    "nested options": (at("recipe.generator.options.a", [[[[[[["x"]]]]]]]), "cannot be built"),
    "a width without end": (at("recipe.generator.width", 10**9), "generator.width"),
    "a wide network": (at("recipe.generator.width", 4096), "model.safetensors"),
    "a huge latent": (at("recipe.generator.latent", 10**9), "generator.latent"),
    "a wrong hash": (at("sha256", {"model.safetensors": "0" * 64}), "model.safetensors"),
    "a hash of text": (at("sha256", {"model.safetensors": "abc"}), "sha256"),
    "a hash of a file outside": (at("sha256", {"../../etc": "0" * 64}), "outside"),
    "a hash of too many": (at("sha256", {str(i): "0" * 64 for i in range(99)}), "sha256"),
    "another format": (at("format", 99), "upgrade"),
    "a condition of text": (at("condition", "all"), "condition"),
    # weights
    "a flipped bit": (raw("model.safetensors", flipped), "sha256"),
    "a zeroed third": (raw("model.safetensors", zeroed), "sha256"),
    "a cut file": (raw("model.safetensors", lambda c: c[: len(c) // 2]), "model.safetensors"),
    "NaN": (weights(set_number(float("nan"))), "NaN or infinite"),
    "infinity": (weights(set_number(float("inf"))), "NaN or infinite"),
    "one tensor more": (weights(lambda t: t.update(more=torch.zeros(3))), "more"),
    "one tensor less": (weights(lambda t: t.pop(first(t))), "nothing instead of"),
    "another shape": (weights(lambda t: t.update({first(t): torch.zeros(2)})), "instead of"),
    "another type": (weights(lambda t: t.update({first(t): t[first(t)].double()})), "float64"),
    "a huge header": (raw("model.safetensors", lambda c: HEADER + c[8:]), "model.safetensors"),
    "16 GiB": (lambda folder: os.truncate(folder / "model.safetensors", 2**34), "is damaged"),
    "a pickle": (raw("model.safetensors", lambda c: b"\x80\x04K\x01."), "model.safetensors"),
    "weights in a pipe": (instead("model.safetensors", os.mkfifo), "model.safetensors"),
    "weights nowhere": (
        instead("model.safetensors", lambda path: path.symlink_to(path)),
        "model.safetensors",
    ),
}


@pytest.fixture
def run(labelled_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of a run, to be harmed, in a folder where a canary would be seen."""
    monkeypatch.chdir(tmp_path)
    return Path(shutil.copytree(labelled_run, tmp_path / "strange"))


@pytest.mark.parametrize("name", HARMS)
def test_a_hostile_model_is_refused_by_name(run: Path, name: str) -> None:
    harm, said = HARMS[name]
    harm(run / "model")
    with pytest.raises(UserError) as refused:
        multigan.load(run)
    assert said in str(refused.value)
    assert len(str(refused.value)) < 10_000
    assert not Path("canary").exists()


@pytest.mark.parametrize(
    "names",
    [
        pytest.param([n for n in HARMS if re.search(HUNGRY, n)], id="those that ask for much"),
        pytest.param(list(HARMS), id="all", marks=pytest.mark.slow),
    ],
)
def test_refusing_takes_little_memory(
    run: Path, fork_server: ForkServer, tmp_path: Path, names: list[str]
) -> None:
    """Beyond what a program takes that has imported everything."""
    idle = fork_server.start("ls")
    assert idle.wait() == 0
    assert len(names) > 5
    for name in names:
        folder = Path(shutil.copytree(run / "model", tmp_path / "kept" / name.replace("/", "-")))
        HARMS[name][0](folder)
        process = fork_server.start("generate", str(folder), "--out", str(tmp_path / "made"))
        assert process.wait(120) == 2, f"{name}: {process.said[-3000:]}"
        assert process.peak - idle.peak < 2**30, f"{name}: {(process.peak - idle.peak) >> 20} MiB"


@pytest.mark.parametrize("verb", ["generate", "evaluate", "report"])
@pytest.mark.parametrize("name", ["code as a generator", "a pipe", "a flipped bit", "NaN"])
def test_every_verb_ends_with_one_plain_message(
    run: Path, command: Callable[..., Any], verb: str, name: str
) -> None:
    harm, said = HARMS[name]
    harm(run / "model")
    done = command(verb, run)
    assert done.status == 2
    assert said in done.err
    assert done.err.count("multigan: ") == 1
    assert "Traceback" not in done.err
    assert not Path("canary").exists()


def test_a_wrong_recipe_of_a_model_names_the_file(run: Path) -> None:
    at("recipe.game.penalties.r2", {"weight": {"start": 1, "shape": "exponentia|"}})(run / "model")
    with pytest.raises(UserError, match=r"config\.json: .*exponentia"):
        multigan.load(run)


def test_a_model_of_before_there_were_hashes_still_loads(run: Path) -> None:
    without("sha256")(run / "model")
    assert len(multigan.load(run).generate(2)) == 2


def test_weights_of_the_save_before_load_where_a_crash_left_them(run: Path, tmp_path: Path) -> None:
    model = multigan.load(run)
    folder = model.save(tmp_path / "kept")
    old = (folder / "model.safetensors").read_bytes()
    before = json.loads((folder / "config.json").read_text())
    with torch.no_grad():
        next(model.generator.parameters()).add_(1)
    model.clock = 999
    model.save(folder)
    assert multigan.load(folder).clock == 999
    (folder / "model.safetensors").write_bytes(old)
    with pytest.raises(UserError, match="sha256"):
        multigan.load(folder)
    replaced = {"samples": before["samples"], "sha256": before["sha256"]}
    at("replaces", replaced)(folder)  # as it stands between the two renames
    assert multigan.load(folder).clock == before["samples"]


def test_a_title_is_no_markup_in_the_card(run: Path, tmp_path: Path) -> None:
    at("recipe.title", "<script>alert(1)</script> [x](http://y)\n# big")(run / "model")
    at("recipe.data.source", "a`b`` <img>")(run / "model")
    card = (multigan.load(run).save(tmp_path / "again") / "README.md").read_text()
    assert "<script>" not in card
    assert "[x](" not in card
    assert "\n# big" not in card
    assert "``` a`b`` <img> ```" in card


@pytest.mark.parametrize("recipe", ["points/ring", "series/sines"])
def test_made_data_without_end_are_refused(recipe: str) -> None:
    with pytest.raises(UserError, match=r"data\.count"):
        multigan.load_recipe(recipe, {"data.count": 10**12})
