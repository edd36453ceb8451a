"""The tasks of sounds by name."""

from multigan.domains.audio.cleaning import CleanTask
from multigan.domains.audio.tasks import MelTask, SoundTask, SpectrumTask, VocoderTask

TASKS: dict[str, type[SoundTask]] = {
    "mel": MelTask,
    "spectrum": SpectrumTask,
    "vocoder": VocoderTask,
    "clean": CleanTask,
}
