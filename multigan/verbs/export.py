"""``multigan export``: a generator for programs without Python or without multigan, as ONNX or as
torch's exported program, checked against our own output.

What is exported takes noise ``(N, ...)`` and, where the model was trained so, labels ``(N,)`` or
what it makes samples from; it gives what the critic sees: pictures in [-1, 1], normalised mels,
series and points, waveforms."""

import json
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from multigan.adversarial.randomness import IndexedDraw, derive_seed
from multigan.asked import labels_of
from multigan.errors import UserError, reason
from multigan.model import Model

CLOSEST = 1e-3
"""How far the exported output may be from ours, in units of what the critic sees."""

_CHECKED = 5  # samples of the check, and of the trace a different number


class _Maker(nn.Module):
    """The generator with only what it is told as inputs."""

    def __init__(self, generator: nn.Module, noisy: bool, told: bool) -> None:
        super().__init__()
        self.generator, self.noisy, self.told = generator, noisy, told

    def forward(self, *inputs: Tensor) -> Tensor:
        rest = list(inputs)
        noise = rest.pop(0) if self.noisy else None
        condition = rest.pop(0) if self.told else None
        made: Tensor = self.generator(noise, condition)
        return made


@torch.no_grad()
def export(model: Model, onnx: Path | None = None, torch_file: Path | None = None) -> str:
    """Write the generator to ``onnx`` or ``torch_file``; returns how near its output is to ours.

    Raises `UserError` where the networks or the libraries cannot, and for an output that is not
    ours."""
    if (onnx is None) == (torch_file is None):
        raise UserError("say what to write: --onnx FILE, or --torch FILE")
    if onnx is not None and not all(map(find_spec, ("onnx", "onnxscript", "onnxruntime"))):
        raise UserError(
            "ONNX is written and checked by onnx, onnxscript and onnxruntime: pip "
            "install 'multigan[onnx]'"
        )
    model = model.to("cpu")
    names, inputs = _inputs(model, 3)
    maker = _Maker(model.generator.eval(), "noise" in names, len(names) > ("noise" in names))
    batch = torch.export.Dim("batch", min=1)
    shapes = (tuple({0: batch} for _ in inputs),)
    try:
        program = torch.export.export(maker, inputs, dynamic_shapes=shapes)
    except Exception as error:  # torch has many ways to say what it cannot trace
        raise UserError(f"this generator cannot be exported by torch: {reason(error)}") from error
    if torch_file is not None:
        torch.export.save(program, torch_file)
        return _compared(model, maker, torch.export.load(torch_file).module(), torch_file)
    assert onnx is not None
    _write_onnx(program, inputs, names, model, onnx)
    return _compared(model, maker, _by_onnxruntime(onnx), onnx)


def _inputs(model: Model, n: int) -> tuple[list[str], tuple[Tensor, ...]]:
    """What the generator is told for ``n`` samples, and how it is called."""
    domain = model.domain
    noise = domain.noise(IndexedDraw(derive_seed("generate", 0), range(n), torch.device("cpu")))
    if noise is not None and not isinstance(noise, Tensor):
        raise UserError(
            f"{model.recipe.domain}: its samples are drawn step by step, with noise at each; only "
            "a generator of one pass can be exported"
        )
    found: dict[str, Tensor] = {} if noise is None else {"noise": noise}
    if model.classes and domain.condition_shape is None:
        found["label"] = torch.tensor(labels_of(model.facts, n, None))
    elif domain.condition_shape is not None:
        found["condition"] = _made_up(domain.condition_shape, n)
    return list(found), tuple(found.values())


def _made_up(shape: Any, n: int) -> Tensor:
    if not isinstance(shape, tuple) or not all(isinstance(size, int) for size in shape):
        raise UserError(f"this model is told {shape}: only one tensor can be exported")
    return torch.rand(n, *shape, generator=torch.Generator().manual_seed(0)) * 2 - 1


def _write_onnx(
    program: Any, inputs: tuple[Tensor, ...], names: list[str], model: Model, path: Path
) -> None:
    made = torch.onnx.export(
        program, inputs, input_names=names, output_names=["sample"], dynamo=True, verbose=False
    )
    assert made is not None
    about = {
        "title": model.recipe.title,
        "domain": model.recipe.domain,
        "classes": json.dumps(model.classes),
        "shape": json.dumps(list(model.facts.shape)),
    }
    made.model.metadata_props.update(about)
    path.parent.mkdir(parents=True, exist_ok=True)
    made.save(path)


def _by_onnxruntime(path: Path) -> Callable[..., Tensor]:
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    names = [one.name for one in session.get_inputs()]

    def run(*inputs: Tensor) -> Tensor:
        fed = {name: value.numpy() for name, value in zip(names, inputs, strict=True)}
        return torch.from_numpy(np.asarray(session.run(None, fed)[0]))

    return run


def _compared(model: Model, ours: nn.Module, theirs: Callable[..., Tensor], path: Path) -> str:
    """How far what was written is from us, on another number of samples than it was traced with."""
    names, inputs = _inputs(model, _CHECKED)
    far = float((theirs(*inputs) - ours(*inputs)).abs().max())
    if not far < CLOSEST:
        path.unlink()
        raise UserError(f"{path}: its output is up to {far:.2g} from ours, so it is not kept")
    return f"{path}: {', '.join(names)} to sample; at most {far:.1e} from ours"
