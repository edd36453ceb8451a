"""`load` as a type checker sees it: where the kind of data is said, it knows what a sample is."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, overload

from multigan.model.kept import Model
from multigan.model.kept import load as load_any

if TYPE_CHECKING:  # the one place above the domains that knows their samples, and only by type
    import numpy as np
    import torch
    from PIL.Image import Image
    from torch import nn

    from multigan.domains.audio.waveform import Waveform
    from multigan.domains.series.presenter import Series


@overload
def load(
    source: str | Path,
    *,
    domain: Literal["image"],
    device: "str | torch.device" = ...,
    generator: "nn.Module | None" = ...,
    trust_code: bool = ...,
    revision: str | None = ...,
) -> "Model[Image]": ...


@overload
def load(
    source: str | Path,
    *,
    domain: Literal["text"],
    device: "str | torch.device" = ...,
    generator: "nn.Module | None" = ...,
    trust_code: bool = ...,
    revision: str | None = ...,
) -> "Model[str]": ...


@overload
def load(
    source: str | Path,
    *,
    domain: Literal["audio"],
    device: "str | torch.device" = ...,
    generator: "nn.Module | None" = ...,
    trust_code: bool = ...,
    revision: str | None = ...,
) -> "Model[Waveform]": ...


@overload
def load(
    source: str | Path,
    *,
    domain: Literal["series"],
    device: "str | torch.device" = ...,
    generator: "nn.Module | None" = ...,
    trust_code: bool = ...,
    revision: str | None = ...,
) -> "Model[Series]": ...


@overload
def load(
    source: str | Path,
    *,
    domain: Literal["points"],
    device: "str | torch.device" = ...,
    generator: "nn.Module | None" = ...,
    trust_code: bool = ...,
    revision: str | None = ...,
) -> "Model[np.ndarray]": ...


@overload
def load(
    source: str | Path,
    *,
    domain: str | None = ...,
    device: "str | torch.device" = ...,
    generator: "nn.Module | None" = ...,
    trust_code: bool = ...,
    revision: str | None = ...,
) -> Model: ...


def load(source: str | Path, *, domain: str | None = None, **loading: Any) -> Model[Any]:
    """Load a model from a run folder, a model folder or a hub id, as `multigan.model.load` says in
    full; where ``domain`` names the kind of data, a type checker knows what its samples are."""
    return load_any(source, domain=domain, **loading)
