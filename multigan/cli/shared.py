"""What the verbs of the command line share: the program, options, and how it speaks."""

import logging
import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from multigan.errors import UserError
from multigan.registry import OWN_DATA, listed
from multigan.runs.children import started
from multigan.terminal import safe, safe_json
from multigan.version import __version__

log = logging.getLogger("multigan")

app = typer.Typer(
    help="Train a GAN on your own "
    f"{listed((own.called for own in OWN_DATA.values()), 'or')} with one command; "
    "make new ones with another.",
    no_args_is_help=True,
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


def _quieten(quiet: bool) -> bool:
    if quiet:
        log.setLevel(logging.WARNING)
    return quiet


Quiet = Annotated[
    bool,
    typer.Option("--quiet", "-q", callback=_quieten, help="Say nothing but results and mistakes."),
]
Json = Annotated[bool, typer.Option("--json", help="Print it as JSON, for programs.")]


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"multigan {__version__}")
        raise typer.Exit


@app.callback()
def _program(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Say which, and exit."),
    ] = False,
) -> None: ...


def examples(*commands: str) -> str:
    """Examples below a verb's help."""
    return "[bold]Examples[/bold]\n\n" + "\n\n".join(commands)


def parse_between(text: str | None) -> tuple[int, int] | None:
    """``"3,7"`` as two seeds; raises `UserError`."""
    if text is None:
        return None
    try:
        first, last = (int(part) for part in text.split(","))
    except ValueError:
        raise UserError(f"--between {text}: give two seeds, such as --between 3,7") from None
    return first, last


def parse_seeds(text: str | None) -> int | list[int]:
    """``"3"`` as a seed, ``"1,5,9"`` as several; 0 where nobody said. Raises `UserError`."""
    try:
        seeds = [int(part) for part in (text or "0").split(",")]
    except ValueError:
        raise UserError(
            f"--seed {text}: give a whole number, or several, such as --seed 1,5,9"
        ) from None
    return seeds if len(seeds) > 1 else seeds[0]


def in_processes(processes: int, out: Path | None) -> None:
    """Run this very command in several processes and exit with their status; returns in each of
    them."""
    if "RANK" in os.environ:
        return
    from multigan.training.launch import launch

    arguments = sys.argv[1:] if out is None else [*sys.argv[1:], "--out", str(out)]
    raise typer.Exit(launch(arguments, processes))


def say(message: str) -> None:
    """Tell how it went, once however many processes there are and unless ``--quiet``; on standard
    error, so that standard output holds results alone."""
    if os.environ.get("RANK", "0") == "0" and log.isEnabledFor(logging.INFO):
        typer.echo(safe(message, lines=True), err=True)


def answer(text: str) -> None:
    """Print a result."""
    typer.echo(safe(text, lines=True))


def complain(message: str) -> None:
    """Tell a mistake, in red where the terminal takes colours and ``NO_COLOR`` is not set; once, or
    by each of several processes to who started them."""
    from multigan.terminal import Console

    if os.environ.get("RANK", "0") == "0" or started():
        Console(stderr=True).print(message, style="red", soft_wrap=True)


def print_json(value: Any) -> None:
    """Print a value for a program."""
    typer.echo(json_text(value), nl=False)


def json_text(value: Any) -> str:
    """A value as lines for a program."""
    return safe_json(value) + "\n"
