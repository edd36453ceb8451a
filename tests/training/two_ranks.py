"""Two processes over gloo, forked after the imports: prints what each of the named scenes gave, as
JSON.

``python two_ranks.py FOLDER``; run by test_processes.py.
"""

import json
import os
import socket
import sys
from pathlib import Path
from typing import Any

import torch
from torch import nn

from multigan.training.distributed import Processes, join_processes


def unequal_counts(processes: Processes) -> Any:
    gradients = [torch.ones(3)] * (2 if processes.first else 1)
    return _error(lambda: processes.synchronise(gradients, "critic"))


def unequal_sizes(processes: Processes) -> Any:
    return _error(
        lambda: processes.synchronise([torch.ones(3 if processes.first else 4)], "generator")
    )


def average(processes: Processes) -> Any:
    gradients = [torch.full((2, 2), float(processes.rank)), torch.full((3,), 4.0 * processes.rank)]
    same = [g.data_ptr() for g in gradients]
    processes.synchronise(gradients, "critic")
    assert same == [g.data_ptr() for g in gradients]
    return [g.tolist() for g in gradients]


def any_raises(processes: Processes) -> Any:
    return [processes.any(processes.rank == 1), processes.any(False), processes.any(True)]


def told_with_gradients(processes: Processes) -> Any:
    found = [processes.told(processes.rank == 1)]
    for flag in (False, False):
        processes.synchronise([torch.ones(2)], "critic")
        found.append(processes.told(flag))
    return found


def mean(processes: Processes) -> Any:
    return [processes.mean({"a": float(processes.rank), "b": 3.0}), processes.mean({})]


def share(processes: Processes) -> Any:
    return processes.share({"path": f"of rank {processes.rank}"})


def broadcast(processes: Processes) -> Any:
    torch.manual_seed(processes.rank)
    network = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))
    network[1].running_mean += processes.rank
    processes.broadcast(network)
    return [t.tolist() for t in network.state_dict().values()]


def drift(processes: Processes) -> Any:
    network = nn.Linear(2, 2)
    processes.broadcast(network)
    processes.check_equal(network)
    with torch.no_grad():
        network.weight[0, 0] += 1e-6 * processes.rank
    return _error(lambda: processes.check_equal(network))


def part(processes: Processes) -> Any:
    return list(processes.part(8))


def _error(action: Any) -> str:
    try:
        action()
    except RuntimeError as error:
        return str(error)
    return "no error"


SCENES = (
    *(unequal_counts, unequal_sizes, average, any_raises, told_with_gradients, mean, share),
    *(broadcast, drift, part),
)


def main(folder: Path) -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT=str(port), WORLD_SIZE="2")
    children = []
    for rank in range(2):
        child = os.fork()
        if child == 0:
            os.environ.update(RANK=str(rank), LOCAL_RANK=str(rank))
            processes = join_processes("cpu")
            results = {scene.__name__: scene(processes) for scene in SCENES}
            (folder / f"{rank}.json").write_text(json.dumps(results))
            processes.barrier()
            processes.close()
            os._exit(0)
        children.append(child)
    return max(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
