"""Everything that is measured of speed, by one command, as a table beside what is aimed at:

    python benchmarks/speed.py [--pictures 100000]

Twenty minutes on two cores, which must be idle for the rows on the clock. Every part is a benchmark
of its own, which records its figures in `results/DEVICE/`; the table is written there too."""

import argparse
import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
from record import RESULTS, device_name

PARTS: dict[str, Sequence[str]] = {
    "dcgan_speed": (),
    "text_speed": (),
    "start_speed": (),
    "processes_speed": ("image/digits",),
}
_EXAMPLE = "×{:.2f} · ×{:.2f}"


class Row(NamedTuple):
    """A line of the table."""

    measure: str
    goal: str
    found: Callable[[dict[str, Any]], str]
    """What was found, from the figures of all parts by their names."""


def _beside(variant: str, example: str) -> Callable[[dict[str, Any]], str]:
    def found(figures: dict[str, Any]) -> str:
        rows = [figures["dcgan-speed"][shape]["pictures"] for shape in ("64x32", "32x64")]
        return _EXAMPLE.format(*(r[variant]["a_second"] / r[example]["a_second"] for r in rows))

    return found


def _penalties(precision: str) -> Callable[[dict[str, Any]], str]:
    def found(figures: dict[str, Any]) -> str:
        rows = [figures["dcgan-speed"][shape]["penalties"] for shape in ("64x32", "32x64")]
        bare, due = f"{precision}, no penalty", f"{precision}, R1 and R2"
        return _EXAMPLE.format(*(r[bare]["a_second"] / r[due]["a_second"] for r in rows))

    return found


def _processes(way: str, beside: str) -> Callable[[dict[str, Any]], str]:
    def found(figures: dict[str, Any]) -> str:
        row = next(iter(figures["processes-speed"].values()))
        return f"×{row[way]['a_second'] / row[beside]['a_second']:.2f}"

    return found


def _decoded(source: str) -> Callable[[dict[str, Any]], str]:
    def found(figures: dict[str, Any]) -> str:
        rows = figures["decoding-speed"]
        ours, alone = rows[f"multigan, {source}, first start"], rows["Pillow alone, again"]
        return f"×{ours['pictures_a_second'] / alone['pictures_a_second']:.2f}"

    return found


ROWS = (
    Row(
        "pictures, ours in bf16 with samples reused ÷ example in fp32 (64×64 · 32×32)",
        "≥ 2.0 · ≥ 1.7",
        _beside("bf16, samples reused", "example, fp32"),
    ),
    Row("the same ÷ example in bf16", "", _beside("bf16, samples reused", "example, bf16")),
    Row("ours in fp32 ÷ example in fp32", "", _beside("fp32", "example, fp32")),
    Row("a round without penalties ÷ with R1 and R2, fp32", "≤ 1.5", _penalties("fp32")),
    Row("the same in bf16", "≤ 1.5", _penalties("bf16")),
    Row("two processes ÷ one thread", "≥ 1.8", _processes("two processes", "one thread")),
    Row("two processes ÷ two threads", "≥ 1.1", _processes("two processes", "two threads")),
    Row("two threads ÷ one thread", "≥ 1", _processes("two threads", "one thread")),
    Row(
        "sentences ÷ transformers' generate (transformer · GRU)",
        "≥ 5",
        lambda f: _EXAMPLE.format(*(f["text_speed"][n]["times"] for n in ("transformer", "gru"))),
    ),
    Row("pictures of a folder decoded ÷ Pillow alone, on the clock", "≥ 1.8", _decoded("folder")),
    Row("of a zip", "≥ 1.8", _decoded("zip")),
    *(
        Row(f"{what}: {unit}", goal, lambda f, what=what: str(f["start-speed"][what]))
        for what, unit, goal in (
            ("train to the first round", "processor seconds", "≤ 2.5"),
            (
                "share of its looks",
                "of a run of 6,400 samples, without the page at its end",
                "≤ .02",
            ),
            ("evaluate", "processor seconds", "≤ 3.5"),
            ("report", "processor seconds", "≤ 3"),
        )
    ),
)


def main() -> None:
    """Run every part, write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pictures", type=int, default=100_000)
    pictures = str(parser.parse_args().pictures)
    here = Path(__file__).parent
    for name, given in {**PARTS, "decoding_speed": ("--pictures", pictures)}.items():
        subprocess.run([sys.executable, here / f"{name}.py", *given], check=True)
    torch.set_num_threads(1)
    folder = RESULTS / device_name(torch.device("cpu"))
    figures = {
        part: json.loads((folder / f"{part}.json").read_text())["figures"]
        for part in ("dcgan-speed", "text_speed", "start-speed", "processes-speed")
    }
    kept = folder / f"decoding-speed-{pictures}.json"
    figures["decoding-speed"] = json.loads(kept.read_text())["figures"]
    lines = ["| measure | here | goal |", "|---|---|---|"]
    lines += [f"| {row.measure} | {row.found(figures)} | {row.goal} |" for row in ROWS]
    print("\n".join(lines))
    (folder / "speed.md").write_text("\n".join(lines) + "\n", "utf-8")


if __name__ == "__main__":
    main()
