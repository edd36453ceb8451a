"""Verbs that train."""

from pathlib import Path
from typing import Annotated, Any

import typer

from multigan.cli.declared import (
    SweepCount,
    SweepDryRun,
    SweepOut,
    SweepTries,
    TrainData,
    TrainDryRun,
    TrainInitFrom,
    TrainMinutes,
    TrainOut,
    TrainPairs,
    TrainRecipe,
    TrainResume,
    TrainTrustCode,
)
from multigan.cli.shared import (
    Device,
    Json,
    ProcessCount,
    Quiet,
    Settings,
    TrustCode,
    answer,
    app,
    examples,
    in_processes,
    print_json,
    say,
)
from multigan.registry import TOUR, listed


@app.command(
    epilog=examples(
        "multigan train image/digits",
        "multigan train photos/",
        "multigan train image/mnist --data photos/ --set data.size=64 --set data.channels=3",
        "multigan train photos/ --minutes 15",
        "multigan train few/ --init-from runs/photos-001",
        "multigan train my.toml --out runs/mine --set train.batch=128 --set game.critic.lr=1e-4",
    )
)
def train(
    recipe: TrainRecipe,
    data: TrainData = None,
    pairs: TrainPairs = None,
    out: TrainOut = None,
    settings: Settings = None,
    seed: Annotated[int | None, typer.Option(help="All randomness follows from it.")] = None,
    device: Device = "auto",
    processes: ProcessCount = 1,
    minutes: TrainMinutes = None,
    init_from: TrainInitFrom = None,
    dry_run: TrainDryRun = False,
    trust_code: TrainTrustCode = False,
    resume: TrainResume = False,
    quiet: Quiet = False,
) -> None:
    """Train a GAN: live progress, pictures of the samples, checkpoints, and a model to keep."""
    from multigan.recipe.load import parse_settings
    from multigan.verbs import train as training
    from multigan.verbs.choice import by_data

    recipe, data, chosen = by_data(recipe, data, parse_settings(settings), quiet=quiet)
    if pairs is not None:
        chosen = {**chosen, "data.pairs": pairs}
    if init_from is not None:
        chosen = {**chosen, "train.init_from": init_from}
    if dry_run:
        from multigan.verbs.dry_run import describe

        named: Any = {"data": data, "settings": chosen, "seed": seed, "device": device}
        answer(describe(recipe, **named, trust_code=trust_code, minutes=minutes))
        return
    training.prepare(recipe, data=data, settings=chosen, seed=seed)
    if processes > 1:
        in_processes(processes, out or training.default_out(recipe))
    run = training.train(
        recipe,
        data=data,
        out=out,
        settings=chosen,
        seed=seed,
        device=device,
        quiet=quiet,
        report=True,
        resume=resume,
        minutes=minutes,
    )
    say(f"Done: {run.folder}/samples   ·   multigan generate {run.folder} -n 16")


@app.command(epilog=examples("multigan resume runs/image-digits-001 --set train.samples=400_000"))
def resume(
    run: Annotated[Path, typer.Argument(help="A run folder.")],
    settings: Settings = None,
    device: Device = "auto",
    processes: ProcessCount = 1,
    allow_changes: Annotated[
        bool, typer.Option("--allow-changes", help="Go on under changed settings or data.")
    ] = False,
    trust_code: TrustCode = False,
    quiet: Quiet = False,
) -> None:
    """Go on with a run from its newest intact checkpoint."""
    from multigan.recipe.load import parse_settings
    from multigan.verbs.resume import resume as go_on

    if processes > 1:
        in_processes(processes, None)
    done = go_on(
        run,
        settings=parse_settings(settings),
        device=device,
        allow_changes=allow_changes,
        quiet=quiet,
        report=True,
        trust_code=trust_code,
    )
    say(f"Done: {done.folder}/samples   ·   multigan generate {done.folder} -n 16")


@app.command(
    epilog=examples(
        "multigan sweep image/mnist --data mnist/ --try game.objective=rpgan,hinge,nonsaturating "
        "--seeds 3",
        "multigan sweep my.toml --try game.penalties.r1.weight+game.penalties.r2.weight=0.3,1,3 "
        "--workers 2",
    )
)
def sweep(
    recipe: Annotated[str, typer.Argument(help="A recipe's name, or a TOML file.")],
    tries: SweepTries,
    data: TrainData = None,
    settings: Settings = None,
    seeds: Annotated[int, typer.Option(min=1, help="Trainings of each variant.")] = 1,
    n: SweepCount = None,
    workers: Annotated[int, typer.Option(min=1, help="Trainings at a time.")] = 1,
    out: SweepOut = None,
    device: Device = "auto",
    init_from: TrainInitFrom = None,
    dry_run: SweepDryRun = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Train a recipe with one setting changed at a time, measure each by samples kept apart, and
    print the table."""
    from multigan.verbs import sweep as sweeping
    from multigan.verbs import sweep_table

    chosen = sweeping.variants(tries)
    out = out or sweeping.default_out(recipe)
    plan = sweeping.Plan(recipe, chosen, seeds, out, data, settings or [], n, workers, device)
    if dry_run:
        answer(sweeping.describe(plan))
        return
    result = sweeping.sweep(plan, quiet=quiet)
    if json:
        print_json(result)
        return
    answer(f"{sweep_table.markdown(result)}\n{out}/sweep.md")


@app.command(
    help=f"Train on {listed(stop.shows for stop in TOUR)} that come with it, and write one page "
    "with all of them.",
    epilog=examples("multigan tour", "multigan tour --quick --out glimpse/"),
)
def tour(
    out: Annotated[Path, typer.Option(help="Where it goes; an interrupted tour goes on.")] = Path(
        "runs/tour"
    ),
    quick: Annotated[
        bool, typer.Option("--quick", help="A glimpse in seconds of training each.")
    ] = False,
    device: Device = "auto",
    quiet: Quiet = False,
) -> None:
    """Train on what comes with it, and write one page with all of it."""
    from multigan.verbs.tour import tour as walk

    walk(out, quick=quick, device=device, say=say, quiet=quiet)
