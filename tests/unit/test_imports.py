"""Jobs import what they need and no more: the rest takes some longer than their work."""

import subprocess
import sys

import pytest
from project import ROOT

SCORE = """
import torch
from ganbench.evaluation import score, classifier_training, reference
from ganbench.evaluation.classifier import CLASSIFIER
CLASSIFIER.update(steps=2)
images = torch.zeros(8, 1, 8, 8, dtype=torch.uint8)
classifier_training.train_classifier(images, torch.arange(8) % 2, "d")
"""

PREPARE = """
import sys, tempfile
from pathlib import Path
from ganbench.datasets.prepare import DatasetFiles, prepare
from ganbench.study.resolve import resolve
study = {"study": "s", "datasets": {KIND: {}}, "variants": {"minimax": {}}}
with tempfile.TemporaryDirectory() as folder:
    prepare(
        name=KIND,
        dataset=resolve(study, "s")["datasets"][KIND],
        needs_classes=False,
        outputs=DatasetFiles(*(Path(folder, name) for name in ("d.npz", "d.json", "d.png"))),
        log=sys.stderr,
    )
"""


def list_imports(program: str) -> set[str]:
    """What a program has imported at its end."""
    done = subprocess.run(
        [sys.executable, "-c", f"{program}\nimport sys\nprint(*sys.modules)"],
        cwd=ROOT / "workflow/scripts",
        capture_output=True,
        text=True,
        check=True,
    )
    return set(done.stdout.split())


def test_scoring_and_training_a_classifier_need_torch_and_no_other_large_library():
    imports = list_imports(SCORE)
    assert "torch" in imports
    unneeded = {"pandas", "scipy.optimize", "scipy.stats", "sympy", "torchvision"}
    assert imports & {*unneeded, "torch._dynamo", "torch_fidelity", "matplotlib"} == set()


@pytest.mark.parametrize("kind", ["digits", "gaussian_ring"])
def test_datasets_are_prepared_without_torch(kind):
    imports = list_imports(f"KIND = {kind!r}\n{PREPARE}")
    assert imports & {"torch", "matplotlib"} == set()


COUNT = """
from ganbench.study.resolve import resolve
from ganbench.training.flops import count_flops
study = {"study": "s", "datasets": {"digits": {}}, "variants": {"minimax": {}}}
print(count_flops(resolve(study, "s")["runs"]["digits"]["minimax"], (1, 8, 8)))
import sys
assert not {"torch._dynamo", "torch._inductor"} & set(sys.modules), "the compiler was imported"
import torch
from ganbench.training.compiler import without_compiler
with without_compiler():
    assert torch._dynamo.disable(len) is len
    assert torch._dynamo.config.cache_size_limit > 0
"""


def test_arithmetic_is_counted_without_torch_compiler_which_still_works_after():
    assert "torch._dynamo" in list_imports(COUNT)
