"""Where benchmark figures go: one JSON file a benchmark under ``results/DEVICE/``."""

import json
import platform
import re
import statistics
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import torch

RESULTS = Path(__file__).parent / "results"


def device_name(device: torch.device) -> str:
    """A folder name for a device: ``cpu-2-threads``, ``nvidia-h200``."""
    if device.type == "cuda":
        return re.sub(r"[^a-z0-9]+", "-", torch.cuda.get_device_name(device).lower()).strip("-")
    return f"{device.type}-{torch.get_num_threads()}-threads"


def record(name: str, device: torch.device, figures: Any) -> Path:
    """Write figures with what they were measured on; returns the file."""
    folder = RESULTS / device_name(device)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.json"
    where = {
        "torch": torch.__version__,
        "python": platform.python_version(),
        "date": date.today().isoformat(),
    }
    path.write_text(json.dumps({"measured_on": where, "figures": figures}, indent=1) + "\n")
    return path


def spread(values: Sequence[float]) -> str:
    """``mean ± standard deviation (worst–best)`` of some values."""
    deviation = statistics.stdev(values) if len(values) > 1 else 0.0
    return f"{statistics.mean(values):.3f} ± {deviation:.3f} ({min(values):.3f}–{max(values):.3f})"
