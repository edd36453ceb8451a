"""Whether made loops close: `gap` and `jump` at their seam, as `multigan evaluate` has them; beside
real loops that nobody was trained on, and the same cut off the beat.

    python benchmarks/loop_seams.py runs/audio-loops-001 runs/without-circle --sheet loops.png

``cut off the beat``: .6 to .95 of a real loop, from a random place; ``on a line``: the model
without its circle. ``jump, 95 %`` is exceeded by a twentieth of the loops."""

import argparse
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

sys.path.insert(0, str(Path(__file__).parent))
from record import record

import multigan
from multigan.adversarial.randomness import stream
from multigan.domains.audio.domain import AudioDomain
from multigan.domains.audio.picture import spectrogram_sheet
from multigan.domains.audio.seams import jumps, seams
from multigan.domains.audio.stretch import stretched
from multigan.domains.audio.waveform import Waveform, waveforms
from multigan.recipe.load import load_recipe

_SHORTEST, _LONGEST = 0.6, 0.95
_SHOWN = 8
_SLOW = 96  # beats a minute


def main() -> None:
    """Measure the seams of real loops and of those that models make."""
    parser = argparse.ArgumentParser()
    parser.add_argument("models", nargs="+")
    parser.add_argument("-n", type=int, default=300)
    parser.add_argument("--sheet", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(1)
    table: dict[str, dict[str, float]] = {}
    for i, source in enumerate(options.models):
        model = multigan.load(source)
        domain = model.domain
        assert isinstance(domain, AudioDomain)
        rate = domain.recipe.front_end.mel.rate
        test = torch.as_tensor(domain.ruler.real_samples().test.samples)
        some = test[:: -(-len(test) // options.n)]
        real, back = (waveforms(clips) for clips in (some, domain.ruler.returned(some)))
        made = waveforms(torch.cat([domain.stored(x) for x in model.representations(options.n)]))
        if not i:
            table["real, unseen"] = row(list(real), rate)
            table["real, cut off the beat"] = row(off_the_beat(real), rate)
        circle = "circle" if domain.recipe.front_end.circular else "line"
        table[f"{source} ({circle}): there and back"] = row(list(back), rate)
        table[f"{source} ({circle}): made"] = row(list(made), rate)
        slow = round(60 * domain.recipe.data.beats * rate / _SLOW)
        table[f"{source} ({circle}): made, {_SLOW} a minute"] = row(
            list(stretched(made, slow, rate)), rate
        )
        if domain.recipe.front_end.circular:
            table[f"{source}: the same weights on a line"] = row(
                list(on_a_line(model, options.n)), rate
            )
        if options.sheet and not i:
            items = domain.presenter.items((made[:_SHOWN] * 32767).round().short())
            # Twice in turn, so that the seam is in the middle.
            spectrogram_sheet([twice(item) for item in items]).save(options.sheet)
    for name, values in table.items():
        print(f"{name:45s}", values)
    record("loop_seams", torch.device("cpu"), table)


@torch.no_grad()
def on_a_line(model: multigan.Model, count: int) -> Tensor:
    """What a model's weights make in networks and a front end for which time is no circle."""
    facts = model.facts
    mel = facts.constants["mel"] | {"circular": False}
    recipe = load_recipe(model.recipe.to_dict(), {"front_end.circular": False})
    domain = AudioDomain(recipe, replace(facts, constants=facts.constants | {"mel": mel}))
    network = domain.network("generator").eval()
    network.load_state_dict(model.generator.state_dict())
    line = multigan.Model(domain, network, model.clock)
    return waveforms(torch.cat([domain.stored(x) for x in line.representations(count)]))


def off_the_beat(loops: Tensor) -> list[Tensor]:
    """A part of each of loops ``(N, S)``, from anywhere in it."""
    size = loops.shape[1]
    numbers = torch.rand(len(loops), 2, generator=stream("cpu", 0, "off the beat"))
    lengths = (size * (_SHORTEST + (_LONGEST - _SHORTEST) * numbers[:, 0])).long().tolist()
    starts = (size * numbers[:, 1]).long().tolist()
    found = zip(loops, starts, lengths, strict=True)
    return [loop.roll(-start)[:length] for loop, start, length in found]


def row(loops: list[Tensor], rate: int) -> dict[str, float]:
    """Means over loops, and the jump that a twentieth exceeds."""
    found = [seams(loop[None], rate) for loop in loops]
    worst = torch.cat([jumps(loop[None]) for loop in loops]).quantile(0.95).item()
    means = {key: sum(one[key] for one in found) / len(found) for key in found[0]}
    return {"N": len(loops), **{key: round(value, 3) for key, value in means.items()}} | {
        "jump, 95 %": round(worst, 2)
    }


def twice(item: Waveform) -> Waveform:
    """A loop played twice."""
    return replace(item, samples=np.tile(item.samples, 2))


if __name__ == "__main__":
    main()
