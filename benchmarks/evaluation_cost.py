"""What each distribution measure costs: seconds and peak memory at N embeddings of D dimensions.

    python benchmarks/evaluation_cost.py --count 10000 50000 --dimension 128 2048

The embeddings are Gaussian: the cost does not depend on what they mean. Every N and D has a process
of its own, in which the measures run one after the other; the peak is that of the process so far,
less torch and the embeddings."""

import argparse
import multiprocessing
import resource
import time
from collections.abc import Callable
from typing import Any

import torch
from record import record
from torch import Tensor

from multigan.measures.compare import K
from multigan.measures.frechet import frechet_distance
from multigan.measures.kernel import kernel_distance
from multigan.measures.manifold import manifold_overlap
from multigan.measures.neighbours import memorisation, two_sample_accuracy
from multigan.measures.sliced import sliced_wasserstein


def measures(real: Tensor, fake: Tensor, train: Tensor) -> dict[str, Callable[[], Any]]:
    """Every measure of ``real``, ``fake`` and ``train``, each ``(N, D)``."""
    return {
        "Fréchet distance": lambda: frechet_distance(real, fake),
        "kernel distance": lambda: kernel_distance(real, fake),
        "MIND": lambda: sliced_wasserstein(real, fake),
        "precision to coverage": lambda: manifold_overlap(real, fake, K),
        "1-NN accuracy": lambda: two_sample_accuracy(real, fake),
        "nearness to training samples": lambda: memorisation(fake, real, train),
    }


def cost(count: int, dimension: int, device: str, row: Any) -> None:
    """Put ``{measure: {seconds, peak_mib}}`` into ``row``."""
    torch.manual_seed(0)
    at = torch.device(device)
    sets = [torch.randn(count, dimension, device=at) for _ in range(3)]
    before = _peak(at)
    for name, measure in measures(*sets).items():
        start = time.perf_counter(), time.process_time()
        measure()
        seconds, processor = time.perf_counter() - start[0], time.process_time() - start[1]
        row[name] = {
            "seconds": seconds,
            "processor_seconds": processor,
            "peak_mib": _peak(at) - before,
        }
        print(f"  {name:30} {seconds:7.1f} s   peak {row[name]['peak_mib']:7,.0f} MiB", flush=True)


def _peak(device: torch.device) -> float:
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 2**20
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    """Print and record the table."""
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--count", type=int, nargs="+", default=[10_000, 50_000])
    arguments.add_argument("--dimension", type=int, nargs="+", default=[128])
    arguments.add_argument("--device", default="cpu")
    given = arguments.parse_args()
    figures = []
    context = multiprocessing.get_context("spawn")
    with context.Manager() as manager:
        for count in given.count:
            for dimension in given.dimension:
                print(f"N {count:,}, D {dimension:,}, {given.device}")
                row = manager.dict()
                worker = context.Process(target=cost, args=(count, dimension, given.device, row))
                worker.start()
                worker.join()
                assert worker.exitcode == 0, "out of memory, or an error above"
                figures.append({"count": count, "dimension": dimension, "measures": dict(row)})
    print(record("evaluation-cost", torch.device(given.device), figures))


if __name__ == "__main__":
    main()
