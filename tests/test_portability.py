"""What holds on other machines, imposed here: Apple's MPS has no float64, Windows writes text in an
encoding of its own."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from torch import Tensor

import multigan
from multigan.devices import float64

PACKAGE = Path(multigan.__file__).parent


class OnApple(Tensor):
    """A tensor that calls itself Apple's and refuses float64."""

    @property
    def device(self) -> torch.device:  # type: ignore[override]
        return torch.device("mps")

    def cpu(self) -> Tensor:  # type: ignore[override]
        return self.as_subclass(Tensor)

    def double(self) -> Tensor:  # type: ignore[override]
        raise TypeError("Cannot convert a MPS Tensor to float64 dtype")


@pytest.mark.parametrize("dtype", [torch.float32, torch.bool, torch.int64])
def test_double_precision_is_the_cpus_where_the_device_has_none(dtype: torch.dtype) -> None:
    values = torch.tensor([0, 1, 1]).to(dtype)
    apple = values.as_subclass(OnApple)
    with pytest.raises(TypeError, match="float64"):
        apple.double()
    assert torch.equal(float64(apple), values.double())
    assert torch.equal(float64(values), values.double())


def calls() -> Iterator[tuple[str, ast.Call]]:
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call):
                yield path.relative_to(PACKAGE).as_posix(), node


def test_double_precision_is_asked_for_in_one_place() -> None:
    asked = [
        path
        for path, call in calls()
        if isinstance(call.func, ast.Attribute)
        and call.func.attr == "double"
        and not ast.unparse(call.func.value).endswith(".cpu()")  # which has it
    ]
    assert asked == ["devices.py"]


def test_nothing_is_made_in_double_precision_on_a_device() -> None:
    made = []
    for path, call in calls():
        given = {keyword.arg: ast.unparse(keyword.value) for keyword in call.keywords}
        moved = isinstance(call.func, ast.Attribute) and call.func.attr == "to"
        wide = any("float64" in ast.unparse(argument) for argument in call.args)
        if "float64" in given.get("dtype", "") and "device" in given:
            made.append(path)
        if moved and wide:
            made.append(path)
    assert made == []


def modes(call: ast.Call) -> set[str]:
    """Texts among the arguments of a call that may be a file's mode."""
    given = [*call.args, *(keyword.value for keyword in call.keywords if keyword.arg == "mode")]
    return {str(g.value) for g in given if isinstance(g, ast.Constant)} & {"r", "w", "a", "x", "w+"}


def test_every_text_file_has_an_encoding_of_its_own() -> None:
    # Windows would take that of the region
    lacking = []
    for path, call in calls():
        name = call.func.attr if isinstance(call.func, ast.Attribute) else ast.unparse(call.func)
        named = any(keyword.arg == "encoding" for keyword in call.keywords)
        bare = {"read_text": 1, "write_text": 2}.get(name, 0) > len(call.args)
        text = name in ("open", "fdopen", "TemporaryFile", "NamedTemporaryFile") and modes(call)
        if (bare or (text and not ast.unparse(call.func).startswith("av."))) and not named:
            lacking.append(f"{path}:{call.lineno}")
    assert lacking == []


def test_what_only_unix_has_is_asked_for_with_care() -> None:
    only = {"fcntl", "resource", "termios", "pwd", "grp"}
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.parse(path.read_text("utf-8")).body:  # not within a try
            names = {name.name for name in node.names} if isinstance(node, ast.Import) else set()
            assert not names & only, path
