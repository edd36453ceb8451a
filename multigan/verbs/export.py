"""``multigan export``: a generator for programs without Python or without multigan, as ONNX or as
torch's exported program, checked against our own output.

What is exported takes whatever the domain draws, ``noise`` ``(N, ...)`` where that is one tensor,
and, where the model was trained so, labels ``(N,)`` or what it makes samples from; it gives what
the critic sees: pictures in [-1, 1], normalised mels, series and points, waveforms, token ids."""

import json
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from multigan.adversarial.randomness import IndexedDraw, derive_seed
from multigan.asked import labels_of
from multigan.domains.base import Domain
from multigan.errors import UserError, reason
from multigan.model import Model
from multigan.resources import how_to_add

CLOSEST = 1e-3
"""How far the exported output may be from ours, in units of what the critic sees."""

_TRACED, _CHECKED = 3, 5  # samples of the trace, and of the check a different number
_CPU = torch.device("cpu")


@dataclass(frozen=True)
class _NotedDraw(IndexedDraw):
    """Writes down what is drawn, by its purpose; what is written down already is handed out."""

    drawn: dict[str, Tensor] = field(default_factory=dict)

    def _stack(self, function: Callable[..., Tensor], purpose: str, shape: Sequence[int]) -> Tensor:
        if purpose not in self.drawn:
            self.drawn[purpose] = super()._stack(function, purpose, shape)
        return self.drawn[purpose]


class _Maker(nn.Module):
    """What a domain makes with a generator, with all that is drawn or told as inputs."""

    def __init__(
        self, domain: Domain, generator: nn.Module, purposes: Sequence[str], told: bool
    ) -> None:
        super().__init__()
        self.generator = generator
        self.domain, self.purposes, self.told = domain, tuple(purposes), told

    def forward(self, *inputs: Tensor) -> Tensor:
        drawn = dict(zip(self.purposes, inputs[: len(self.purposes)], strict=True))
        draw = _NotedDraw(0, range(_TRACED), _CPU, drawn)
        return self.domain.make(self.generator, draw, inputs[-1] if self.told else None)


@torch.no_grad()
def export(model: Model, onnx: Path | None = None, torch_file: Path | None = None) -> str:
    """Write the generator to ``onnx`` or ``torch_file``; returns how near its output is to ours.

    Raises `UserError` where the networks or the libraries cannot, and for an output that is not
    ours."""
    if (onnx is None) == (torch_file is None):
        raise UserError("say what to write: --onnx FILE, or --torch FILE")
    if onnx is not None and not all(map(find_spec, ("onnx", "onnxscript", "onnxruntime"))):
        raise UserError(
            f"ONNX is written and checked by onnx, onnxscript and onnxruntime: {how_to_add('onnx')}"
        )
    model = model.to("cpu")
    maker, inputs = _maker(model)
    batch = torch.export.Dim("batch", min=1)
    shapes = (tuple({0: batch} for _ in inputs),)
    try:
        with warnings.catch_warnings():  # recurrent layers lay their weights together at each call
            warnings.filterwarnings("ignore", "The tensor attributes .* were assigned during expor")
            program = torch.export.export(maker, tuple(inputs.values()), dynamic_shapes=shapes)
    except Exception as error:  # torch has many ways to say what it cannot trace
        raise UserError(f"this generator cannot be exported by torch: {reason(error)}") from error
    path = onnx or torch_file
    assert path is not None
    path.parent.mkdir(parents=True, exist_ok=True)
    if torch_file is not None:
        about: dict[Any, Any] = _about(model)
        torch.export.save(program, torch_file, extra_files=about)
        return _compared(model, maker, torch.export.load(torch_file).module(), torch_file)
    _write_onnx(program, inputs, _about(model), path)
    return _compared(model, maker, _by_onnxruntime(path), path)


def _maker(model: Model) -> tuple[_Maker, dict[str, Tensor]]:
    """The program, and what it was tried on, by name."""
    told = _told(model, _TRACED)
    draw = IndexedDraw(derive_seed("generate", 0), range(_TRACED), _CPU)
    noted = _NotedDraw(draw.seed, draw.indices, _CPU)
    model.domain.make(model.generator.eval(), noted, next(iter(told.values()), None))
    maker = _Maker(model.domain, model.generator, tuple(noted.drawn), bool(told))
    return maker, _named(noted.drawn) | told


def _named(drawn: dict[str, Tensor]) -> dict[str, Tensor]:
    """What is drawn, by the names of inputs: where there is one thing, the noise."""
    return {"noise": next(iter(drawn.values()))} if len(drawn) == 1 else dict(drawn)


def _told(model: Model, n: int) -> dict[str, Tensor]:
    """What the generator is told for ``n`` samples beside what is drawn."""
    domain = model.domain
    if domain.condition_shape is not None:
        return {"condition": _made_up(domain.condition_shape, n)}
    if model.classes:
        return {"label": torch.tensor(labels_of(model.facts, n, None))}
    return {}


def _made_up(shape: Any, n: int) -> Tensor:
    if not isinstance(shape, tuple) or not all(isinstance(size, int) for size in shape):
        raise UserError(f"this model is told {shape}: only one tensor can be exported")
    return torch.rand(n, *shape, generator=torch.Generator().manual_seed(0)) * 2 - 1


def _about(model: Model) -> dict[str, str]:
    """What a program needs to know of the samples, and the files that turn them into what one
    reads."""
    about = {
        "title": model.recipe.title,
        "domain": model.recipe.domain,
        "classes": json.dumps(model.classes),
        "shape": json.dumps(list(model.facts.shape)),
    }
    with TemporaryDirectory() as folder:
        model.domain.save(Path(folder))
        files = {name: Path(folder, name).read_text("utf-8") for name in model.domain.assets}
    return about | files


def _write_onnx(program: Any, inputs: dict[str, Tensor], about: dict[str, str], path: Path) -> None:
    made = torch.onnx.export(
        program,
        tuple(inputs.values()),
        input_names=list(inputs),
        output_names=["sample"],
        dynamo=True,
        verbose=False,
    )
    assert made is not None
    made.model.metadata_props.update(about)
    made.save(path)


def _by_onnxruntime(path: Path) -> Callable[..., Tensor]:
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    names = [one.name for one in session.get_inputs()]

    def run(*inputs: Tensor) -> Tensor:
        fed = {name: value.numpy() for name, value in zip(names, inputs, strict=True)}
        return torch.from_numpy(np.asarray(session.run(None, fed)[0]))

    return run


def _compared(model: Model, ours: _Maker, theirs: Callable[..., Tensor], path: Path) -> str:
    """How far what was written is from us, on another number of samples than it was traced with."""
    told = _told(model, _CHECKED)
    noted = _NotedDraw(derive_seed("generate", 0), range(_CHECKED), _CPU)
    expected = model.domain.make(ours.generator, noted, next(iter(told.values()), None))
    inputs = _named(noted.drawn) | told
    far = float((theirs(*inputs.values()) - expected).abs().max())
    if not far < CLOSEST:
        path.unlink()
        raise UserError(f"{path}: its output is up to {far:.2g} from ours, so it is not kept")
    return f"{path}: {', '.join(inputs)} to sample; at most {far:.1e} from ours"
