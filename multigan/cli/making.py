"""Verbs of what was trained: new samples, figures, the page."""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from multigan.atomic import writing
from multigan.cli.declared import (
    EvaluateAgainst,
    EvaluateCount,
    EvaluateData,
    EvaluateEmbedder,
    EvaluateFilter,
    EvaluateJson,
    EvaluateLike,
    EvaluateModel,
    EvaluateSeeds,
    EvaluateSplit,
    EvaluateSweep,
    EvaluateWeights,
    GenerateAsDataset,
    GenerateBetween,
    GenerateCondition,
    GenerateCount,
    GenerateFilter,
    GenerateFormat,
    GenerateLabel,
    GenerateOut,
    GenerateOwn,
    GenerateSeed,
    GenerateUnique,
)
from multigan.cli.shared import (
    Device,
    Quiet,
    TrustCode,
    answer,
    app,
    examples,
    parse_between,
    parse_seeds,
    print_json,
    say,
)
from multigan.errors import UserError
from multigan.options import parse_options
from multigan.verbs.flags import with_declared


@app.command(
    epilog=examples(
        "multigan generate runs/image-digits-001 -n 100 --out new/",
        "multigan generate runs/my-labelled-run -n 10 --label 7 --seed 3",
        "multigan generate runs/my-photos --seed 4,8,15 --truncation 0.7",
        "multigan generate runs/text-captions-001 -n 20 --prefix 'a man' --temperature 0.7 "
        "--unique",
        "multigan generate runs/audio-drums-001 --between 1,2 -n 12 --out morph.wav",
        "multigan generate runs/audio-notes-001 --pitch C3..C5 --label flute --out flute/",
        "multigan generate runs/my-photos --between 1,2 -n 48 --out morph.mp4",
        "multigan generate runs/my-labelled-run -n 5000 --as-dataset --out generated/",
        "multigan generate runs/text-captions-001 -n 100 --out - > sentences.txt",
        "multigan generate runs/audio-vocoder-001 --condition voice.mp3 --out generated.wav",
    )
)
@with_declared
def generate(
    model: Annotated[str, typer.Argument(help="A run folder, a model folder, or a hub id.")],
    n: GenerateCount = None,
    out: GenerateOut = None,
    seed: GenerateSeed = None,
    between: GenerateBetween = None,
    condition: GenerateCondition = None,
    label: GenerateLabel = None,
    as_dataset: GenerateAsDataset = False,
    format: GenerateFormat = None,
    options: Any = None,
    own: GenerateOwn = None,
    unique: GenerateUnique = False,
    filter: GenerateFilter = 1,
    device: Device = "auto",
    trust_code: TrustCode = False,
    quiet: Quiet = False,
) -> None:
    """Make new samples: single files, and one sheet of the first hundred; what can be
    read is printed too."""
    from multigan.runs.folder import new_run_path
    from multigan.verbs.generate import generate_files

    if between is not None and seed is not None:
        raise UserError(f"--seed {seed}: the way that --between names has seeds of its own")
    seeds = parse_seeds(seed)
    n = n or (None if condition or isinstance(seeds, int) else len(seeds))
    options |= parse_options(own)
    out = out or new_run_path("samples", Path())
    made = generate_files(
        model,
        n,
        out,
        seed=seeds,
        label=label,
        condition=condition,
        format=format,
        device=device,
        say=answer,
        note=say,
        between=parse_between(between),
        unique=unique,
        filter=filter,
        trust_code=trust_code,
        options=options,
        as_dataset=as_dataset,
    )
    where = "standard output" if str(out) == "-" else out
    so_many = "1 sample" if made.count == 1 else f"{made.count:,} samples"
    say(f"{so_many} in {where}" + (f"   ·   sheet: {made.sheet}" if made.sheet else ""))


@app.command(
    epilog=examples(
        "multigan evaluate runs/image-digits-001",
        "multigan evaluate runs/mine --data photos-it-never-saw/ -n 2000 --json scores.json",
        "multigan evaluate pictures-of-another-program/ --like runs/mine",
        "multigan evaluate runs/text-captions-001 --sweep temperature",
        "multigan evaluate runs/mine --embedder inception --weights "
        "weights-inception-2015-12-05-6726825d.pth",
    )
)
def evaluate(
    model: EvaluateModel,
    like: EvaluateLike = None,
    data: EvaluateData = None,
    n: EvaluateCount = None,
    seeds: EvaluateSeeds = 3,
    split: EvaluateSplit = "test",
    embedder: EvaluateEmbedder = None,
    weights: EvaluateWeights = None,
    sweep: EvaluateSweep = None,
    against: EvaluateAgainst = None,
    filter: EvaluateFilter = 1,
    json: EvaluateJson = None,
    device: Device = "auto",
    trust_code: TrustCode = False,
    quiet: Quiet = False,
) -> None:
    """Measure a model against unseen real samples, beside real samples and noise measured the same
    way."""
    from multigan.evaluation.evaluate import evaluate as measure

    asked: dict[str, Any] = {"data": data, "n": n, "seeds": seeds, "device": device}
    asked["trust_code"] = trust_code
    by: dict[str, Any] = {"split": split, "embedder": embedder, "weights": weights}
    if like is not None:
        from multigan.evaluation.others import evaluate_samples

        if sweep is not None:
            raise UserError("--sweep varies an option of a model: leave --like out")
        result = evaluate_samples(model, like, **asked, **by)
    elif sweep is not None:
        from multigan.evaluation.frontier import frontier, frontier_table

        result = frontier(model, sweep, against=against or (), filter=filter, **asked)
    else:
        result = measure(model, **asked, **by)
    if json == "-":
        print_json(result.to_dict())
        return
    from multigan.terminal import Console

    console = Console(width=None if sys.stdout.isatty() else 120)
    console.print(result.table() if sweep is None else frontier_table(result, console.width))
    for line in result.lines():
        console.print(line, style="dim")
    if (Path(model) / "report.html").is_file():
        from multigan.report.page import try_report

        try_report(Path(model), say, trust_code)
    if json is not None:
        with writing(Path(json), option="--json"):
            result.save(Path(json))


