"""Reading a checkpoint's state, which may be a stranger's: nothing of it runs, and it takes no more
memory than its file holds."""

import pickle
import pickletools
import zipfile
from pathlib import Path
from typing import Any

import torch

from multigan.errors import CheckpointError, reason

_OF_A_NUMBER = ("bytearray", "_rebuild_qtensor")
"""What torch lets a file call, beside classes of tensors, that takes memory by a number alone."""


def read_state(path: Path, device: torch.device | str) -> dict[str, Any]:
    """What ``torch.save`` wrote, with the tensors on ``device``.

    Raises `CheckpointError` for what claims more than the file holds, and for what is anything but
    tensors, numbers and text."""
    try:
        _refuse_inflated(path)
        state: dict[str, Any] = torch.load(path, map_location=device, weights_only=True)
    except torch.OutOfMemoryError:
        raise
    except pickle.UnpicklingError:
        raise CheckpointError(
            f"{path} holds more than tensors, numbers and text, or is damaged (weights_only); "
            "remove its folder and resume from the checkpoint before it"
        ) from None
    except (OSError, RuntimeError, ValueError, LookupError, zipfile.BadZipFile) as error:
        raise CheckpointError(f"{path} cannot be read: {reason(error)}") from None
    return state


def _refuse_inflated(path: Path) -> None:
    if not path.is_file():
        raise CheckpointError(f"{path} is missing, or no regular file")
    with zipfile.ZipFile(path) as archive:
        held = path.stat().st_size
        claimed = sum(entry.file_size for entry in archive.infolist())
        # A comment could hide a second list of entries, which another reader would take.
        if claimed > held or archive.comment:
            raise CheckpointError(
                f"{path} claims {claimed:,} bytes and holds {held:,}: multigan wrote no such "
                "checkpoint"
            )
        pickles = [name for name in archive.namelist() if name.endswith("data.pkl")]
        called = {name for entry in pickles for name in _called(archive.read(entry))}
    wrong = [n for n in sorted(called) if n in _OF_A_NUMBER or n.endswith("Tensor")]
    if wrong:
        raise CheckpointError(f"{path} calls {wrong[0]}: multigan wrote no such checkpoint")


def _called(content: bytes) -> set[str]:
    """The names, without their modules, that a pickle takes from outside."""
    found = (arg for code, arg, _ in pickletools.genops(content) if code.name == "GLOBAL")
    return {str(arg).rpartition(" ")[2] for arg in found}
