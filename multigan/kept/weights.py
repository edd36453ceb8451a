"""Weights in safetensors files: names, shapes and sizes are compared with the network's before
anything is allocated, contents with the hash and for numbers that are none."""

import hashlib
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from multigan.atomic import flush, writing
from multigan.errors import CheckpointError, UserError, reason

WEIGHTS, CRITIC = "model.safetensors", "critic.safetensors"
_LARGEST = 2**30  # bytes of a file beside the weights
_NAMED = 3  # differences told at most

Layout = dict[str, tuple[int, ...]]
"""The shape of every tensor by its name."""


@contextmanager
def staged(folder: Path, networks: Mapping[str, nn.Module]) -> Iterator[dict[str, Path]]:
    """The weights of networks, by the names of their files, written beside those and flushed.

    Raises `DiskError` where the disk refuses."""
    scratch = folder / f".{WEIGHTS}.{os.getpid()}.writing"
    with writing(folder / WEIGHTS):
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir()
        try:
            for name, network in networks.items():
                state = network.state_dict()
                weights = {n: t.detach().cpu().contiguous() for n, t in state.items()}
                save_file(weights, scratch / name)
                flush(scratch / name)
            yield {name: scratch / name for name in networks}
        finally:
            shutil.rmtree(scratch, ignore_errors=True)


def sha256(path: Path) -> str:
    """The sha256 of a file, in hexadecimal; raises `CheckpointError` for what is no file."""
    if not path.is_file():
        raise CheckpointError(f"{path} is missing, or no regular file")
    try:
        if path.suffix == Path(WEIGHTS).suffix:
            with safe_open(path, "pt"):  # its header says how large it is, and it may be huge
                pass
        elif path.stat().st_size > _LARGEST:
            raise CheckpointError(f"{path} is damaged: it is larger than {_LARGEST:,} bytes")
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except SafetensorError as error:
        raise CheckpointError(
            f"{path} is damaged ({reason(error)}); copy the folder again, or "
            "`multigan resume` its run"
        ) from None
    except OSError as error:
        raise CheckpointError(f"{path} cannot be read: {reason(error)}") from None


_DRAWN = (torch.Tensor.normal_, nn.init.normal_, nn.init.trunc_normal_)


class _Undrawn(TorchFunctionMode):
    """No initial weights: drawing normal ones of no numbers makes torch load a second of code."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        given = kwargs or {}
        if func in _DRAWN:
            return args[0] if args else given["tensor"]
        return func(*args, **given)


def sketched(make: Callable[[], nn.Module], what: str) -> nn.Module:
    """A built-in network without the memory for its weights, however large they are.

    Raises `CheckpointError`, beginning with ``what``, for numbers that make none."""
    try:
        with torch.device("meta"), _Undrawn():
            return make()
    except UserError:
        raise
    except Exception as error:  # the numbers are a stranger's: whatever they lead to is theirs
        raise CheckpointError(f"{what} cannot be built: {reason(error)}") from None


def layout_of(network: nn.Module) -> Layout:
    """What a network keeps."""
    return {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}


def check_layout(path: Path, wanted: Layout) -> None:
    """Raise `CheckpointError` unless a file holds these tensors and no others."""
    found = _layout_in(path)
    wrong = [
        f"{name} {_shape(found.get(name))} instead of {_shape(wanted.get(name))}"
        for name in sorted(found.keys() | wanted.keys())
        if found.get(name) != wanted.get(name)
    ]
    if wrong:
        more = f", and {len(wrong) - _NAMED} more" if len(wrong) > _NAMED else ""
        raise CheckpointError(
            f"{path} is not of the network that config.json describes: it holds "
            f"{', '.join(wrong[:_NAMED])}{more}"
        )


def _layout_in(path: Path) -> Layout:
    """What a file says it holds; its data are not read."""
    if not path.is_file():
        raise CheckpointError(f"{path} is missing, or no regular file")
    try:
        with safe_open(path, framework="pt") as file:
            return {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118
    except (OSError, SafetensorError) as error:
        raise CheckpointError(f"{path} cannot be loaded: {reason(error)}") from None


def _shape(shape: tuple[int, ...] | None) -> str:
    return "nothing" if shape is None else str(list(shape))


def load_weights(network: nn.Module, path: Path) -> nn.Module:
    """A network with the weights of a file, ready to use; raises `CheckpointError`."""
    wanted = network.state_dict()
    check_layout(path, layout_of(network))
    weights = read_weights(path)
    for name, tensor in weights.items():
        if tensor.dtype != wanted[name].dtype:
            raise CheckpointError(
                f"{path}: {name} is {tensor.dtype}, the network's is {wanted[name].dtype}"
            )
    network.load_state_dict(weights)
    return network.eval().requires_grad_(False)


def read_weights(path: Path) -> dict[str, Tensor]:
    """The tensors of a file by their names; raises `CheckpointError`, also for numbers that are
    none."""
    try:
        weights = load_file(path)
    except (OSError, SafetensorError) as error:
        raise CheckpointError(f"{path} cannot be loaded: {reason(error)}") from None
    for name, tensor in weights.items():
        if tensor.is_floating_point() and not bool(tensor.isfinite().all()):
            raise CheckpointError(f"{path}: {name} holds NaN or infinite numbers")
    return weights
