"""Build the site: `python docs/build.py` gathers docs/, recipes/ and what the code says, then runs
Zensical.

The pages of docs/ read on their own in a checkout; recipe pages, the command line and the keys are
made here from the TOML headers, the help and the docstrings, so that they cannot fall behind."""

import argparse
import re
import shutil
import subprocess
import sys
from pathlib import Path

import multigan
from multigan.recipe import load_recipe, recipe_header, recipe_names
from multigan.recipe.explain import explanation
from multigan.registry import BUILT_IN

ROOT = Path(__file__).resolve().parent.parent
PAGES = ROOT / "build" / "docs"
SHOWN = {".png": "![{name}]({file})", ".webp": "![{name}]({file})", ".flac": "[hear it]({file})"}


def gather(pages: Path = PAGES) -> Path:
    """Write every page of the site into ``pages``, which is made anew."""
    shutil.rmtree(pages, ignore_errors=True)
    beside = [*(ROOT / "recipes").rglob("*.*"), *(ROOT / "examples").rglob("*.ipynb")]
    for source in [*(ROOT / "docs").rglob("*.md"), *beside]:
        page = source.is_relative_to(ROOT / "docs")
        inside = source.relative_to(ROOT / "docs" if page else ROOT)
        target = pages / inside
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.suffix == ".md":
            depth = len(inside.parts) - 1
            target.write_text(_within_the_site(source.read_text("utf-8"), depth), "utf-8")
        elif source.suffix in (*SHOWN, ".ipynb"):
            shutil.copyfile(source, target)
    for page, name in (("README.md", "index.md"), ("README.zh-CN.md", "index.zh-CN.md")):
        _write(pages / name, _front((ROOT / page).read_text("utf-8")))
    _write(pages / "contributing.md", _front((ROOT / "CONTRIBUTING.md").read_text("utf-8")))
    for name in recipe_names():
        _write(pages / "recipes" / f"{name}.md", recipe_page(name))
    _write(pages / "recipes" / "index.md", recipe_index())
    _write(pages / "reference" / "keys.md", keys_page())
    _write(pages / "reference" / "python.md", python_page())
    _write(pages / "reference" / "command-line.md", command_line_page())
    return pages


def _within_the_site(text: str, depth: int) -> str:
    """Links from docs/ up to recipes/ and examples/ lead one storey less far: all lie side by side
    in the site."""
    for place in ("recipes/", "examples/"):
        text = text.replace("](" + "../" * (depth + 1) + place, "](" + "../" * depth + place)
    return text


def _front(text: str) -> str:
    """A README as a page of the site."""
    moved = {
        "](docs/": "](",
        "](README.zh-CN.md)": "](index.zh-CN.md)",
        "](README.md)": "](index.md)",
        "](CONTRIBUTING.md)": "](contributing.md)",
    }
    for link, there in moved.items():
        text = text.replace(link, there)
    return text


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text.rstrip("\n") + "\n", "utf-8")


def recipe_page(name: str) -> str:
    """One recipe: what it makes, costs and reached, its sheet and sounds, its file."""
    header, file = recipe_header(name), ROOT / "recipes" / f"{name}.toml"
    beside = sorted(file.parent.glob(f"{file.stem}.*"))
    shown = [SHOWN[p.suffix].format(name=name, file=p.name) for p in beside if p.suffix in SHOWN]
    about = {"cost": header["cost"], "result": header["result"], "paper": header["paper"]}
    lines = [f"# {name}", header["title"], *shown]
    lines += [f"**{key}**: {value}" for key, value in about.items() if value]
    lines += [
        f"```sh\nmultigan train {name}\n```",
        f"```toml\n{file.read_text('utf-8').strip()}\n```",
    ]
    return "\n\n".join(line for line in lines if line)


def recipe_index() -> str:
    """All recipes in one table."""
    rows = []
    for name in recipe_names():
        header = recipe_header(name)
        cells = [f"[`{name}`]({name}.md)", header["title"], header["cost"], header["result"]]
        rows.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "# Recipes\n\n| recipe | makes | cost | result |\n|---|---|---|---|\n" + "\n".join(rows)


def keys_page() -> str:
    """Every key that a recipe may set, with its default in one recipe of each domain."""
    parts = ["# Recipe keys\n\nAs `multigan show RECIPE --explain` prints them."]
    for domain in BUILT_IN:
        name = recipe_names(domain)[0]
        explained = explanation(load_recipe(name))
        rows = [f"| `{key}` | `{value}` | {_cell(doc)} |" for key, value, doc in explained if value]
        parts.append(
            f"## {domain}\n\nValues of `{name}`.\n\n| key | value | |\n|---|---|---|\n"
            + "\n".join(rows)
        )
    return "\n\n".join(parts)


def _cell(text: str) -> str:
    return re.sub(r"\s+", " ", text).replace("|", "\\|")


def python_page() -> str:
    """The public names, from their docstrings."""
    places = {name: f"::: multigan.{name}" for name in multigan.__all__}
    # what a type checker sees of it says little
    places["load"] = "::: multigan.model.kept.load\n    options:\n      heading: multigan.load"
    return "# Python\n\n" + "\n\n".join(places.values())


def command_line_page() -> str:
    """The help of every verb, as typer writes it."""
    command = [sys.executable, "-m", "typer", "multigan.cli", "utils", "docs", "--name", "multigan"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    return re.sub(r"\[/?bold\]", "", done.stdout).replace("# `multigan`", "# Command line", 1)


def main() -> None:
    """Gather the pages and build the site."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--gather-only", action="store_true", help="write the pages, build nothing")
    gather()
    if not parser.parse_args().gather_only:
        subprocess.run(["zensical", "build", "--clean", "--strict"], check=True, cwd=ROOT)


if __name__ == "__main__":
    main()
