r"""Whether notes are where they were asked for: heard by a tracker, beside the built-in notes that
nobody was trained on.

    python benchmarks/asked_notes.py runs/audio-notes-001 --sheet notes.png

``in tune`` is the share heard within a quarter tone of what was asked, ``cents`` the median
distance of those that have a pitch, ``pitch`` and ``harmonics`` as `multigan evaluate` has them."""

import argparse
import sys
from pathlib import Path

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).parent))
from record import record

import multigan
from multigan.domains.audio.notes import INSTRUMENTS, RATE, Note
from multigan.domains.audio.picture import spectrogram_sheet
from multigan.domains.audio.pitch import heard_pitch, note_name, read_notes
from multigan.domains.audio.tonal import pitch_probability


def main() -> None:
    """Make the notes of every class, listen to them, and to real ones."""
    parser = argparse.ArgumentParser()
    parser.add_argument("model")
    parser.add_argument("--pitch", default="C3,F3,C4,F4,C5,F5")
    parser.add_argument("--sheet", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(1)
    model, notes = multigan.load(options.model), read_notes(options.pitch)
    labels = list(model.classes) or [None]
    made = [
        clip
        for label in labels
        for clip in model.generate(len(notes), label=label, pitch=options.pitch)
    ]
    real = [Note(name, pitch, "test", 0).sound() for name in INSTRUMENTS for pitch in notes]
    rate = made[0].sample_rate
    table = {
        "built-in, unseen": listened([(sound, RATE) for sound in real], notes * len(INSTRUMENTS)),
        f"made, {model.clock:,} samples seen": listened(
            [(clip.samples, rate) for clip in made], notes * len(labels)
        ),
    }
    for name, row in table.items():
        print(name, row)
    record("asked_notes", torch.device("cpu"), table)
    if options.sheet:
        titles = [f"{label or ''} {note_name(note)}" for label in labels for note in notes]
        spectrogram_sheet(made, titles, len(notes)).save(options.sheet)


def listened(sounds: list[tuple[np.ndarray, int]], asked: list[int]) -> dict[str, float]:
    """What a tracker hears of sounds."""
    heard = [heard_pitch(sound, rate) for sound, rate in sounds]
    far = [abs(one - note) for one, note in zip(heard, asked, strict=True) if one is not None]
    tonal = np.mean([pitch_probability(sound, rate) for sound, rate in sounds], 0)
    return {
        "N": len(sounds),
        "in tune": round(sum(one < 0.5 for one in far) / len(sounds), 3),
        "cents": round(100 * float(np.median(far)), 1) if far else float("nan"),
        "pitch": round(float(tonal[0]), 3),
        "harmonics": round(float(tonal[1]), 3),
    }


if __name__ == "__main__":
    main()
