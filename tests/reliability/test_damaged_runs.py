"""Every file of a run damaged in nine ways, under every verb that reads it: the right thing, or
one plain message that names the file."""

import json
import random
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from damages import DAMAGES, copied, files_of, no_hang
from safetensors.torch import load_file
from stress import SEED, log, until_time_is_up

Command = Callable[..., Any]
Case = tuple[str, str, str]  # file, damage, verb
QUICK = 8  # tries on each run; MULTIGAN_STRESS_SEED chooses others


def line(verb: str, run: Path) -> list[str]:
    """The arguments of a verb on a run."""
    made = str(run / "made")
    return {
        "resume": ["resume", str(run), "--device", "cpu"],
        "generate": ["generate", str(run), "-n", "5", "--seed", "3", "--out", made],
        "evaluate": ["evaluate", str(run), "-n", "64", "--seeds", "1", "--json", "-"],
        "report": ["report", str(run)],
    }[verb]


def cases(run: Path, verbs: Iterable[str]) -> list[Case]:
    return [(name, damage, verb) for name in files_of(run) for damage in DAMAGES for verb in verbs]


def result(verb: str, run: Path, said: Any) -> object:
    """What a verb has made, as far as it must be the same however the run was damaged."""
    if verb == "generate":
        made = run / "made"
        paths = [made] if made.is_file() else sorted(made.rglob("*"))
        return [(path.name, path.read_bytes()) for path in paths if path.is_file()]
    if verb == "evaluate":
        return json.loads(said.out)["rows"]
    if verb == "report":
        return (run / "report.html").stat().st_size > 0
    weights = load_file(run / "model" / "model.safetensors")
    return {name: tensor.tolist() for name, tensor in weights.items()}


def wrong(case: Case, whole: Path, folder: Path, command: Command, right: object) -> str:
    """What is wrong with how a damaged run is received; empty: nothing."""
    name, damage, verb = case
    run = copied(whole, folder / "run")
    DAMAGES[damage](run / name)
    try:
        with no_hang(str(case)):
            done = command(*line(verb, run))
    except Exception as error:  # a traceback
        return f"{case}: {type(error).__name__}: {error}"
    if done.status == 0:
        if (verb, name) == ("resume", "recipe.toml"):
            return ""  # it is the user's to edit: changed settings are said, a new budget is obeyed
        made = result(verb, run, done)
        return "" if made == right else f"{case}: something else was made, without a word"
    parts = [part for part in Path(name).parts if part != "checkpoints"]
    plain = done.err.count("multigan: ") == 1 and any(part in done.err for part in parts)
    short = len(done.err) < 2000
    return (
        "" if done.status == 2 and plain and short else f"{case}: {done.status}: {done.err[:300]}"
    )


def failures(whole: Path, chosen: Iterable[Case], folder: Path, command: Command) -> Iterator[str]:
    right: dict[str, object] = {}
    for case in chosen:
        verb = case[2]
        if verb not in right:
            run = copied(whole, folder / "run")
            done = command(*line(verb, run))
            assert done.status == 0, done.err
            right[verb] = result(verb, run, done)
        said = wrong(case, whole, folder, command, right[verb])
        if said:
            log(said)
            yield said


POINTS = ("resume", "generate", "evaluate", "report")
PICTURES = ("resume", "generate", "report")  # an evaluation would train a classifier first


@pytest.mark.parametrize(("kind", "verbs"), [("tiny_run", POINTS), ("labelled_run", PICTURES)])
def test_some_damages(
    kind: str, verbs: tuple[str, ...], request: Any, tmp_path: Path, command: Command
) -> None:
    whole = request.getfixturevalue(kind)
    chosen = random.Random(SEED).sample(cases(whole, verbs), QUICK)
    assert list(failures(whole, chosen, tmp_path, command)) == []


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "verbs"), [("tiny_run", POINTS), ("labelled_run", PICTURES)])
def test_every_damage(
    kind: str, verbs: tuple[str, ...], request: Any, tmp_path: Path, command: Command
) -> None:
    whole = request.getfixturevalue(kind)
    every = cases(whole, verbs)
    random.Random(SEED).shuffle(every)
    chosen: list[Case] = []

    def timely() -> Iterator[Case]:
        for case, _ in zip(every, until_time_is_up(), strict=False):
            chosen.append(case)
            yield case

    failed = list(failures(whole, timely(), tmp_path, command))
    log(f"{kind}: {len(failed)} failures in {len(chosen)} of {len(every)} tries")
    assert failed == []
