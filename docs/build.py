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
from multigan.domains.base import domain_type
from multigan.recipe import load_recipe, recipe_header, recipe_names
from multigan.recipe.explain import explanation
from multigan.registry import BUILT_IN

ROOT = Path(__file__).resolve().parent.parent
PAGES = ROOT / "build" / "docs"
SHOWN = {
    ".png": "![samples of {name}]({file})",
    ".webp": "![samples of {name}]({file})",
    ".flac": '<audio controls preload="none" src="{file}"></audio> [{file}]({file})',
}

MISSING = "## What a musician would still miss"


def gather(pages: Path = PAGES) -> Path:
    """Write every page of the site into ``pages``, which is made anew."""
    shutil.rmtree(pages, ignore_errors=True)
    beside = [*(ROOT / "recipes").rglob("*.*"), *(ROOT / "examples").rglob("*.ipynb")]
    beside += (ROOT / "benchmarks" / "results").rglob("*.json")
    for source in [*(ROOT / "docs").rglob("*.md"), *(ROOT / "docs").glob("*.css"), *beside]:
        page = source.is_relative_to(ROOT / "docs")
        inside = source.relative_to(ROOT / "docs" if page else ROOT)
        target = pages / inside
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.suffix == ".md":
            depth = len(inside.parts) - 1
            target.write_text(_within_the_site(source.read_text("utf-8"), depth), "utf-8")
        elif source.suffix in (*SHOWN, ".ipynb", ".css", ".json"):
            shutil.copyfile(source, target)
    for page, name in (("README.md", "index.md"), ("README.zh-CN.md", "index.zh-CN.md")):
        _write(pages / name, _front((ROOT / page).read_text("utf-8")))
    _write(pages / "contributing.md", _front((ROOT / "CONTRIBUTING.md").read_text("utf-8")))
    for name in recipe_names():
        _write(pages / "recipes" / f"{name}.md", recipe_page(name))
    _write(pages / "recipes" / "index.md", recipe_index())
    _write(pages / "recipes" / "audio" / "listen.md", listening_page())
    _write(pages / "reference" / "keys.md", keys_page())
    _write(pages / "reference" / "python.md", python_page())
    _write(pages / "reference" / "command-line.md", command_line_page())
    return pages


def _within_the_site(text: str, depth: int) -> str:
    """Links from docs/ up to recipes/ and examples/ lead one storey less far: all lie side by side
    in the site."""
    for place in ("recipes/", "examples/", "benchmarks/"):
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
    """One recipe: what it makes, costs and reached, its sheet and sounds, how to repeat it, what
    the results pages measured beside real samples, its file."""
    header, file = recipe_header(name), ROOT / "recipes" / f"{name}.toml"
    about = {"Cost": header["cost"], "Result": header["result"], "After": header["paper"]}
    lines = ["[All recipes](../index.md)", f"# {name}", header["title"], *_shown(file)]
    lines += [f"**{key}**: {value or 'not measured yet'}" for key, value in about.items()]
    lines += ["## Repeat it", f"```sh\n{_repeated(name)}\n```"]
    lines += ["## Measured beside real samples", *told] if (told := measured(name)) else []
    lines += ["## The recipe", f"```toml\n{file.read_text('utf-8').strip()}\n```"]
    return "\n\n".join(line for line in lines if line)


def _shown(file: Path) -> list[str]:
    """The sheet, sounds and sentences that lie beside a recipe."""
    found = []
    for path in sorted(file.parent.glob(f"{file.stem}.*")):
        if path.suffix in SHOWN:
            found.append(SHOWN[path.suffix].format(name=file.stem, file=path.name))
        elif path.suffix == ".txt":
            lines = path.read_text("utf-8").splitlines()
            found.append("\n".join(f"- *{line}*" for line in lines))
    return [*found, _chosen(file)] if found else []


def _chosen(file: Path) -> str:
    """How the samples beside a recipe were come by."""
    recipe = load_recipe(f"{file.parent.name}/{file.stem}")
    made_of_something = getattr(recipe.data, "task", None)  # pictures
    made_of_something = made_of_something or domain_type(recipe.domain)(recipe).needs_condition
    return "Of unseen ones, none chosen." if made_of_something else "Seed 0, none chosen."


