"""However a training ends there is a page of it, which says how; and what a run was trained on is
kept."""

import re
import signal
from pathlib import Path

import pytest
import torch
from torch import Tensor

import multigan
from multigan.adversarial.player import NonFiniteError
from multigan.domains.points.networks import PointsMlpCritic
from multigan.errors import UserError
from multigan.report.page import write_report
from multigan.runs import journal
from multigan.runs.signals import Stopped

SMALL = {
    "data.count": 600,
    "generator.width": 8,
    "critic.width": 8,
    "train.batch": 32,
    "train.samples": 960,
    "train.log_every": 160,
    "train.sample_every": 960,
}


class EndingCritic(PointsMlpCritic):
    """At its 40th training pass: a signal, a number that is none, a mistake, no memory, or none of
    these."""

    def __init__(self, how: str) -> None:
        super().__init__((2,), width=8)
        self.how, self.passes = how, 0

    def forward(self, x: Tensor, condition: Tensor | None = None) -> Tensor:
        logits = super().forward(x, condition)
        self.passes += self.training
        if self.passes != 40:
            return logits
        match self.how:
            case "signal":
                signal.raise_signal(signal.SIGINT)
            case "nan":
                return logits * float("nan")
            case "mistake":
                raise RuntimeError("shapes <do> not match")
            case "memory":
                raise torch.OutOfMemoryError("no memory")
        return logits


@pytest.mark.parametrize(
    ("how", "error", "words"),
    [
        ("signal", Stopped, r"stopped by SIGINT at \d+ of 960 samples"),
        ("nan", NonFiniteError, r"failed at \d+ of 960 samples: not finite"),
        ("mistake", RuntimeError, r"failed at \d+ of 960 samples: shapes &lt;do&gt; not match"),
        ("memory", UserError, r"failed at \d+ of 960 samples: out of memory on cpu"),
    ],
)
def test_there_is_a_page_that_says_how_it_ended(
    how: str, error: type[Exception], words: str, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    with pytest.raises(error):
        multigan.train(
            "points/ring",
            settings=SMALL,
            critic=EndingCritic(how),
            out=run,
            device="cpu",
            quiet=True,
            report=True,
        )
    page = (run / "report.html").read_text()
    assert re.search(words, page)
    assert "<h2>Curves</h2>" in page
    (start,) = journal.entries(run)
    assert start["ended"] >= start["began"]
    assert start["samples"] == 0
    assert re.search(r"<dt>memory</dt><dd>[\d,]+ MiB of the host at most</dd>", page)
    assert 0 < start["reached"] < 960
    assert f"at {start['reached']} of 960 samples" in page  # also between two rows of the metrics


def test_a_run_that_went_on_tells_of_both_starts(tmp_path: Path) -> None:
    run = tmp_path / "run"
    with pytest.raises(Stopped):
        multigan.train(
            "points/ring",
            settings=SMALL,
            critic=EndingCritic("signal"),
            out=run,
            device="cpu",
            quiet=True,
        )
    multigan.resume(run, device="cpu", critic=EndingCritic("none"), quiet=True, report=True)
    first, second = journal.entries(run)
    assert (first["ending"], second["ending"]) == ("stopped by SIGINT", "finished")
    assert 0 < second["samples"] == first["reached"] < second["reached"] == 960
    page = (run / "report.html").read_text()
    assert "run · finished" in page
    assert f"<dt>went on from {second['samples']}</dt>" in page


def test_a_killed_run_is_not_called_finished(tmp_path: Path) -> None:
    run = tmp_path / "run"
    multigan.train("points/ring", settings=SMALL, out=run, device="cpu", quiet=True)
    text = (run / journal.FILE).read_text()
    (run / journal.FILE).write_text(re.sub(r',\s*"ended".*?"finished"', "", text, flags=re.DOTALL))
    assert "not ended: running, or killed, at 960 of 960" in write_report([run]).read_text()
    (run / journal.FILE).write_text("{")
    assert "run · finished" in write_report([run]).read_text()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["/usr/bin/multigan", "train", "my file.toml"], "multigan train 'my file.toml'"),
        (["/site/multigan/__main__.py", "tour"], "multigan tour"),
        (["work/multigan/own.py", "-n"], "python work/multigan/own.py -n"),
    ],
)
def test_the_command_as_it_was_typed(
    arguments: list[str], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.argv", arguments)
    assert journal.command() == said
