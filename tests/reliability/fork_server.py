"""Imports multigan once and forks a process for each command that comes in on stdin (one JSON a
line).

``{"arguments": [...], "output": FILE, "patch": NAME}`` answers the pid; ``{"wait": PID}`` the exit
status and the bytes of memory it had at most. ``patch`` names one of the places of `PATCHES`, where
the process is to die, or to dawdle once it has made the file ``reached``.
"""

import json
import os
import resource
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import matplotlib.backends.backend_agg
import torch
from PIL import Image

sys.path.insert(0, str(Path(__file__).parents[1] / "training"))

from train_help import quick_picture

from multigan import cli
from multigan.domains.audio import domain as _audio  # noqa: F401
from multigan.domains.audio import presenter as audio_presenter
from multigan.domains.audio.presenter import AudioPresenter
from multigan.domains.image import domain as _image  # noqa: F401
from multigan.domains.points.domain import PointsDomain
from multigan.domains.points.presenter import PointsPresenter
from multigan.domains.series import domain as _series  # noqa: F401
from multigan.domains.series.presenter import SeriesPresenter
from multigan.domains.text import domain as _text  # noqa: F401
from multigan.evaluation import scoring
from multigan.report import page
from multigan.runs import checkpoint
from multigan.training import telling, trainer
from multigan.verbs import resume as _resume  # noqa: F401 - imported before the forks
from multigan.verbs import train as _train  # noqa: F401


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def at_save(number: int) -> Callable[[], bool]:
    """True at the ``number``-th asking."""
    count = 0

    def due() -> bool:
        nonlocal count
        count += 1
        return count == number

    return due


def before_write() -> None:
    due, save = at_save(2), torch.save
    torch.save = lambda *given: die() if due() else save(*given)


def half_written() -> None:
    due, save = at_save(2), torch.save

    def half(content: Any, file: BinaryIO) -> None:
        save(content, file)
        file.flush()
        if due():
            os.truncate(file.name, os.stat(file.name).st_size // 2)
            die()

    torch.save = half


def before_manifest() -> None:
    due, digest = at_save(2), checkpoint.sha256
    checkpoint.sha256 = lambda path: die() if due() else digest(path)


def before_fsync() -> None:
    due, flush = at_save(5), checkpoint.flush  # four a checkpoint
    checkpoint.flush = lambda path: die() if due() else flush(path)


def before_rename() -> None:
    due, rename = at_save(2), os.rename
    os.rename = lambda *given: die() if due() else rename(*given)


def after_rename() -> None:
    due, rename = at_save(2), os.rename

    def renamed(*given: Any) -> None:
        rename(*given)
        if due():
            die()

    os.rename = renamed


def while_pruning() -> None:
    remove = checkpoint.shutil.rmtree

    def removing(path: Path, **given: Any) -> None:
        if Path(path).name.endswith(".removing") and Path(path).exists():
            (Path(path) / "state.pt").unlink(missing_ok=True)  # a try before may have begun it
            die()
        remove(path, **given)

    checkpoint.shutil.rmtree = removing


def before_model() -> None:
    due, kept = at_save(2), trainer.Trainer.kept
    trainer.Trainer.kept = lambda self: die() if due() else kept(self)


def between_model_files() -> None:
    due, card = at_save(2), sys.modules["multigan.model.kept"].model_card
    sys.modules["multigan.model.kept"].model_card = lambda model: die() if due() else card(model)


def in_the_metrics() -> None:
    due, log = at_save(5), trainer.RunFolder.log

    def cut(self: Any, row: Any) -> None:
        if due():
            with self.metrics.open("a") as file:
                file.write(json.dumps(row)[:40])
            die()
        log(self, row)

    trainer.RunFolder.log = cut


def replacing(ending: str, number: int) -> Callable[[], None]:
    """A place: a file of that ending is written whole, and has not got its name."""

    def place() -> None:
        due, replace = at_save(number), os.replace

        def replaced(source: Any, target: Any) -> None:
            if str(target).endswith(ending) and due():
                die()
            replace(source, target)

        os.replace = replaced

    return place


def dawdle(owner: Any, name: str, seconds: float = 120) -> None:
    """Have a function say that it has been reached, and take its time."""
    function = getattr(owner, name)

    def slowly(*given: Any, **named: Any) -> Any:
        Path(os.environ["MULTIGAN_REACHED"]).touch()
        time.sleep(seconds)
        return function(*given, **named)

    setattr(owner, name, slowly)


def slow_save() -> None:
    dawdle(trainer, "save_checkpoint")


def slow_load() -> None:
    dawdle(PointsDomain, "load")


def slow_film() -> None:
    dawdle(telling, "save_animation")


def slow_page() -> None:
    dawdle(page, "render")


def slow_evaluation() -> None:
    dawdle(scoring.Scoring, "__call__", 1)


def without_hangup() -> None:
    """As ``nohup`` does."""
    signal.signal(signal.SIGHUP, signal.SIG_IGN)


def files_of(most: int) -> Callable[[], None]:
    """A place: no file may be larger than so many bytes, as on a disk that is full then."""
    return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (most, resource.RLIM_INFINITY))


