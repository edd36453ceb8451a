"""Trained vocoders that make waveforms of our spectrograms: multigan's own, and pretrained ones of
transformers.

A vocoder knows only the mels it was trained on, so its front end must equal ours number by number;
what differs is named, not papered over: robotic or quiet speech from mixed mel conventions is the
oldest complaint about them."""

import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from multigan.bounded import read_bounded
from multigan.domains.audio.mel_settings import MelSettings
from multigan.domains.audio.settings import AudioRecipe
from multigan.errors import UserError, reason

_LARGEST = 1_000_000  # bytes of a config
PRETRAINED = ("univnet", "speecht5_hifigan")


@dataclass(frozen=True)
class Vocoder:
    """Natural-log mel magnitudes ``(N, M, T)``, under ``mel``, to waveforms ``(N, T · hop)``."""

    mel: MelSettings
    make: Callable[[Tensor], Tensor]
    name: str


def refuse_mismatch(one: str, ours: MelSettings, other: str, theirs: MelSettings) -> None:
    """Raise `UserError` that names both values of every number in which two front ends differ."""
    found = ours.differences(theirs)
    if found:
        raise UserError(f"the mel front ends of {one} and of {other} differ: {'; '.join(found)}")


def open_vocoder(source: Any, device: torch.device) -> Vocoder:
    """The vocoder of a trained multigan model, or in a folder or under a hub id of transformers.

    Raises `UserError` for what is none.
    """
    return _pretrained(str(source), device) if isinstance(source, str | Path) else _own(source)


def _model_type(folder: Path) -> str | None:
    """What transformers would call it; None if it is not transformers'."""
    try:
        content = json.loads(read_bounded(folder / "config.json", _LARGEST))
    except (OSError, ValueError, RecursionError):
        return None
    kind = content.get("model_type") if isinstance(content, dict) else None
    return kind if isinstance(kind, str) else None


def _folder(source: str, files: list[str]) -> Path:
    """The folder, or that of the hub id with ``files`` downloaded; raises `UserError`."""
    if Path(source).exists():
        return Path(source)
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError

    try:
        return Path(snapshot_download(source, allow_patterns=files))
    except (OSError, HfHubHTTPError, ValueError) as error:
        raise UserError(
            f"vocoder = {source} is no file or folder here, and as a hub id it failed: "
            f"{reason(error)}"
        ) from None


def _own(model: Any) -> Vocoder:
    """``model`` is a `multigan.Model`."""
    domain, name = model.domain, "the vocoder"
    recipe = model.recipe
    if not isinstance(recipe, AudioRecipe) or recipe.played != "vocoder":
        raise UserError(
            f"vocoder: a model with generator.network = {model.recipe.generator.network!r} is no "
            "vocoder"
        )
    front_end = domain.front_end.to(next(model.generator.parameters()).device)
    return Vocoder(
        front_end.settings, lambda x: model.generator(None, front_end.scaled(x)).squeeze(1), name
    )


def _pretrained(source: str, device: torch.device) -> Vocoder:
    import transformers

    kind = _model_type(_folder(source, ["*.json"]))
    if kind is None:
        raise UserError(f"vocoder = {source}: neither a multigan model nor one of transformers")
    if kind not in PRETRAINED:
        raise UserError(
            f"{source} is a {kind}; the pretrained vocoders known here are {', '.join(PRETRAINED)}"
        )
    folder = _folder(source, ["*.json", "*.safetensors"])  # only now: weights are large
    try:
        # Classes by their names: what the folder names as its own is neither asked for nor run.
        univnet = kind == "univnet"
        extractor = "UnivNetFeatureExtractor" if univnet else "SpeechT5FeatureExtractor"
        config: Any = getattr(transformers, extractor).from_pretrained(folder)
        wanted: Any = getattr(transformers, "UnivNetModel" if univnet else "SpeechT5HifiGan")
        _refuse_larger(wanted, folder)
        network = wanted.from_pretrained(folder, use_safetensors=True).eval().to(device)
    except UserError:
        raise
    except Exception as error:  # the settings are a stranger's: whatever they lead to is theirs
        raise UserError(f"{source} cannot be loaded by transformers: {reason(error)}") from None
    if kind == "univnet":
        fmax = config.fmax or config.sampling_rate / 2
        mel = _settings(config, config.filter_length or config.win_length, config.hop_length, fmax)
        floor = max(config.mel_floor, config.compression_clip_val)
        return Vocoder(
            MelSettings(**{**mel, "floor": floor}), lambda x: _univnet(network, x), source
        )
    per_second = config.sampling_rate / 1000  # its lengths are milliseconds
    n_fft = 1 << (int(config.win_length * per_second) - 1).bit_length()
    mel = _settings(config, n_fft, int(config.hop_length * per_second), config.fmax)
    made = MelSettings(**{**mel, "floor": config.mel_floor})
    return Vocoder(
        made, lambda x: network(x.transpose(1, 2) / math.log(10)), source
    )  # it takes decimal logs


def _refuse_larger(kind: Any, folder: Path) -> None:
    """Refuse settings of a network larger than the weights beside them, before any are made."""
    with torch.device("meta"):
        sketch = kind(kind.config_class.from_pretrained(folder))
    wanted = sum(tensor.numel() for tensor in sketch.state_dict().values())
    held = sum(path.stat().st_size for path in folder.glob("*.safetensors"))
    if wanted > held:  # no number takes less than a byte
        raise UserError(
            f"{folder}: its config.json describes {wanted:,} weights, its safetensors files hold "
            f"{held:,} bytes"
        )


def _settings(config: Any, n_fft: int, hop: int, fmax: float) -> dict[str, Any]:
    sizes = {"rate": config.sampling_rate, "n_fft": n_fft, "hop": hop, "mels": config.num_mel_bins}
    return sizes | {"fmin": float(config.fmin), "fmax": float(fmax)}


def _univnet(network: Any, log_mel: Tensor) -> Tensor:
    """Its noise is always the same, so that equal spectrograms give equal waveforms."""
    generator = torch.Generator().manual_seed(0)
    shape = (len(log_mel), log_mel.shape[-1], network.config.model_in_channels)
    noise = torch.randn(shape, generator=generator).to(log_mel)
    made: Tensor = network(input_features=log_mel.transpose(1, 2), noise_sequence=noise).waveforms
    return made
