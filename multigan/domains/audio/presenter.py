"""Sounds to hear, and their spectrograms to look at."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from multigan.atomic import write_atomically
from multigan.domains.audio.finish import check_finish, finished
from multigan.domains.audio.loops import at_tempo, check_tempo
from multigan.domains.audio.picture import (
    level_statistics,
    spectrogram,
    spectrogram_grid,
    spectrogram_sheet,
)
from multigan.domains.audio.pitch import note_name, pitch_of_file, read_notes
from multigan.domains.audio.sfz import sfz
from multigan.domains.audio.waveform import FORMATS, Waveform, joined, waveforms
from multigan.domains.presenter import Presenter
from multigan.domains.shown import Exhibit, Snapshot, picture_exhibit, png
from multigan.pictures.grid import beside

if TYPE_CHECKING:
    from multigan.domains.audio.domain import AudioDomain

_PLAYERS, _DRAWN = 12, 16  # clips one can listen to on a page, and look at


class AudioPresenter(Presenter):
    """Clips are `Waveform`."""

    domain: "AudioDomain"
    formats = FORMATS
    digits = 3
    keeps_names = True

    @property
    def pipeline_tag(self) -> str:
        """Its name on the hub."""
        return "audio-to-audio" if self.domain.needs_condition else ""

    def items(self, stored: Tensor) -> list[Waveform]:
        """int16 clips ``(N, S)`` or ``(N, 2, S)`` as waveforms."""
        rate = self.domain.recipe.front_end.mel.rate
        return [Waveform(samples.T, rate) for samples in waveforms(stored).numpy()]

    def finished(self, items: Sequence[Any], **writing: Any) -> list[Any]:
        """At another rate, faded, as loud as asked; loops at a tempo."""
        asked, learnt = writing.pop("tempo", None), self.domain.tempo
        check_tempo(asked, learnt is not None)
        if learnt is not None:
            beats = self.domain.recipe.data.beats
            items = at_tempo(items, asked or learnt, beats, writing.pop("rate", None))
        return finished(items, **writing) if writing else list(items)

    def check_writing(self, format: str, **writing: Any) -> None:
        """A format's rates and bits; the model's own rate where none is asked for; a tempo."""
        check_tempo(writing.pop("tempo", None), self.domain.tempo is not None)
        check_finish(format, **{"rate": self.domain.recipe.front_end.mel.rate, **writing})

    def title(self, index: int, label: str | None, **options: Any) -> str | None:
        """The note that was asked for."""
        if not options.get("pitch"):
            return None
        notes = read_notes(options["pitch"])
        return note_name(notes[index % len(notes)])

    def write_map(self, folder: Path, files: Sequence[tuple[str, str]]) -> list[Path]:
        """An SFZ instrument of each class."""
        written = []
        for label in dict.fromkeys(label for _, label in files):
            found = [
                (pitch, name)
                for name, one in files
                if one == label and (pitch := pitch_of_file(name)) is not None
            ]
            path = folder / f"{label or 'notes'}.sfz"
            write_atomically(path, sfz(found, f"{len(found)} notes, generated"))
            written.append(path)
        return written

    def write(self, items: Sequence[Any], folder: Path, format: str, start: int = 0) -> list[Path]:
        """One file a clip: ``000000.wav``, ..."""
        return [item.save(folder / f"{start + i:06d}.{format}") for i, item in enumerate(items)]

    def write_together(self, items: Sequence[Any], path: Path) -> None:
        """One file with the clips one after the other."""
        joined(items).save(path)

    def exhibits(self, items: Sequence[Any], about: str) -> list[Exhibit]:
        """Spectrograms, and players of the first clips."""
        drawn = spectrogram_sheet(items[:_DRAWN], columns=4)
        return [
            *picture_exhibit(drawn, f"spectrograms of {about}"),
            *self._players(items, about),
        ]

    def _players(self, items: Sequence[Any], about: str) -> list[Exhibit]:
        return [
            Exhibit("sound", clip.encoded("flac"), f"{about}, clip {i}", "audio/flac")
            for i, clip in enumerate(items[:_PLAYERS], 1)
        ]

    def gallery(self, items: Sequence[Any], about: str, names: Sequence[str] = ()) -> list[Exhibit]:
        """Players of the first clips, a spectrogram beside each."""
        return [
            replace(player, drawn=png(spectrogram(clip)), names=names[i : i + 1])
            for i, (player, clip) in enumerate(
                zip(self._players(items, about), items, strict=False)
            )
        ]

    def features(self, items: Sequence[Any]) -> np.ndarray:
        """Mean and spread of each mel band over time, and how the level goes, in decibels."""
        return np.stack([level_statistics(clip.decibels()) for clip in items])

    def sheet(self, items: Sequence[Any]) -> Image.Image:
        """Spectrograms of the clips, with axes in seconds and Hz."""
        return spectrogram_sheet(items)

    def picture(self, snapshot: Snapshot) -> Image.Image:
        """Generated spectrograms, with real ones beside them, each in the order of their labels."""
        labels = snapshot.labels
        order = (
            torch.arange(len(snapshot.fake))
            if labels is None
            else labels.cpu().argsort(stable=True)
        )
        spectrograms = (self.domain.task.drawn(x) for x in (snapshot.fake, snapshot.real))
        fake, real = (spectrogram_grid(x.cpu()[order]) for x in spectrograms)
        return beside(fake, real)
