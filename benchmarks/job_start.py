"""How long a training job takes to its first step: a fresh process, the default study's first run.

python benchmarks/job_start.py [--repetitions 5]
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import measure
import numpy as np
from ganbench.study.resolve import resolve

JOB = """
import json, sys, time
from pathlib import Path
sys.path.insert(0, sys.argv[1])
parts, before = {}, time.perf_counter()

def took(name):
    global before
    now = time.perf_counter()
    parts[name] = now - before
    before = now

import torch
took("importing torch")
from ganbench.training.run import start_run
from ganbench.training.step import adversarial_step
took("importing ganbench.training")
import numpy as np
real = torch.from_numpy(np.load(sys.argv[2]))
run = start_run(json.loads(sys.argv[3]), "digits", 0, real)
took("data, networks, optimizers")
adversarial_step(run.game, 1)
took("the first step")
print(json.dumps(parts))
"""


def main() -> None:
    """Starts one process after another and prints the medians of each part."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repetitions", type=int, default=5)
    options = parser.parse_args()
    study = {"study": "start", "datasets": {"digits": {}}, "variants": {"minimax": {}}}
    parameters = resolve(study, "start")["runs"]["digits"]["minimax"]
    readings: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "train.npy"
        np.save(data, np.random.default_rng(0).integers(0, 256, (1000, 1, 8, 8)).astype(np.uint8))
        scripts = measure.ROOT / "workflow/scripts"
        command = [sys.executable, "-c", JOB, str(scripts), str(data), json.dumps(parameters)]
        for _ in range(options.repetitions):
            started = time.perf_counter()
            done = subprocess.run(command, check=True, capture_output=True, text=True)
            whole = time.perf_counter() - started
            parts = json.loads(done.stdout)
            for name, value in {**parts, "the whole process": whole}.items():
                readings.setdefault(name, []).append(value)
    measure.show("job_start", measure.table(readings, "s"))


if __name__ == "__main__":
    main()
