"""Verbs that look: recipes, keys, this machine, what is kept of data."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from multigan.atomic import writing
from multigan.cli.shared import (
    Json,
    Settings,
    app,
    examples,
    json_text,
    print_json,
    say,
)
from multigan.encodings import never_fail
from multigan.errors import UserError
from multigan.terminal import safe


@app.command(epilog=examples("multigan ls", "multigan ls image --long", "multigan ls --json"))
def ls(
    domain: Annotated[str | None, typer.Argument(help="Only recipes of this domain.")] = None,
    long: Annotated[
        bool, typer.Option("--long", "-l", help="Also what each costs, and what was measured.")
    ] = False,
    json: Json = False,
) -> None:
    """List the recipes and what each makes."""
    from multigan.recipe.load import recipe_header, recipe_names
    from multigan.verbs import ls as listing

    names = recipe_names(domain)
    if not names:
        known = sorted({name.split("/")[0] for name in recipe_names()})
        raise UserError(f"no recipes for {domain!r}; domains: {', '.join(known)}")
    headers = {name: recipe_header(name) for name in names}
    if json:
        print_json([{"name": name, **header} for name, header in headers.items()])
        return
    (listing.show_long if long else listing.show)(headers)
    if not long:
        say("What each costs, and what was measured: multigan ls --long")


@app.command(
    epilog=examples(
        "multigan show image/mnist --out my.toml", "multigan show image/mnist --explain"
    )
)
def show(
    recipe: Annotated[str, typer.Argument(help="A recipe's name, or a TOML file.")],
    settings: Settings = None,
    explain: Annotated[bool, typer.Option("--explain", help="Explain every key instead.")] = False,
    out: Annotated[
        Path | None, typer.Option(help="Write it to this file instead, as UTF-8.")
    ] = None,
    json: Json = False,
) -> None:
    """Print a recipe, resolved, as TOML to save and edit."""
    from multigan.recipe.load import load_recipe, parse_settings, untyped

    chosen = parse_settings(settings)
    if explain:
        from multigan.recipe.explain import explanation

        keys = list(explanation(load_recipe(recipe, chosen)))
        parts = [
            f"{key} = {value}\n    {doc}\n" if value else f"\n{key}  {doc}\n"
            for key, value, doc in keys
        ]
        text = "".join(parts)
        if json:
            named = [{"key": key, "value": value, "about": doc} for key, value, doc in keys]
            text = json_text(named)
    elif json:
        text = json_text(load_recipe(recipe, chosen).to_dict())
    else:
        text = untyped(recipe, chosen) or load_recipe(recipe, chosen).to_toml()
    if out is None:
        if not sys.stdout.isatty():  # it may be meant as a file, and recipes are UTF-8
            never_fail(sys.stdout, "utf-8")
        sys.stdout.write(safe(text, lines=True) if sys.stdout.isatty() else text)
        return
    with writing(out, option="--out"):
        out.write_text(text, "utf-8")


@app.command()
def doctor(json: Json = False) -> None:
    """Say which versions, devices and disk there are, and what will not work here and why."""
    from multigan.verbs.doctor import examine, findings

    if not json:
        raise typer.Exit(0 if examine() else 1)
    found = [{"verdict": verdict, "text": text} for verdict, text in findings()]
    print_json(found)
    raise typer.Exit(1 if any(one["verdict"] == "problem" for one in found) else 0)


@app.command(epilog=examples("multigan cache", "multigan cache --clear"))
def cache(
    clear: Annotated[
        bool, typer.Option("--clear", help="Remove all of it but what was downloaded.")
    ] = False,
    json: Json = False,
) -> None:
    """Show what is kept of data between trainings and how large it is; decoded data come back when
    they are needed."""
    from multigan.terminal import Console
    from multigan.verbs import cache as caching

    if clear:
        for line in caching.clear():
            say(line)
    if json:
        print_json(caching.described())
    elif not clear:
        wide = None if sys.stdout.isatty() else 10_000  # what reads a file wants a line each
        caching.show(Console(width=wide))
