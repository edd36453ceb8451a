"""What is counted on the page of the architecture, of one checkout or several side by side.

python benchmarks/house_figures.py CHECKOUT...
"""

import ast
import io
import re
import sys
import tokenize
from collections.abc import Iterator
from pathlib import Path

KINDS = "image|text|audio|series|points"
# A recipe of a kind, help for one kind alone, or the kind itself compared with or looked up.
NAMED = re.compile(rf"\b({KINDS})/(?!png|webp|flac)[\w-]+|^({KINDS}): ", re.IGNORECASE)


def shown_to_users(tree: ast.Module) -> set[ast.AST]:
    """Docstrings, and the examples of commands: no code goes by them."""
    found: set[ast.AST] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            found.add(node.value)
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("examples"):
            found |= set(ast.walk(node))
    return found


def naming_kinds(path: Path) -> Iterator[str]:
    """The places of a file that name a kind of data."""
    tree = ast.parse(path.read_text("utf-8"))
    passed = shown_to_users(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and re.search(rf"domains\.({KINDS})", str(node.module)):
            yield f"{path}:{node.lineno}"
        text = node.value if isinstance(node, ast.Constant) and node not in passed else None
        if isinstance(text, str) and NAMED.search(text):
            yield f"{path}:{node.lineno}"


def knowing_kinds(package: Path) -> list[str]:
    """The places outside the domains and the registry that name a kind of data."""
    paths = [path for path in sorted(package.rglob("*.py")) if path.name != "registry.py"]
    outside = [path for path in paths if path.relative_to(package).parts[0] != "domains"]
    return [place for path in outside for place in naming_kinds(path)]


def share_of_comments(package: Path) -> float:
    """Lines with a comment, of all that are not empty."""
    comments = lines = 0
    for path in package.rglob("*.py"):
        text = path.read_text("utf-8")
        lines += sum(bool(line.strip()) for line in text.splitlines())
        tokens = list(tokenize.generate_tokens(io.StringIO(text).readline))
        comments += len({t.start[0] for t in tokens if t.type == tokenize.COMMENT})
    return comments / lines


def lines_of(path: Path) -> int:
    """How long a file is."""
    return len(path.read_text("utf-8").splitlines())


def domain_methods(package: Path) -> int:
    """Methods of `Domain`, those it has from its rules too."""
    files = [package / "domains" / name for name in ("base.py", "rules.py")]
    trees = [ast.parse(path.read_text("utf-8")) for path in files if path.is_file()]
    kinds = [node for tree in trees for node in tree.body if isinstance(node, ast.ClassDef)]
    named = [kind for kind in kinds if kind.name in ("Domain", "Rules")]
    return sum(isinstance(node, ast.FunctionDef) for kind in named for node in kind.body)


def figures(checkout: str) -> dict[str, str]:
    """What is counted of a checkout, by its name on the page."""
    package = Path(checkout) / "multigan"
    return {
        "methods of `Domain`": str(domain_methods(package)),
        "lines of `domains/base.py`": str(lines_of(package / "domains" / "base.py")),
        "lines of `training/trainer.py`": str(lines_of(package / "training" / "trainer.py")),
        "places that know a domain by name": str(len(knowing_kinds(package))),
        "lines with a comment": f"{share_of_comments(package):.1%}",
        "in `adversarial/`": f"{share_of_comments(package / 'adversarial'):.1%}",
    }


if __name__ == "__main__":
    columns = [figures(checkout) for checkout in sys.argv[1:]]
    for name in columns[0]:
        print(f"| {name} | " + " | ".join(column[name] for column in columns) + " |")
