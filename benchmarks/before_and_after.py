"""Images a second of two versions of the code, in turns: CPU time of one thread, round to round.

python benchmarks/before_and_after.py CHECKOUT_BEFORE CHECKOUT_AFTER
"""

import os
import statistics
import subprocess
import sys
import tempfile

TIMED = """
import statistics, sys, time, torch, multigan
from multigan.training.trainer import Trainer

torch.set_num_threads(1)
began, play, rounds, batch = [], Trainer._round, int(sys.argv[2]), 64
def timed(*given):
    began.append(time.process_time())
    return play(*given)
Trainer._round = timed
never = {f"train.{what}_every": 10**9 for what in ("log", "sample", "save")}
settings = {"data.source": "digits", "train.batch": batch, "train.samples": rounds * batch, **never}
multigan.train(sys.argv[1], settings=settings, out="run", device="cpu", quiet=True)
each = [after - before for before, after in zip(began[3:], began[4:])]
print(batch / statistics.median(each))
"""
GAMES = {"image/digits": 80, "image/mnist": 24}  # rounds
TURNS = 5


def speed(checkout: str, recipe: str) -> float:
    """Images a second of a recipe by the code in ``checkout``, in its median round."""
    environment = os.environ | {"PYTHONPATH": os.path.abspath(checkout), "OMP_NUM_THREADS": "1"}
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-c", TIMED, recipe, str(GAMES[recipe])]
        done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    if done.returncode:
        sys.exit(done.stderr)
    return float(done.stdout.splitlines()[-1])


if __name__ == "__main__":
    for game in GAMES:
        pairs = [[speed(checkout, game) for checkout in sys.argv[1:3]] for _ in range(TURNS)]
        told = [
            f"{statistics.median(column):,.0f} ({min(column):,.0f} to {max(column):,.0f}) {name}"
            for name, column in zip(("before", "after"), zip(*pairs, strict=True), strict=True)
        ]
        print(f"{game}: {', '.join(told)}", flush=True)
