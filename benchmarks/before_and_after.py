"""Images a second of two versions of the code, in turns: CPU time of one thread, set-up taken off.

python benchmarks/before_and_after.py CHECKOUT_BEFORE CHECKOUT_AFTER
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile

TIMED = """
import json, sys, time, multigan
def seconds(samples, out):
    settings = {"train.samples": samples, "train.log_every": 10**9, "train.sample_every": 10**9,
                "train.save_every": 10**9, "data.source": "digits", **json.loads(sys.argv[2])}
    began = time.process_time()
    multigan.train(sys.argv[1], settings=settings, out=out, device="cpu", quiet=True)
    return time.process_time() - began
few, many = (int(n) for n in sys.argv[3:5])
seconds(few, "once")
print((many - few) / (seconds(many, "many") - seconds(few, "few")))
"""
GAMES = {"image/digits": ({}, 320, 1920), "image/mnist": ({}, 128, 384)}
TURNS = 3


def speed(checkout: str, recipe: str) -> float:
    """Images a second of a recipe by the code in ``checkout``."""
    settings, few, many = GAMES[recipe]
    told = [recipe, json.dumps(settings), str(few), str(many)]
    environment = os.environ | {"PYTHONPATH": os.path.abspath(checkout), "OMP_NUM_THREADS": "1"}
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-c", TIMED, *told]
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
