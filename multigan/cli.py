"""The command line: thin verbs over the library. Mistakes of the user exit 2 with one plain
message."""

import logging
import os
import sys
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from multigan.encodings import never_fail
from multigan.errors import UserError
from multigan.options import parse_options
from multigan.verbs.flags import with_declared

app = typer.Typer(
    help="Train a GAN on your own pictures, sentences, sounds or series with one command; "
    "make new ones with another.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

Settings = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Override one key of the recipe; repeatable."),
]
Device = Annotated[
    str, typer.Option(help="auto (CUDA, then MPS, then CPU) | cpu | cuda | cuda:N | mps.")
]
TrustCode = Annotated[
    bool,
    typer.Option(
        "--trust-code", help="Import and run code that the folder names and you did not train here."
    ),
]
ProcessCount = Annotated[
    int, typer.Option("--processes", min=1, help="Train with N processes on this machine.")
]


def _examples(*commands: str) -> str:
    return "[bold]Examples[/bold]\n\n" + "\n\n".join(commands)


@app.command(epilog=_examples("multigan ls", "multigan ls image"))
def ls(
    domain: Annotated[str | None, typer.Argument(help="Only recipes of this domain.")] = None,
) -> None:
    """List the recipes: name, what it makes, cost, measured result."""
    from rich.console import Console
    from rich.table import Column, Table

    from multigan.recipe.load import recipe_header, recipe_names

    names = recipe_names(domain)
    if not names:
        known = sorted({name.split("/")[0] for name in recipe_names()})
        raise UserError(f"no recipes for {domain!r}; domains: {', '.join(known)}")
    recipe = Column("recipe", no_wrap=True)
    table = Table(
        recipe, "makes", "cost", "result", box=None, header_style="bold", padding=(0, 2, 0, 0)
    )
    for name in names:
        header = recipe_header(name)
        table.add_row(f"[bold]{name}[/bold]", header["title"], header["cost"], header["result"])
    Console().print(table)