@app.command(epilog=examples("multigan export runs/image-digits-001 --onnx digits.onnx"))
def export(
    model: Annotated[str, typer.Argument(help="A run folder, a model folder, or a hub id.")],
    onnx: Annotated[Path | None, typer.Option(help="The ONNX file to write.")] = None,
    torch: Annotated[Path | None, typer.Option(help="Or torch's own: a .pt2 file.")] = None,
    trust_code: TrustCode = False,
    quiet: Quiet = False,
) -> None:
    """Write the generator for other programs, checked against our own output: noise, and labels or
    a condition, to what the critic sees; sounds down to mels, sentences as token ids."""
    from multigan.model import load
    from multigan.verbs.export import export as write

    say(write(load(model, trust_code=trust_code), onnx, torch))


@app.command(epilog=examples("multigan push runs/audio-drums-001 me/kicks --licence mit"))
def push(
    run: Annotated[str, typer.Argument(help="A run folder, or a model folder.")],
    repo: Annotated[str, typer.Argument(help="The hub's name for it: user/name.")],
    private: Annotated[bool, typer.Option("--private", help="Only you see it.")] = False,
    licence: Annotated[
        str | None, typer.Option(help="As the hub calls it, such as mit or cc-by-4.0.")
    ] = None,
    revision: Annotated[str | None, typer.Option(help="A branch, made where it is not.")] = None,
    trust_code: TrustCode = False,
    quiet: Quiet = False,
) -> None:
    """Put a model on the Hugging Face hub: weights, a card with its evaluation, a sheet."""
    from multigan.verbs.push import push as to_hub

    where = to_hub(
        run, repo, private=private, licence=licence, revision=revision, trust_code=trust_code
    )
    say("config.json tells where the data lay; whoever may read the model may read that")
    answer(where)


@app.command(
    epilog=examples(
        "multigan report runs/image-digits-001",
        "multigan report runs/a runs/b --out both.html",
        "multigan report runs/image-digits-001 --share",
        "multigan report runs/audio-drums-001 --map",
    )
)
def report(
    runs: Annotated[list[str], typer.Argument(help="One or more run folders.")],
    out: Annotated[
        Path | None, typer.Option(help="The page; by default report.html in the run folder.")
    ] = None,
    share: Annotated[
        bool,
        typer.Option("--share", help="Write one picture of a run instead, share.png, to post."),
    ] = False,
    map: Annotated[
        bool,
        typer.Option(
            "--map", help="Of sounds: write map.html instead, 48 seeds, what is alike side by side."
        ),
    ] = False,
    trust_code: TrustCode = False,
    quiet: Quiet = False,
) -> None:
    """Write one self-contained HTML page of a run: samples, film, curves, health, evaluation,
    recipe."""
    if share and map:
        raise UserError("--share writes a picture and --map a page: give one of them")
    if map:
        from multigan.report.map import write_map

        if len(runs) > 1:
            raise UserError(f"--map is of one run, and {len(runs)} are given")
        say(f"Map: {write_map(runs[0], out, trust_code=trust_code)}")
        return
    if share:
        from multigan.report.share import write_share

        if len(runs) > 1:
            raise UserError(f"--share makes one picture of one run, and {len(runs)} are given")
        answer(str(write_share(runs[0], out, trust_code=trust_code)))
        return
    from multigan.report.page import write_report

    say(f"Page: {write_report(runs, out, trust_code=trust_code)}")


@app.command(
    epilog=examples("multigan demo runs/image-digits-001", "multigan demo me/kicks --port 8000")
)
def demo(
    model: Annotated[str, typer.Argument(help="A run folder, a model folder, or a hub id.")],
    host: Annotated[
        str, typer.Option(help="Who may look: 0.0.0.0 is everybody who reaches this machine.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="Where it is.")] = 7860,
    device: Device = "auto",
    trust_code: TrustCode = False,
    quiet: Quiet = False,
) -> None:
    """Show a page in the browser that asks the model for samples: seed, label, the way between two
    seeds, its options, a file to make them from."""
    from multigan.devices import pick_device
    from multigan.model import load
    from multigan.verbs.demo import serve

    serve(load(model, device=pick_device(device), trust_code=trust_code), host, port, say)
