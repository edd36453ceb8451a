"""``multigan doctor``: versions, devices, disk, and what will not work here and why."""

import importlib
import os
import platform
import shutil
import tempfile
import time
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Literal

from rich.text import Text

from multigan.errors import reason
from multigan.terminal import Console, safe

Verdict = Literal["ok", "note", "problem"]
Finding = tuple[Verdict, str]

_PACKAGES = (
    "torch",
    "torchvision",
    "torchaudio",
    "transformers",
    "librosa",
    "soundfile",
    "scikit-learn",
)
_MODULES = {"scikit-learn": "sklearn"}
_LITTLE_DISK = 2  # GiB


def examine(console: Console | None = None) -> bool:
    """Print every finding; returns whether nothing is broken."""
    console = console or Console()
    healthy = True
    for verdict, text in findings():
        sign = {
            "ok": ("ok  ", "green"),
            "note": ("note", "yellow"),
            "problem": ("fail", "red"),
        }[verdict]
        console.print(Text.assemble(sign, f"  {safe(text)}"))
        healthy &= verdict != "problem"
    return healthy


def findings() -> Iterator[Finding]:
    """All findings, one after the other."""
    yield (
        "ok",
        f"Python {platform.python_version()} on {platform.platform()}, {os.cpu_count()} cores",
    )
    for package in _PACKAGES:
        yield _package(package)
    yield from _devices()
    from multigan.resources import cache_folder

    yield _disk(Path.cwd(), "run folders")
    yield _disk(cache_folder(), "decoded data; set MULTIGAN_CACHE to move them")
    yield from _cache()
    compiler = shutil.which("g++") or shutil.which("clang++")
    if compiler is None:
        yield (
            "note",
            "no C++ compiler: train.compile = true will not work on the CPU; all else does",
        )


def _cache() -> Iterator[Finding]:
    """Every entry of decoded data, read as a whole; what is damaged is removed."""
    from multigan.domains.cache import entries, remove
    from multigan.domains.entry import Damaged

    sound = 0
    for entry in entries():
        try:
            entry.check(whole=True)
            sound += 1
        except Damaged as damage:
            remove(entry)
            yield (
                "note",
                f"decoded data damaged and removed, to be made anew: {entry.folder} ({damage})",
            )
    yield "ok", f"decoded data: {sound} entries are as they were written (multigan cache)"


def _package(name: str) -> Finding:
    try:
        installed = version(name)
    except PackageNotFoundError:
        return "problem", f"{name} is not installed: pip install multigan"
    try:
        importlib.import_module(_MODULES.get(name, name))
    except Exception as error:  # a broken binary may raise anything
        return (
            "problem",
            f"{name} {installed} does not import: {reason(error)}. Install torch, torchvision, "
            "torchaudio "
            "together",
        )
    return "ok", f"{name} {installed}"


def _devices() -> Iterator[Finding]:
    try:
        import torch
    except Exception:  # said above, with the reason
        return
    if torch.cuda.is_available():
        for i in range(torch.cuda.device_count()):
            free, total = (b / 2**30 for b in torch.cuda.mem_get_info(i))
            yield (
                "ok",
                f"cuda:{i} {torch.cuda.get_device_name(i)}, {free:.1f} of {total:.1f} GiB free",
            )
    else:
        built = torch.version.cuda
        why = (
            f"no NVIDIA GPU or driver was found (torch is built for CUDA {built})"
            if built
            else "torch is built without it"
        )
        yield "note", f"CUDA: {why}"
    if torch.backends.mps.is_available():
        yield "ok", "mps (Apple GPU)"
    yield "ok", f"cpu, {torch.get_num_threads()} threads"


def _disk(folder: Path, purpose: str) -> Finding:
    there = next(p for p in [folder, *folder.parents] if p.exists())
    free = shutil.disk_usage(there).free / 2**30
    try:
        with tempfile.NamedTemporaryFile(dir=there) as file:
            began = time.perf_counter()
            file.write(b"\0" * 2**24)
            file.flush()
            os.fsync(file.fileno())
            speed = 16 / (time.perf_counter() - began)
    except OSError as error:
        return "problem", f"{folder} cannot be written ({error.strerror}): {purpose}"
    text = f"{folder}: {free:.0f} GiB free, {speed:.0f} MiB/s ({purpose})"
    return ("note" if free < _LITTLE_DISK else "ok"), text
