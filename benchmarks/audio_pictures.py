"""The pictures and sounds of the README: generated clips above real unseen ones, and some of them
to listen to.

    python benchmarks/audio_pictures.py runs/audio-drums-001 recipes/audio/drums --data unseen.zip

Writes OUT.png and OUT.flac: the first two clips of every label from seed 0, none chosen.
"""

import argparse
from itertools import islice
from pathlib import Path

import torch

import multigan
from multigan.domains.audio.domain import AudioDomain
from multigan.domains.audio.picture import spectrogram_sheet
from multigan.domains.audio.waveform import Waveform, joined

_EACH = 2  # clips of a label
_ROW = 8


def real_clips(
    domain: AudioDomain, data: str | None, classes: int
) -> tuple[list[Waveform], list[int]]:
    """The first unseen clips of every label, and their labels."""
    test = domain.ruler.real_samples(data).test
    labels = torch.zeros(len(test), dtype=torch.long) if test.labels is None else test.labels
    each = _EACH if classes > 1 else 2 * _ROW
    rows = [i for k in range(classes) for i in islice((labels == k).nonzero()[:, 0].tolist(), each)]
    return domain.presenter.items(test.samples[rows]), labels[rows].tolist()


def main() -> None:
    """Write both files."""
    parser = argparse.ArgumentParser()
    parser.add_argument("run")
    parser.add_argument("out", type=Path)
    parser.add_argument("--data", help="unseen real sounds; by default the recipe's test split")
    options = parser.parse_args()
    model = multigan.load(options.run)
    names, classes = model.classes or ("",), len(model.classes) or 1
    asked = [k for k in range(classes) for _ in range(_EACH)] if model.classes else None
    made = model.generate(len(asked) if asked else 2 * _ROW, label=asked)
    domain = model.domain
    assert isinstance(domain, AudioDomain)
    real, labels = real_clips(domain, options.data, classes)
    titles = [f"made {names[k]}" for k in asked or [0] * len(made)]
    titles += [f"real {names[k]}" for k in labels]
    columns = 10 if len(made) % 10 == 0 else _ROW
    spectrogram_sheet(made + real, titles, columns).save(
        options.out.with_suffix(".png"), optimize=True
    )
    joined(made).save(options.out.with_suffix(".flac"))


if __name__ == "__main__":
    main()