@app.command(
    epilog=_examples(
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
) -> None:
    """Print a recipe, resolved, as TOML to save and edit."""
    from multigan.recipe.load import load_recipe, parse_settings, untyped

    chosen = parse_settings(settings)
    if explain:
        from multigan.recipe.explain import explanation

        resolved = load_recipe(recipe, chosen)

        parts = [
            f"{key} = {value}\n    {doc}\n" if value else f"\n{key}  {doc}\n"
            for key, value, doc in explanation(resolved)
        ]
        text = "".join(parts)
    else:
        text = untyped(recipe, chosen) or load_recipe(recipe, chosen).to_toml()
    if out is None:
        if not sys.stdout.isatty():  # it may be meant as a file, and recipes are UTF-8
            never_fail(sys.stdout, "utf-8")
        sys.stdout.write(text)
        return
    try:
        out.write_text(text, "utf-8")
    except OSError as error:
        raise UserError(f"--out {out} cannot be written: {error.strerror or error}") from None


@app.command(
    epilog=_examples(
        "multigan train image/digits",
        "multigan train photos/",
        "multigan train image/mnist --data photos/ --set data.size=64 --set data.channels=3",
        "multigan train my.toml --out runs/mine --set train.batch=128 --set game.critic.lr=1e-4",
    )
)
def train(
    recipe: Annotated[
        str,
        typer.Argument(
            help="A recipe's name (multigan ls), a TOML file, or your data: the recipe is chosen."
        ),
    ],
    data: Annotated[
        str | None, typer.Option(help="A folder, a .zip, a file, or the name of a dataset.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="The run folder; by default the next free runs/NAME-001.")
    ] = None,
    settings: Settings = None,
    seed: Annotated[int | None, typer.Option(help="All randomness follows from it.")] = None,
    device: Device = "auto",
    processes: ProcessCount = 1,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check everything, print the recipe, train nothing.")
    ] = False,
    trust_code: Annotated[
        bool,
        typer.Option("--trust-code", help="With --dry-run: also import and check your own code."),
    ] = False,
) -> None:
    """Train a GAN: live progress, pictures of the samples, checkpoints, and a model to keep."""
    from multigan.recipe.load import parse_settings
    from multigan.verbs import train as training
    from multigan.verbs.choice import by_data

    recipe, data, chosen = by_data(recipe, data, parse_settings(settings))
    if dry_run:
        from multigan.verbs.dry_run import describe

        named: Any = {"data": data, "settings": chosen, "seed": seed, "device": device}
        typer.echo(describe(recipe, **named, trust_code=trust_code))
        return
    training.prepare(recipe, data=data, settings=chosen, seed=seed)
    if processes > 1:
        _in_processes(processes, out or training.default_out(recipe))
    run = training.train(
        recipe, data=data, out=out, settings=chosen, seed=seed, device=device, report=True
    )
    _say(f"Done: {run.folder}/samples   ·   multigan generate {run.folder} -n 16")


@app.command(epilog=_examples("multigan resume runs/image-digits-001 --set train.samples=400_000"))
def resume(
    run: Annotated[Path, typer.Argument(help="A run folder.")],
    settings: Settings = None,
    device: Device = "auto",
    processes: ProcessCount = 1,
    allow_changes: Annotated[
        bool, typer.Option("--allow-changes", help="Go on under changed settings or data.")
    ] = False,
    trust_code: TrustCode = False,
) -> None:
    """Go on with a run from its newest intact checkpoint."""
    from multigan.recipe.load import parse_settings
    from multigan.verbs.resume import resume as go_on

    if processes > 1:
        _in_processes(processes, None)
    done = go_on(
        run,
        settings=parse_settings(settings),
        device=device,
        allow_changes=allow_changes,
        report=True,
        trust_code=trust_code,
    )
    _say(f"Done: {done.folder}/samples   ·   multigan generate {done.folder} -n 16")


@app.command(
    epilog=_examples(
        "multigan generate runs/image-digits-001 -n 100 --out new/",
        "multigan generate runs/my-labelled-run -n 10 --label 7 --seed 3",
        "multigan generate runs/text-captions-001 -n 20 --prefix 'a man' --temperature 0.7 "
        "--unique",
        "multigan generate runs/audio-drums-001 --between 1,2 -n 12 --out morph.wav",
        "multigan generate runs/audio-vocoder-001 --condition voice.mp3 --out generated.wav",
    )
)
@with_declared
def generate(
    model: Annotated[str, typer.Argument(help="A run folder, a model folder, or a hub id.")],
    n: Annotated[
        int | None,
        typer.Option(
            "-n",
            min=1,
            help="How many; by default 16, and 1 of each with --condition.",
            show_default=False,
        ),
    ] = None,
    out: Annotated[
        Path,
        typer.Option(
            help="The folder to write to; for sounds and series also one file, such as all.wav."
        ),
    ] = Path("samples"),
    seed: Annotated[int, typer.Option(help="Sample i follows from the seed and i alone.")] = 0,
    between: Annotated[
        str | None,
        typer.Option(metavar="A,B", help="Samples on the way from seed A to seed B instead."),
    ] = None,
    condition: Annotated[
        str | None,
        typer.Option(help="For models that make samples from something: a file or a folder of it."),
    ] = None,
    label: Annotated[
        str | None, typer.Option(help="The class to make; by default each in turn.")
    ] = None,
    format: Annotated[
        str | None,
        typer.Option(
            help="File format, such as png, webp, csv, npy, wav, flac, mp3, txt; "
            "a wrong one names those that can be."
        ),
    ] = None,
    options: Any = None,
    own: Annotated[
        list[str] | None,
        typer.Option(
            "-o",
            "--option",
            metavar="KEY=VALUE",
            help="An option that the model's domain declares, your own too; repeatable.",
        ),
    ] = None,
    unique: Annotated[bool, typer.Option("--unique", help="Text: no sentence twice.")] = False,
    filter: Annotated[
        int,
        typer.Option(min=1, help="Text: keep the best of so many, by the critic.", metavar="K"),
    ] = 1,
    device: Device = "auto",
    trust_code: TrustCode = False,
) -> None:
    """Make new samples: single files, and one sheet of the first hundred; sentences are printed
    too."""
    from multigan.verbs.generate import generate_files

    count = n or (1 if condition else 16)
    options |= parse_options(own)
    made = generate_files(
        model,
        count,
        out,
        seed=seed,
        label=label,
        condition=condition,
        format=format,
        device=device,
        say=typer.echo,
        between=parse_between(between),
        unique=unique,
        filter=filter,
        trust_code=trust_code,
        options=options,
    )
    _say(f"{made.count} samples in {out}" + (f"   ·   sheet: {made.sheet}" if made.sheet else ""))


@app.command(
    epilog=_examples(
        "multigan evaluate runs/image-digits-001",
        "multigan evaluate runs/mine --data photos-it-never-saw/ -n 2000 --json scores.json",
        "multigan evaluate runs/text-captions-001 --sweep temperature",
        "multigan evaluate runs/mine --embedder inception --weights "
        "weights-inception-2015-12-05-6726825d.pth",
    )
)
def evaluate(
    model: Annotated[str, typer.Argument(help="A run folder, a model folder, or a hub id.")],
    data: Annotated[
        str | None,
        typer.Option(
            help="Real samples it was not trained on; by default the recipe's test split."
        ),
    ] = None,
    n: Annotated[
        int | None, typer.Option("-n", min=1, help="Samples in each row; by default up to 10,000.")
    ] = None,
    seeds: Annotated[
        int, typer.Option(min=1, help="How often each row is drawn, for its spread.")
    ] = 3,
    split: Annotated[
        Literal["test", "validation"],
        typer.Option(
            help="validation: the training samples that train.validation kept apart, to choose by."
        ),
    ] = "test",
    embedder: Annotated[
        str | None,
        typer.Option(
            help="For pictures: classifier, patches, inception, clip, dinov2 or a hub id."
        ),
    ] = None,
    weights: Annotated[
        str | None, typer.Option(help="The embedder's weights: a file, folder or hub id.")
    ] = None,
    sweep: Annotated[
        str | None,
        typer.Option(
            help="Option of the model, such as a text's temperature: measure its whole frontier."
        ),
    ] = None,
    against: Annotated[
        list[str] | None,
        typer.Option(help="With --sweep: another model to stand beside; repeatable."),
    ] = None,
    filter: Annotated[
        int,
        typer.Option(
            min=1, help="With --sweep: also keep the best of so many, by the critic.", metavar="K"
        ),
    ] = 1,
    json: Annotated[
        str | None, typer.Option(help="Write the figures to this file; - prints them instead.")
    ] = None,
    device: Device = "auto",
    trust_code: TrustCode = False,
) -> None:
    """Measure a model against unseen real samples, beside real samples and noise measured the same
    way."""
    from multigan.evaluation.evaluate import evaluate as measure

    if sweep is not None:
        from multigan.evaluation.frontier import frontier, frontier_table

        result = frontier(
            model,
            sweep,
            against=against or (),
            data=data,
            n=n,
            seeds=seeds,
            filter=filter,
            device=device,
            trust_code=trust_code,
        )
    else:
        result = measure(
            model,
            data=data,
            n=n,
            seeds=seeds,
            split=split,
            embedder=embedder,
            weights=weights,
            device=device,
            trust_code=trust_code,
        )
    if json == "-":
        import json as encoder

        typer.echo(encoder.dumps(result.to_dict(), indent=1))
        return
    from rich.console import Console

    console = Console(width=None if sys.stdout.isatty() else 120)
    console.print(result.table() if sweep is None else frontier_table(result, console.width))
    for line in result.lines():
        console.print(line, style="dim", highlight=False)
    if (Path(model) / "report.html").is_file():
        from multigan.report.page import try_report

        try_report(Path(model), lambda said: console.print(said, style="dim"), trust_code)
    if json is not None:
        try:
            result.save(Path(json))
        except OSError as error:
            raise UserError(f"--json {json} cannot be written: {error.strerror or error}") from None


@app.command(
    epilog=_examples(
        "multigan sweep image/mnist --data mnist/ --try game.objective=rpgan,hinge,nonsaturating "
        "--seeds 3",
        "multigan sweep my.toml --try game.penalties.r1.weight+game.penalties.r2.weight=0.3,1,3 "
        "--workers 2",
    )
)
def sweep(
    recipe: Annotated[str, typer.Argument(help="A recipe's name, or a TOML file.")],
    tries: Annotated[
        list[str],
        typer.Option(
            "--try", metavar="KEY=A,B", help="Values to try, one change at a time; repeatable."
        ),
    ],
    data: Annotated[
        str | None, typer.Option(help="A folder, a .zip, a file, or the name of a dataset.")
    ] = None,
    settings: Settings = None,
    seeds: Annotated[int, typer.Option(min=1, help="Trainings of each variant.")] = 1,
    n: Annotated[
        int | None,
        typer.Option(
            "-n", min=10, help="Samples in each row of an evaluation; by default up to 10,000."
        ),
    ] = None,
    workers: Annotated[int, typer.Option(min=1, help="Trainings at a time.")] = 1,
    out: Annotated[
        Path | None,
        typer.Option(
            help="Where the runs and the table go, by default the next free "
            "runs/sweep-NAME-001; an unfinished sweep goes on there."
        ),
    ] = None,
    device: Device = "auto",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check everything, print the plan, train nothing.")
    ] = False,
) -> None:
    """Train a recipe with one setting changed at a time, measure each by samples kept apart, and
    print the table."""
    from multigan.verbs import sweep as sweeping
    from multigan.verbs import sweep_table

    chosen = sweeping.variants(tries)
    out = out or sweeping.default_out(recipe)
    plan = sweeping.Plan(recipe, chosen, seeds, out, data, settings or [], n, workers, device)
    if dry_run:
        typer.echo(sweeping.describe(plan))
        return
    result = sweeping.sweep(plan)
    typer.echo(f"{sweep_table.markdown(result)}\n{out}/sweep.md")


