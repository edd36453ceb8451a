"""What ends a training early: numbers that are none, memory that runs out, devices that are not
there."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import pytest
import torch
from own_networks import BreakingCritic
from train_help import POINTS, Recording, last_state, options, ran, rows_of, trainer_of

import multigan
from multigan.adversarial.game import Game
from multigan.adversarial.player import NonFiniteError
from multigan.devices import multiply_in_tf32, pick_device
from multigan.errors import UserError
from multigan.runs.checkpoint import newest_checkpoint
from multigan.training.feed import Feed

# NaN comes in round 13.
BREAKING = {"critic.network": "own_networks:BreakingCritic", "critic.options": {"after": 12}}
SETTINGS = POINTS | {"train.save_every": 32 * 4, "train.log_every": 32 * 4}


def check_what_is_left(run: Path) -> None:
    """The last good checkpoint, a model that works, and the event in the metrics."""
    state = last_state(run)
    assert state["samples"] == 32 * 12
    for player in ("generator", "critic"):
        for tensor in state["game"][player]["network"].values():
            assert tensor.isfinite().all()
        for moments in state["game"][player]["optimiser"].values():
            assert all(value.isfinite().all() for value in moments.values())
    *ticks, event = rows_of(run)
    assert [row["samples"] for row in ticks] == [128, 256, 384]
    assert event["samples"] == 32 * 13
    assert len(event["diagnoses"]) == 1
    assert event["diagnoses"][0].startswith("non-finite: non-finite objective")


@pytest.mark.parametrize("network", ["critic", "generator"])
def test_nan_ends_the_training_and_names_network_and_term(tmp_path: Path, network: str) -> None:
    with pytest.raises(NonFiniteError) as caught:
        multigan.train(
            "points/ring",
            settings=SETTINGS,
            critic=BreakingCritic(after=12, phase=network),
            out=tmp_path / "run",
            device="cpu",
            quiet=True,
        )
    assert caught.value.network == network
    assert {"objective", "gradient"} <= set(caught.value.terms)
    assert caught.value.clock == 32 * 13
    assert "objective" in str(caught.value)
    assert f"the {network}'s phase" in str(caught.value)
    assert f"game.{network}.lr" in str(caught.value)
    check_what_is_left(tmp_path / "run")


def test_the_bad_update_is_not_applied(tmp_path: Path) -> None:
    trainer = trainer_of("points/ring", SETTINGS, tmp_path / "run", critic=BreakingCritic(after=12))
    with pytest.raises(NonFiniteError):
        trainer.fit()
    for network in (
        trainer.game.generator.network,
        trainer.game.critic.network,
        trainer.game.ema.network,
    ):
        assert all(p.isfinite().all() for p in network.parameters())


class InfiniteGenerator(torch.nn.Module):
    """Its output grows without limit once it is trained."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = torch.nn.Linear(2, 2)

    def forward(self, noise: torch.Tensor, condition: Any = None) -> torch.Tensor:
        return self.layer(noise) * float("inf" if self.training else 1)


def test_a_generator_that_breaks_at_once(tmp_path: Path) -> None:
    with pytest.raises(NonFiniteError):
        multigan.train(
            "points/ring",
            settings=SETTINGS,
            generator=InfiniteGenerator(),
            out=tmp_path / "run",
            device="cpu",
            quiet=True,
        )
    assert newest_checkpoint(tmp_path / "run") is None
    assert [row["samples"] for row in rows_of(tmp_path / "run")] == [32]


def test_nan_on_the_command_line(tmp_path: Path) -> None:
    settings = SETTINGS | BREAKING
    done = ran(
        "train",
        "points/ring",
        "--out",
        str(tmp_path / "run"),
        "--device",
        "cpu",
        *options(settings),
    )
    assert done.returncode == 3, done.stderr
    assert "Traceback" not in done.stderr
    message = " ".join(done.stderr.split())
    assert "non-finite objective" in message
    assert "critic's phase" in message
    assert "multigan resume" in message
    check_what_is_left(tmp_path / "run")


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB"),
        MemoryError(),
        RuntimeError(
            "[enforce fail at alloc_cpu.cpp:127] . DefaultCPUAllocator: can't allocate memory"
        ),
    ],
    ids=["device", "python", "host"],
)
@pytest.mark.parametrize("accumulate", [1, 4])
def test_out_of_memory_names_the_key_to_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception, accumulate: int
) -> None:
    def exhausted(*arguments: object) -> int:
        raise error

    monkeypatch.setattr(Game, "round", exhausted)
    trainer = trainer_of("points/ring", POINTS | {"train.accumulate": accumulate}, tmp_path / "run")
    with pytest.raises(UserError, match="out of memory on cpu") as caught:
        trainer.fit()
    assert f"train.accumulate = {2 * accumulate}" in str(caught.value)
    assert "train.batch = 32" in str(caught.value)


def test_other_errors_stay_what_they_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def bug(*arguments: object) -> int:
        raise RuntimeError("a bug")

    monkeypatch.setattr(Game, "round", bug)
    closed: list[Feed] = []
    monkeypatch.setattr(Feed, "close", lambda feed: closed.append(feed))
    trainer = trainer_of("points/ring", POINTS, tmp_path / "run")
    with pytest.raises(RuntimeError, match="a bug"):
        trainer.fit()
    assert closed == [trainer.feed]


