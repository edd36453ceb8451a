"""Which device to train on, and what to say when its memory runs out."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache

import torch

try:
    import resource
except ImportError:  # Windows has none
    resource = None  # type: ignore[assignment]

from multigan.errors import UserError


def pick_device(name: str | torch.device = "auto", local_rank: int = 0) -> torch.device:
    """``auto`` picks CUDA, then MPS, then the CPU. Raises `UserError` for a device that is not
    there."""
    name = str(name)
    cuda, mps = torch.cuda.is_available(), torch.backends.mps.is_available()
    if name == "auto":
        name = "cuda" if cuda else "mps" if mps else "cpu"
    kind = name.split(":")[0]
    if kind not in ("cpu", "cuda", "mps"):
        raise UserError(f"--device {name}: unknown; allowed: auto, cpu, cuda, cuda:N, mps")
    if (kind == "cuda" and not cuda) or (kind == "mps" and not mps):
        raise UserError(
            f"--device {name}: not available here; `multigan doctor` says why. Use --device cpu"
        )
    if name == "cuda":
        name = f"cuda:{local_rank}"
    try:
        device = torch.device(name)
    except RuntimeError:
        raise UserError(
            f"--device {name}: unknown; allowed: auto, cpu, cuda, cuda:N, mps"
        ) from None
    if device.type == "cuda":
        if (device.index or 0) >= torch.cuda.device_count():
            raise UserError(
                f"{name} does not exist: this machine has {torch.cuda.device_count()} GPUs"
            )
        torch.cuda.set_device(device)
    return device


def multiply_in_tf32(device: torch.device, allowed: bool) -> None:
    """Have matrix products on CUDA take TF32, or not; convolutions are left as PyTorch has them."""
    if device.type == "cuda":
        torch.backends.cuda.matmul.allow_tf32 = allowed


def multiplies_bf16(device: torch.device) -> bool:
    """Whether a device has units for bf16, so that it is faster there than fp32."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    known = torch.cpu.get_capabilities() if device.type == "cpu" else {}
    return bool(known.get("amx_bf16") or known.get("avx512_bf16"))


@contextmanager
def explaining_out_of_memory(device: torch.device, batch: int, accumulate: int) -> Iterator[None]:
    """Turn a device (or host) without memory into a `UserError` that says the peak and the key to
    lower."""
    try:
        yield
    except Exception as error:
        if not isinstance(
            error, torch.OutOfMemoryError | MemoryError
        ) and "can't allocate memory" not in str(error):
            raise
        peak = torch.cuda.max_memory_allocated(device) / 2**30 if device.type == "cuda" else None
        held = f" (peak {peak:.1f} GiB)" if peak is not None else ""
        raise UserError(
            f"out of memory on {device}{held}: set train.accumulate = {accumulate * 2} for the "
            "same training in less "
            f"memory, or lower train.batch = {batch}, the networks' width, or train.precision = "
            "'bf16'"
        ) from error


@lru_cache(256)
def placed(values: tuple[float, ...], device: torch.device, dtype: torch.dtype) -> torch.Tensor:
    """Numbers on a device, put there once: copied at every step they would make the host wait for
    it. Not to be written to."""
    with torch.inference_mode(False):
        return torch.tensor(values, device=device, dtype=dtype)


def float64(x: torch.Tensor) -> torch.Tensor:
    """``x`` in double precision: on the CPU where its device has none, as Apple's MPS."""
    return (x.cpu() if x.device.type == "mps" else x).double()


def free_memory(device: torch.device) -> int | None:
    """Free bytes on a CUDA device; None elsewhere."""
    return torch.cuda.mem_get_info(device)[0] if device.type == "cuda" else None


def peak_memory(device: torch.device) -> dict[str, int]:
    """The most memory that this process has held, in MiB: of the host, and of a CUDA device what
    tensors took."""
    found = {}
    if resource is not None:
        unit = 2**20 if sys.platform == "darwin" else 2**10  # bytes there, KiB elsewhere
        found["host"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // unit
    if device.type == "cuda":
        found["device"] = torch.cuda.max_memory_allocated(device) // 2**20
    return found