def _repeated(name: str) -> str:
    """The commands: data that do not come with the project are named as the header names them."""
    title = recipe_header(name)["title"]
    wanted = None if "built in" in title else re.search(r"--data ([^\s,)]+)", title)
    source = wanted[1] if wanted else str(load_recipe(name).data.source)
    data = f" --data {source}" if wanted or re.search("[./]", source) else ""
    run = f"runs/{name.replace('/', '-')}-001"
    return f"multigan train {name}{data}\nmultigan evaluate {run}\nmultigan report {run}"


def measured(name: str) -> list[str]:
    """The passages of the results pages that tell of a recipe: those with a table, if any."""
    told = []
    for page in sorted((ROOT / "docs" / "results").glob("*.md")):
        if page.stem != "recipes":
            found = [p for p in _passages(page.read_text("utf-8")) if f"`{name}`" in p]
            tables = [p for p in found if "\n|---" in p]
            told += [re.sub(r"\]\(\.\./(?!\.\.)", "](../../", p) for p in tables or found]
            told += [f"More: [results](../../results/{page.name})."] if found else []
    return told


def _passages(text: str) -> list[str]:
    """Paragraphs, each with the tables and figures that follow it."""
    found: list[str] = []
    inside = False
    for block in re.split(r"\n\n(?!\Z)", text):
        if block.startswith("#"):
            inside = False
        elif inside and block.startswith(("|", "```", "![")):
            found[-1] += "\n\n" + block
        else:
            found.append(block)
            inside = True
    return found


def recipe_index() -> str:
    """All recipes, a domain a chapter, each with what it makes, costs and reached."""
    parts = ["# Recipes", "A page each: samples, figures beside real ones, the file, the commands."]
    for domain in ("image", "text", "audio", "series", "points"):
        parts.append(f"## {domain}")
        for name in sorted(
            recipe_names(domain), key=lambda name: not recipe_header(name)["result"]
        ):
            header = recipe_header(name)
            told = [f"**[{name}]({name}.md)**: {header['title']}"]
            told += [f"{key}: {header[key]}" for key in ("cost", "result") if header[key]]
            parts.append("<br>\n".join(told))
    return "\n\n".join(parts)


def listening_page() -> str:
    """What recipes of sounds made, to hear and to see, and what a musician would still miss."""
    parts = ["# Listen", "Made by the recipes of sounds; beside each what is seen of it."]
    silent = []
    for name in recipe_names("audio"):
        header, file = recipe_header(name), ROOT / "recipes" / f"{name}.toml"
        if not file.with_suffix(".flac").exists():
            silent.append(f"- [{name}]({file.stem}.md): {header['title']}")
            continue
        parts += [f"## {name}", header["title"], *_shown(file), header["result"]]
        parts += [f"```sh\n{_repeated(name)}\n```", f"More: [{name}]({file.stem}.md)."]
    parts += ["## Nothing to hear yet", "\n".join(silent)] if silent else []
    guide = (ROOT / "docs" / "guides" / "sounds.md").read_text("utf-8")
    missing = guide.split(MISSING)[1].split("\n## ")[0]
    parts.append(MISSING + missing.replace("](", "](../../guides/"))
    return "\n\n".join(parts)


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
    first = ["train", "load", "Model", "evaluate", "Run"]
    rest = sorted(set(multigan.__all__) - {*first}, key=lambda name: (name.endswith("Error"), name))
    places = {name: f"::: multigan.{name}" for name in [*first, *rest]}
    # what a type checker sees of it says little
    places["load"] = "::: multigan.model.kept.load\n    options:\n      heading: multigan.load"
    return "# Python\n\n" + "\n\n".join(places.values())


def command_line_page() -> str:
    """The help of every verb, as typer writes it."""
    command = [sys.executable, "-m", "typer", "multigan.cli", "utils", "docs", "--name", "multigan"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    text = re.sub(r"\[/?bold\]", "", done.stdout).replace("# `multigan`", "# Command line", 1)
    # In its list typer cuts what a verb does; the chapters have it whole.
    whole = dict(re.findall(r"^## `multigan (\w+)`\n\n([^.:;]+)", text, re.MULTILINE))
    return re.sub(
        r"^\* `(\w+)`: .*\.\.\.$",
        lambda found: f"* `{found[1]}`: {' '.join(whole[found[1]].split())}.",
        text,
        flags=re.MULTILINE,
    )


def main() -> None:
    """Gather the pages and build the site."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--gather-only", action="store_true", help="write the pages, build nothing")
    gather()
    if not parser.parse_args().gather_only:
        subprocess.run(["zensical", "build", "--clean", "--strict"], check=True, cwd=ROOT)


if __name__ == "__main__":
    main()
