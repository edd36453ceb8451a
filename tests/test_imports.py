"""The arrows point one way, and looking at recipes costs no torch."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

import multigan

PACKAGE = Path(multigan.__file__).parent
HEAVY = ("torch", "torchvision", "torchaudio", "transformers", "sklearn", "matplotlib", "librosa")

PROBE = f"""
import sys
import multigan
if sys.argv[1:]:
    from multigan.cli import main
    try:
        main()
    except SystemExit as ended:
        assert not ended.code, ended.code
print(sorted(set({HEAVY}) & set(sys.modules)), file=sys.stderr)
"""


@pytest.mark.parametrize(
    "arguments",
    [
        "",
        "ls",
        "ls image",
        "show image/digits",
        "show audio/drums",
        "show points/ring --explain",
        "show series/sines",
        "--help",
    ],
)
def test_looking_imports_nothing_heavy(arguments: str) -> None:
    command = [sys.executable, "-c", PROBE, *arguments.split()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert done.stderr.splitlines()[-1] == "[]"
    assert bool(done.stdout) == bool(arguments)


TRAINING = """
import sys
import multigan
multigan.train(
    "image/digits", out=sys.argv[1], settings={"train.samples": 128, "train.log_every": 64},
    quiet=True, report=True,
)
heavy = {"torch._dynamo", "scipy", "sklearn", "huggingface_hub.hf_api"}
print(sorted(heavy & set(sys.modules)))
"""


def test_training_and_its_page_import_nothing_heavy_that_they_do_not_need(tmp_path: Path) -> None:
    command = [sys.executable, "-c", TRAINING, str(tmp_path / "run")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.stdout == "[]\n", done.stderr


GENERATING = """
import sys
import multigan
multigan.load(sys.argv[1]).generate(2)
print(sorted({"torch._dynamo", "scipy", "sklearn"} & set(sys.modules)))
"""


@pytest.mark.parametrize("kind", ["tiny_run", "labelled_run"])
def test_generating_imports_neither_the_compiler_nor_scipy(
    kind: str, request: pytest.FixtureRequest
) -> None:
    command = [sys.executable, "-c", GENERATING, str(request.getfixturevalue(kind))]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.stdout == "[]\n", done.stderr


@pytest.mark.parametrize("name", multigan.__all__)
def test_public_names_exist(name: str) -> None:
    assert getattr(multigan, name).__name__ == name


def test_unknown_public_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="nothing"):
        multigan.nothing  # noqa: B018


def imports(path: Path) -> set[str]:
    """Every module of ours that a file imports, wherever in the file; names are taken as modules
    too."""
    package = ["multigan", *path.relative_to(PACKAGE).parts[:-1]]
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) + 1 - node.level] if node.level else []
            module = ".".join([*above, *([node.module] if node.module else [])])
            found |= {module} | {f"{module}.{alias.name}" for alias in node.names}
    return {name for name in found if name.split(".")[0] == "multigan" and name != "multigan"}


def imports_below(folder: str) -> dict[str, set[str]]:
    files = sorted((PACKAGE / folder).rglob("*.py"))
    assert files
    return {path.relative_to(PACKAGE).as_posix(): imports(path) for path in files}


def offenders(folder: str, *forbidden: str) -> list[tuple[str, str]]:
    return [
        (path, name)
        for path, names in imports_below(folder).items()
        for name in sorted(names)
        if any(name == f or name.startswith(f"{f}.") for f in forbidden)
    ]


def test_the_search_sees_imports() -> None:
    assert ("training/players.py", "multigan.adversarial.game") in offenders(
        "training", "multigan.adversarial"
    )
    assert offenders("domains", "multigan.adversarial")


def test_core_imports_nothing_of_ours() -> None:
    below = imports_below("adversarial")
    foreign = [
        (p, n)
        for p, names in below.items()
        for n in names
        if not n.startswith("multigan.adversarial")
    ]
    assert foreign == []


STOREYS = (
    ("__main__",),
    ("__init__", "cli"),
    ("verbs",),
    ("training", "report"),
    ("evaluation",),
    ("model",),
    ("asked", "seeds", "kept"),
    ("domains", "runs"),
    ("measures", "recipe"),
    ("samples", "pictures", "registry", "devices", "trust"),
    ("options", "atomic"),
    ("adversarial", "errors", "bounded", "encodings", "resources", "terminal", "version"),
)
"""The storeys of the house, from the roof down: an import goes down, or stays in its room."""


def room_of(module: str) -> str:
    """``multigan.training.trainer`` → ``training``; the package itself is ``__init__``."""
    return ([*module.split("."), "__init__"])[1]


def test_every_import_goes_down_a_storey() -> None:
    height = {room: -i for i, rooms in enumerate(STOREYS) for room in rooms}
    rooms = {path.stem for path in PACKAGE.glob("*.py")}
    rooms |= {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    assert rooms == set(height), "a room without a storey, or a storey without a room"
    upward = []
    for path, names in imports_below(".").items():
        room = Path(path).parts[0].removesuffix(".py")
        below = {room_of(name) for name in names} - {room}
        upward += [(path, other) for other in sorted(below) if height[other] >= height[room]]
    assert upward == []


def test_the_readme_has_the_same_storeys() -> None:
    readme = (PACKAGE.parent / "README.md").read_text("utf-8")
    tree = re.findall(r"```\nmultigan/\n(.*?)```", readme, re.DOTALL)[0]
    beside = tree.rindex("recipes/")
    named = re.findall(r"(\w+)(?:/|\.py)(?= |$)", tree[:beside], re.MULTILINE)
    depth = {room: i for i, rooms in enumerate(STOREYS) for room in rooms}
    assert set(named) == set(depth) - {"__init__", "__main__"}
    assert [depth[room] for room in named] == sorted(depth[room] for room in named)


def test_no_kind_of_data_knows_another_and_nothing_above_knows_one() -> None:
    kinds = [p.parent.name for p in (PACKAGE / "domains").glob("*/__init__.py")]
    assert len(kinds) >= 2
    concrete = {kind: f"multigan.domains.{kind}" for kind in kinds}
    found = [
        (path, name)
        for path, names in imports_below(".").items()
        for name in sorted(names)
        for kind, module in concrete.items()
        if name.startswith(module) and not path.startswith((f"domains/{kind}/", "model/typed.py"))
    ]
    assert found == []


ROOMS = ("domain", "measures", "networks", "options", "presenter", "ruler", "settings", "sources")
"""The rooms that each kind of data has, whatever others it has beside them."""


def test_every_kind_of_data_has_the_same_rooms() -> None:
    kinds = [path.parent for path in (PACKAGE / "domains").glob("*/__init__.py")]
    assert len(kinds) >= 2
    lacking = [(k.name, room) for k in kinds for room in ROOMS if not (k / f"{room}.py").is_file()]
    assert lacking == []
    page = (PACKAGE.parent / "docs" / "architecture.md").read_text("utf-8")
    told = re.findall(r"\| `(\w+)\.py` \|", page)
    assert tuple(sorted(told)) == ROOMS


def test_nothing_imports_the_command_line() -> None:
    above = {path for path, _ in offenders(".", "multigan.cli") if not path.startswith("cli/")}
    assert above == {"__main__.py"}