@app.command(
    epilog=_examples(
        "multigan report runs/image-digits-001", "multigan report runs/a runs/b --out both.html"
    )
)
def report(
    runs: Annotated[list[str], typer.Argument(help="One or more run folders.")],
    out: Annotated[
        Path | None, typer.Option(help="The page; by default report.html in the run folder.")
    ] = None,
    trust_code: TrustCode = False,
) -> None:
    """Write one self-contained HTML page of a run: samples, film, curves, health, evaluation,
    recipe."""
    from multigan.report.page import write_report

    _say(f"Page: {write_report(runs, out, trust_code=trust_code)}")


@app.command(epilog=_examples("multigan tour", "multigan tour --quick --out glimpse/"))
def tour(
    out: Annotated[Path, typer.Option(help="Where it goes; an interrupted tour goes on.")] = Path(
        "runs/tour"
    ),
    quick: Annotated[
        bool, typer.Option("--quick", help="A glimpse in seconds of training each.")
    ] = False,
    device: Device = "auto",
) -> None:
    """Train on digits, sentences and drums that come with it, and write one page with all three."""
    from multigan.verbs.tour import tour as walk

    walk(out, quick=quick, device=device, say=_say)


@app.command()
def doctor() -> None:
    """Say which versions, devices and disk there are, and what will not work here and why."""
    from multigan.verbs.doctor import examine

    healthy = examine()
    raise typer.Exit(0 if healthy else 1)