def test_a_full_disk_while_saving_is_plain(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trainer = trainer_of("points/ring", SETTINGS, tmp_path / "run")
    save, saved = torch.save, []

    def full(content: object, file: BinaryIO) -> None:
        if saved:
            raise OSError(28, "No space left on device")
        saved.append(file.name)
        save(content, file)

    monkeypatch.setattr(torch, "save", full)
    with pytest.raises(UserError, match="No space left on device") as caught:
        trainer.fit()
    assert f"{256:012d} cannot be written" in str(caught.value)
    assert last_state(tmp_path / "run")["samples"] == 128


def test_a_batch_larger_than_the_data(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="larger than the data"):
        multigan.train(
            "image/digits",
            settings={"train.batch": 1500},
            out=tmp_path / "run",
            device="cpu",
            quiet=True,
        )
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("settings", "given"),
    [({}, {"device": "nonsense"}), ({"generator.network": "no_such_module:Class"}, {})],
    ids=["device", "network"],
)
def test_a_mistake_does_not_use_up_the_run_folder(
    tmp_path: Path, settings: dict[str, Any], given: dict[str, Any]
) -> None:
    out = tmp_path / "run"
    with pytest.raises(UserError):
        multigan.train("points/ring", settings=POINTS | settings, out=out, quiet=True, **given)
    run = multigan.train("points/ring", settings=POINTS, out=out, device="cpu", quiet=True)
    assert last_state(run.folder)["samples"] == POINTS["train.samples"]


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Pretends to be a machine with so many GPUs."""

    def pretend(gpus: int = 0, mps: bool = False) -> list[Any]:
        chosen: list[Any] = []
        monkeypatch.setattr(torch.cuda, "is_available", lambda: gpus > 0)
        monkeypatch.setattr(torch.cuda, "device_count", lambda: gpus)
        monkeypatch.setattr(torch.cuda, "set_device", chosen.append)
        monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)
        return chosen

    return pretend


@pytest.mark.parametrize(
    ("gpus", "mps", "name", "device"),
    [
        (0, False, "auto", "cpu"),
        (0, True, "auto", "mps"),
        (2, True, "auto", "cuda:0"),
        (2, False, "cpu", "cpu"),
        (2, False, "cuda", "cuda:0"),
        (2, False, "cuda:1", "cuda:1"),
    ],
)
def test_devices(machine: Any, gpus: int, mps: bool, name: str, device: str) -> None:
    chosen = machine(gpus, mps)
    assert pick_device(name) == torch.device(device)
    assert chosen == ([torch.device(device)] if device.startswith("cuda") else [])


def test_every_process_has_its_own_gpu(machine: Any) -> None:
    machine(2)
    assert [pick_device("auto", rank).index for rank in (0, 1)] == [0, 1]
    with pytest.raises(UserError, match="has 2 GPUs"):
        pick_device("auto", 2)


@pytest.mark.parametrize("name", ["cuda", "cuda:0", "mps"])
def test_a_device_that_is_not_there(machine: Any, name: str) -> None:
    machine()
    with pytest.raises(UserError, match="not available here") as caught:
        pick_device(name)
    assert name in str(caught.value)
    assert "--device cpu" in str(caught.value)


@pytest.mark.parametrize("name", ["tpu", "gpu", "", "cpu:zero", "cuda:one", "cuda:-1", "cuda:0:1"])
def test_a_name_that_is_no_device(machine: Any, name: str) -> None:
    machine(1)
    with pytest.raises(UserError, match="--device"):
        pick_device(name)


def test_a_gpu_too_many(machine: Any) -> None:
    machine(1)
    with pytest.raises(UserError, match="has 1 GPU"):
        pick_device("cuda:7")


def test_notes_of_the_data_are_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from PIL import Image

    folder, display = tmp_path / "pictures", Recording()
    folder.mkdir()
    for i in range(20):
        Image.new("L", (8, 8), i).save(folder / f"{i:02d}.png")
    (folder / "broken.png").write_bytes(b"no picture")
    monkeypatch.setattr("multigan.verbs.session.display_here", lambda quiet: display)
    multigan.train(
        "image/mlp-mnist",
        data=folder,
        settings={"data.size": 8, "train.batch": 4, "train.samples": 8, "generator.width": 4},
        out=tmp_path / "run",
        device="cpu",
    )
    assert any("broken.png" in note for note in display.notes)


@pytest.fixture
def as_before() -> Iterator[None]:
    products, convolutions = torch.backends.cuda.matmul, torch.backends.cudnn
    before = products.allow_tf32, convolutions.allow_tf32
    yield
    products.allow_tf32, convolutions.allow_tf32 = before


@pytest.mark.parametrize("convolutions", [False, True])
@pytest.mark.usefixtures("as_before")
def test_tf32_is_of_matrix_products_alone(convolutions: bool) -> None:
    products = torch.backends.cuda.matmul
    products.allow_tf32, torch.backends.cudnn.allow_tf32 = False, convolutions
    multiply_in_tf32(torch.device("cpu"), True)
    assert not products.allow_tf32
    for allowed in (True, False):
        multiply_in_tf32(torch.device("cuda"), allowed)
        assert products.allow_tf32 is allowed
        assert torch.backends.cudnn.allow_tf32 is convolutions
