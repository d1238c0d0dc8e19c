"""`pip install` of a checkout gives a library that works without the checkout."""

import os
import subprocess
import sys

from project import ROOT, copy_checkout

PROGRAM = """
import ganbench
assert "site" in ganbench.__file__, ganbench.__file__
folder = ganbench.train(
    "non_saturating", folder="run", cache="cache", steps=20, snapshots=1, network={"width": 4}
)
images = ganbench.load_generator(folder).sample(64, seed=1)
scores = ganbench.score(images, dataset="digits", cache="cache")
print(scores.to_string())
ganbench.export(folder, "kept")
"""


def test_installed_library_trains_scores_and_exports(tmp_path):
    checkout = copy_checkout(tmp_path / "checkout")
    for name in ("setup.py", "README.md", "LICENSE"):
        (checkout / name).write_bytes((ROOT / name).read_bytes())
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps"]
    install += ["--no-build-isolation", "--no-index", "--target", str(tmp_path / "site")]
    subprocess.run([*install, str(checkout)], check=True, timeout=300)
    (tmp_path / "empty").mkdir()
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "site")}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        cwd=tmp_path / "empty",
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "FD-digits-v1" in done.stdout
    kept = {file.name for file in (tmp_path / "empty/kept").iterdir()}
    assert kept == {"generator.safetensors", "generator.json", "README.md"}
