"""What the longer verbs can be asked: their arguments and options, with their help."""

from pathlib import Path
from typing import Annotated, Literal

import typer

GenerateCount = Annotated[
    int | None,
    typer.Option(
        "-n",
        min=1,
        help="How many; by default 16, 1 of each with --condition, a whole set with --pitch.",
        show_default=False,
    ),
]
GenerateOut = Annotated[
    Path | None,
    typer.Option(
        help="The folder to write to, by default the next free samples-001; or one file for "
        "all, such as poem.txt, all.wav, one.png; - is standard output."
    ),
]
GenerateSeed = Annotated[
    str | None,
    typer.Option(
        help="Sample i follows from the seed and i alone; 1,5,9 makes the first sample of each.",
        show_default="0",
    ),
]
GenerateBetween = Annotated[
    str | None,
    typer.Option(metavar="A,B", help="Samples on the way from seed A to seed B instead."),
]
GenerateCondition = Annotated[
    str | None,
    typer.Option(help="For models that make samples from something: a file or a folder of it."),
]
GenerateLabel = Annotated[
    str | None,
    typer.Option(help="The class to make, or several as a,b; by default each in turn."),
]
GenerateAsDataset = Annotated[
    bool,
    typer.Option(
        "--as-dataset", help="A folder for each class and labels.csv, to train a classifier on."
    ),
]
GenerateFormat = Annotated[
    str | None,
    typer.Option(
        help="File format, such as png, webp, csv, npy, wav, flac, mp3, txt; "
        "a wrong one names those that can be."
    ),
]
GenerateOwn = Annotated[
    list[str] | None,
    typer.Option(
        "-o",
        "--option",
        metavar="KEY=VALUE",
        help="An option that the model's domain declares, your own too; repeatable.",
    ),
]
GenerateUnique = Annotated[
    bool, typer.Option("--unique", help="No sample twice, where samples can be compared.")
]
GenerateFilter = Annotated[
    int,
    typer.Option(min=1, help="Keep the best of so many, by the critic kept with it.", metavar="K"),
]
EvaluateModel = Annotated[
    str,
    typer.Argument(
        help="A run folder, a model folder, or a hub id; with --like samples of any program."
    ),
]
EvaluateLike = Annotated[
    str | None,
    typer.Option(help="Measure a folder or file of samples as this run or recipe's are."),
]
EvaluateData = Annotated[
    str | None,
    typer.Option(help="Real samples it was not trained on; by default the recipe's test split."),
]
EvaluateCount = Annotated[
    int | None, typer.Option("-n", min=1, help="Samples in each row; by default up to 10,000.")
]
EvaluateSeeds = Annotated[
    int, typer.Option(min=1, help="How often each row is drawn, for its spread.")
]
EvaluateSplit = Annotated[
    Literal["test", "validation"],
    typer.Option(
        help="validation: the training samples that train.validation kept apart, to choose by."
    ),
]
EvaluateEmbedder = Annotated[
    str | None,
    typer.Option(
        help="One of the domain's, a hub id or 'package.module:name'; a wrong name lists them."
    ),
]
EvaluateWeights = Annotated[
    str | None, typer.Option(help="The embedder's weights: a file, folder or hub id.")
]
EvaluateSweep = Annotated[
    str | None,
    typer.Option(
        help="An option of the model, such as its temperature: measure its whole frontier."
    ),
]
EvaluateAgainst = Annotated[
    list[str] | None,
    typer.Option(help="With --sweep: another model to stand beside; repeatable."),
]
EvaluateFilter = Annotated[
    int,
    typer.Option(
        min=1, help="With --sweep: also keep the best of so many, by the critic.", metavar="K"
    ),
]
EvaluateJson = Annotated[
    str | None, typer.Option(help="Write the figures to this file; - prints them instead.")
]
TrainRecipe = Annotated[
    str,
    typer.Argument(
        help="A recipe's name (multigan ls), a TOML file, or your data: the recipe is chosen."
    ),
]
TrainData = Annotated[
    str | None, typer.Option(help="A folder, a .zip, a file, or the name of a dataset.")
]
TrainPairs = Annotated[
    str | None,
    typer.Option(
        help="For making one of the other: the folder of what is made of those of --data."
    ),
]
TrainOut = Annotated[
    Path | None, typer.Option(help="The run folder; by default the next free runs/NAME-001.")
]
TrainMinutes = Annotated[
    float | None,
    typer.Option(help="How long to train: train.samples is chosen by the first rounds' time."),
]
TrainInitFrom = Annotated[
    str | None,
    typer.Option(help="Begin with the weights of a run, a model folder or a hub id."),
]
TrainDryRun = Annotated[
    bool, typer.Option("--dry-run", help="Check everything, print the recipe, train nothing.")
]
TrainTrustCode = Annotated[
    bool,
    typer.Option("--trust-code", help="With --dry-run: also import and check your own code."),
]
TrainResume = Annotated[
    bool,
    typer.Option(
        "--resume", help="Go on with what this line began in --out, if it did: for job scripts."
    ),
]
SweepTries = Annotated[
    list[str],
    typer.Option(
        "--try", metavar="KEY=A,B", help="Values to try, one change at a time; repeatable."
    ),
]
SweepCount = Annotated[
    int | None,
    typer.Option(
        "-n", min=10, help="Samples in each row of an evaluation; by default up to 10,000."
    ),
]
SweepOut = Annotated[
    Path | None,
    typer.Option(
        help="Where the runs and the table go, by default the next free "
        "runs/sweep-NAME-001; an unfinished sweep goes on there."
    ),
]
SweepDryRun = Annotated[
    bool, typer.Option("--dry-run", help="Check everything, print the plan, train nothing.")
]
