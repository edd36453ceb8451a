"""The arrows point one way, and looking at recipes costs no torch."""

import ast
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


@pytest.mark.parametrize("name", multigan.__all__)
def test_public_names_exist(name: str) -> None:
    assert getattr(multigan, name).__name__ == name


def test_unknown_public_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="nothing"):
        multigan.nothing  # noqa: B018


def imports(path: Path) -> set[str]:
    """Every module of ours that a file imports, wherever in the file; names are taken as modules too."""
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
    assert ("training/trainer.py", "multigan.adversarial.game") in offenders("training", "multigan.adversarial")
    assert offenders("domains", "multigan.adversarial")


def test_core_imports_nothing_of_ours() -> None:
    below = imports_below("adversarial")
    foreign = [(p, n) for p, names in below.items() for n in names if not n.startswith("multigan.adversarial")]
    assert foreign == []


def test_training_knows_no_concrete_domain() -> None:
    concrete = [f"multigan.domains.{p.parent.name}" for p in (PACKAGE / "domains").glob("*/__init__.py")]
    assert len(concrete) >= 2
    assert offenders("training", *concrete) == []


def test_domains_know_no_training() -> None:
    above = ("multigan.training", "multigan.session", "multigan.model", "multigan.generation", "multigan.cli")
    assert offenders("domains", *above) == []


def test_nothing_imports_the_command_line() -> None:
    assert {path for path, _ in offenders(".", "multigan.cli")} == {"__main__.py"}