LIMITS = {f"files_of_{most}": files_of(most) for most in (1000, 3000, 20_000, 100_000, 250_000)}

DEATHS = (
    before_write,
    half_written,
    before_manifest,
    before_fsync,
    before_rename,
    after_rename,
    while_pruning,
    before_model,
    between_model_files,
    in_the_metrics,
)
REPLACING = {
    "replacing_weights": replacing("model.safetensors", 2),
    "replacing_config": replacing("config.json", 2),
    "replacing_still": replacing(".png", 2),
    "replacing_film": replacing("training.webp", 1),
    "replacing_page": replacing("report.html", 1),
}
DELAYS = (slow_save, slow_load, slow_film, slow_page, slow_evaluation)
PATCHES: dict[str, Callable[[], None]] = {
    place.__name__: place for place in (*DEATHS, *DELAYS, without_hangup)
} | (REPLACING | LIMITS)


def child(request: dict[str, Any]) -> None:
    """Be the command."""
    os.setsid()
    # Whatever runs the tests may ignore some: nohup hangups, a shell's background its Ctrl-C.
    for number in (signal.SIGHUP, signal.SIGUSR1, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    resource.setrlimit(resource.RLIMIT_CPU, (600, 600))  # one that does not end fails, hangs nobody
    # A terminal becomes the one that it hangs up with only if it may be read too.
    mode = os.O_RDWR if request["output"].startswith("/dev/") else os.O_WRONLY
    output = os.open(request["output"], mode | os.O_CREAT | os.O_TRUNC)
    os.environ["MULTIGAN_REACHED"] = request["reached"]
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    for descriptor in (1, 2):
        os.dup2(output, descriptor)
    sys.stdout, sys.stderr = (os.fdopen(n, "w", buffering=1, closefd=False) for n in (1, 2))
    if request["patch"]:
        PATCHES[request["patch"]]()
    sys.argv = ["multigan", *request["arguments"]]
    try:
        cli.main()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()


def quick_sheet(*_: Any, **__: Any) -> Image.Image:
    return Image.new("RGB", (8, 8))


def main() -> None:
    torch.set_num_threads(1)
    assert matplotlib.backends.backend_agg
    for presenter in (AudioPresenter, PointsPresenter, SeriesPresenter):
        presenter.picture = quick_picture
    SeriesPresenter.sheet = quick_sheet
    audio_presenter.spectrogram_sheet = quick_sheet
    for line in sys.stdin:
        request = json.loads(line)
        if "wait" in request:
            _, status, used = os.wait4(request["wait"], 0)
            peak = used.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
            answer = f"{os.waitstatus_to_exitcode(status)} {peak}"
        else:
            pid = os.fork()
            if pid == 0:
                child(request)
                return
            answer = str(pid)
        print(answer, flush=True)


if __name__ == "__main__":
    main()
