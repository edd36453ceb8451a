"""Pretrained vocoders of transformers: loaded when their mel settings are ours, refused by name
when not."""

import json
import os
from pathlib import Path

import huggingface_hub
import pytest
import torch
from transformers import (
    SpeechT5FeatureExtractor,
    SpeechT5HifiGan,
    SpeechT5HifiGanConfig,
    UnivNetConfig,
    UnivNetFeatureExtractor,
    UnivNetModel,
    ViTConfig,
)

from multigan.domains.audio.mel_settings import MelSettings
from multigan.domains.audio.vocoders import open_vocoder, refuse_mismatch
from multigan.errors import UserError

CPU = torch.device("cpu")


def univnet(folder: Path) -> Path:
    config = UnivNetConfig(
        model_in_channels=4,
        model_hidden_channels=4,
        num_mel_bins=16,
        resblock_kernel_sizes=[3],
        resblock_stride_sizes=[4],
        resblock_dilation_sizes=[[1, 3]],
        kernel_predictor_hidden_channels=4,
    )
    UnivNetModel(config).save_pretrained(folder)
    UnivNetFeatureExtractor(
        sampling_rate=8000,
        num_mel_bins=16,
        hop_length=4,
        win_length=64,
        filter_length=64,
        fmax=4000.0,
    ).save_pretrained(folder)
    return folder


def hifigan(folder: Path) -> Path:
    config = SpeechT5HifiGanConfig(
        model_in_dim=16,
        upsample_initial_channel=8,
        upsample_rates=[4, 2],
        upsample_kernel_sizes=[8, 4],
        resblock_kernel_sizes=[3],
        resblock_dilation_sizes=[[1]],
    )
    SpeechT5HifiGan(config).save_pretrained(folder)
    SpeechT5FeatureExtractor(
        sampling_rate=8000, num_mel_bins=16, hop_length=1, win_length=8, fmin=0, fmax=4000
    ).save_pretrained(folder)
    return folder


@pytest.mark.parametrize(
    ("make", "mel"),
    [
        (univnet, MelSettings(8000, 64, 4, 16, 0.0, 4000.0, 1e-5)),
        (hifigan, MelSettings(8000, 64, 8, 16, 0.0, 4000.0, 1e-10)),
    ],
)
def test_pretrained_vocoders_make_a_hop_of_samples_a_frame(
    make, mel: MelSettings, tmp_path: Path
) -> None:
    vocoder = open_vocoder(str(make(tmp_path)), CPU)
    refuse_mismatch("this model", mel, vocoder.name, vocoder.mel)
    with torch.no_grad():
        made = vocoder.make(torch.randn(2, 16, 20))
        again = vocoder.make(torch.zeros(2, 16, 20)) - vocoder.make(torch.zeros(2, 16, 20))
    assert made.shape == (2, 20 * mel.hop)
    assert torch.isfinite(made).all()
    assert not again.any()


def test_a_field_that_differs_is_named_with_both_values(tmp_path: Path) -> None:
    vocoder = open_vocoder(str(univnet(tmp_path)), CPU)
    ours = MelSettings(8000, 64, 8, 16, 0.0, 4000.0, 1e-4)
    with pytest.raises(UserError, match="hop: 8 against 4; floor: 0.0001 against 1e-05"):
        refuse_mismatch("this model", ours, vocoder.name, vocoder.mel)


def test_what_is_no_vocoder_says_so(tmp_path: Path) -> None:
    ViTConfig().save_pretrained(tmp_path)
    with pytest.raises(UserError, match="is a vit; the pretrained vocoders known here are univnet"):
        open_vocoder(str(tmp_path), CPU)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"model_hidden_channels": 10**6}, "describes"),
        ({"model_hidden_channels": "many"}, "cannot be loaded"),
        ({"model_type": ["univnet"]}, "neither a multigan model nor one of transformers"),
    ],
)
def test_a_strangers_vocoder_is_refused_before_it_is_made(
    change: dict, said: str, tmp_path: Path
) -> None:
    folder = univnet(tmp_path)
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(UserError, match=said):
        open_vocoder(str(folder), CPU)


@pytest.mark.parametrize("change", [{}, {"model_hidden_channels": 10**6}])
def test_a_vocoder_of_the_hub_is_held_against_the_weights_that_were_downloaded(
    change: dict, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = univnet(tmp_path / "snapshot")
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    asked: list[tuple[str, list[str]]] = []

    def download(source: str, allow_patterns: list[str]) -> str:
        asked.append((source, allow_patterns))
        return str(folder)

    monkeypatch.setattr(huggingface_hub, "snapshot_download", download)
    monkeypatch.chdir(tmp_path)
    if change:
        with pytest.raises(UserError, match=r"describes [\d,]+ weights"):
            open_vocoder("somebody/univnet", CPU)
    else:
        assert open_vocoder("somebody/univnet", CPU).name == "somebody/univnet"
    assert asked == [
        ("somebody/univnet", ["*.json"]),
        ("somebody/univnet", ["*.json", "*.safetensors"]),
    ]


def test_code_of_a_strangers_vocoder_is_not_imported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = univnet(tmp_path)
    (folder / "own.py").write_text("from pathlib import Path\nPath('canary').touch()\n")
    monkeypatch.chdir(tmp_path)
    for name in ("config.json", "preprocessor_config.json"):
        content = json.loads((folder / name).read_text())
        content["auto_map"] = {"AutoModel": "own.Net", "AutoFeatureExtractor": "own.Net"}
        (folder / name).write_text(json.dumps(content))
    open_vocoder(str(folder), CPU)
    assert not Path("canary").exists()


def test_a_pipe_for_a_config_does_not_hang(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "config.json")
    with pytest.raises(UserError, match="neither a multigan model"):
        open_vocoder(str(tmp_path), CPU)