@app.command(epilog=_examples("multigan cache", "multigan cache --clear"))
def cache(
    clear: Annotated[
        bool, typer.Option("--clear", help="Remove all of it but what was downloaded.")
    ] = False,
) -> None:
    """Show what is kept of data between trainings and how large it is; decoded data come back when
    they are needed."""
    from rich.console import Console

    from multigan.verbs import cache as caching

    if not clear:
        caching.show(Console(width=None if sys.stdout.isatty() else 160))
        return
    for line in caching.clear():
        _say(line)


def parse_between(text: str | None) -> tuple[int, int] | None:
    """``"3,7"`` as two seeds; raises `UserError`."""
    if text is None:
        return None
    try:
        first, last = (int(part) for part in text.split(","))
    except ValueError:
        raise UserError(f"--between {text}: give two seeds, such as --between 3,7") from None
    return first, last


def _in_processes(processes: int, out: Path | None) -> None:
    """Run this very command in several processes and exit with their status; returns in each of
    them."""
    if "RANK" in os.environ:
        return
    from multigan.training.launch import launch

    arguments = sys.argv[1:] if out is None else [*sys.argv[1:], "--out", str(out)]
    raise typer.Exit(launch(arguments, processes))


def _say(message: str, err: bool = False) -> None:
    """Print, once however many processes there are."""
    if os.environ.get("RANK", "0") == "0":
        typer.echo(message, err=err)


def main() -> None:
    """Run the command line."""
    for stream in (sys.stdout, sys.stderr):
        never_fail(stream)
    logging.basicConfig(format="%(message)s", level=logging.WARNING)
    logging.getLogger("multigan").setLevel(logging.INFO)  # to standard error
    try:
        app(standalone_mode=True)
    except UserError as error:
        _say(typer.style(f"multigan: {error}", fg="red"), err=True)
        _exit(2)
    except Exception as error:
        _exit(_status(error))


def _exit(status: int) -> None:
    """End with ``status``; one process of several ends at once, for its group's threads may not
    outlive it."""
    if "RANK" in os.environ:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)
    sys.exit(status)


def _status(error: Exception) -> int:
    """The exit status of an ended training; what is a bug of ours is raised again."""
    training = sys.modules.get("multigan.runs.signals")
    if training is not None and isinstance(error, training.Stopped):
        return int(error.status)
    player = sys.modules.get("multigan.adversarial.player")
    if player is not None and isinstance(error, player.NonFiniteError):
        kept = "The last good checkpoint is kept: `multigan resume`"
        _say(typer.style(f"multigan: {error}. {kept}", fg="red"), err=True)
        return 3
    raise error
