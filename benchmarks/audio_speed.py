"""How fast a trained model makes clips on one thread, its mel-to-waveform inverse included.

    python benchmarks/audio_speed.py runs/audio-digits-001 [--vocoder runs/audio-vocoder-8k-001]

Processor time of `Model.generate`, the fastest of some repeats; with ``--vocoder`` also by that
instead of Griffin-Lim."""

import argparse
import time
from typing import Any

import torch
from record import record

import multigan


def times_real_time(
    model: multigan.Model, count: int, repeats: int, **options: Any
) -> dict[str, float]:
    """Seconds of sound a second of processor time, and clips a second."""
    model.generate(16, **options)
    times = []
    for _ in range(repeats):
        began = time.process_time()
        clips = model.generate(count, **options)
        times.append(time.process_time() - began)
    seconds = sum(len(clip.samples) / clip.sample_rate for clip in clips)
    return {"times real time": seconds / min(times), "clips a second": count / min(times)}


def main() -> None:
    """Measure and record."""
    parser = argparse.ArgumentParser()
    parser.add_argument("run")
    parser.add_argument("--vocoder")
    parser.add_argument("--clips", type=int, default=512)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    torch.set_num_threads(1)
    model = multigan.load(options.run, device="cpu")
    rows = {"Griffin-Lim": times_real_time(model, options.clips, options.repeats)}
    if options.vocoder:
        rows["vocoder"] = times_real_time(
            model, options.clips, options.repeats, vocoder=options.vocoder
        )
    for name, row in rows.items():
        print(f"{name:12}" + "  ".join(f"{key} {value:,.0f}" for key, value in row.items()))
    print(record("audio_speed", torch.device("cpu"), rows))


if __name__ == "__main__":
    main()
