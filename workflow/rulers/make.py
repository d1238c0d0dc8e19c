"""Makes the rulers: trains the classifiers that are shipped, and writes their weights and logs.

Usage: make rulers, or python workflow/rulers/make.py [NAME ...]

A ruler never changes once a score was published in it, so a better one gets a new version. The
program prints the two digests that `catalogue/extractors.yaml` takes. On another machine, training
rounds differently and ends in other weights, which is why they are shipped.
"""

import argparse
import json
import platform
import sys
import tempfile
import time
from pathlib import Path

FOLDER = Path(__file__).parent
sys.path.insert(0, str(FOLDER.parent / "scripts"))

import torch  # noqa: E402 (found by the line above, as are the imports below)
from ganbench import randomness  # noqa: E402
from ganbench.catalogue.extractors import EXTRACTORS  # noqa: E402
from ganbench.datasets.prepare import DatasetFiles, prepare  # noqa: E402
from ganbench.evaluation.classifier import choose_recipe  # noqa: E402
from ganbench.evaluation.classifier_training import train_classifier  # noqa: E402
from ganbench.evaluation.extractor import extract  # noqa: E402
from ganbench.evaluation.rulers import hash_split, to_ruler_arrays  # noqa: E402
from ganbench.jobs import files, provenance  # noqa: E402
from ganbench.jobs.arrays import map_array  # noqa: E402
from ganbench.study.resolve import resolve  # noqa: E402

RULERS = [name for name, extractor in EXTRACTORS.items() if extractor.is_ruler]


def main(names: list[str]) -> None:
    """Makes each ruler and prints its digests."""
    for name in names:
        record = make_ruler(name)
        print(
            f"{name}: accuracy {record['accuracy']:.2%} on {record['held_out']:,} held-out images"
        )
        print(f"  sha256: {record['sha256']}\n  its split: {record['split_sha256']}")


def make_ruler(name: str) -> dict:
    """Trains one ruler on the extractor split of its dataset, as the rule `extractor` would."""
    kind = name.rsplit("-v", 1)[0]
    randomness.use_deterministic_kernels(threads=1)
    with tempfile.TemporaryDirectory() as folder:
        images, labels, held_out, held_out_labels = _prepare(kind, Path(folder))
    start = time.perf_counter()
    network = train_classifier(images, labels, kind, sys.stderr)
    seconds = time.perf_counter() - start
    logits = extract(network, held_out).logits
    weights = FOLDER / f"{name}.npz"
    files.write_arrays(weights, **to_ruler_arrays(network))
    record = {
        "name": name,
        "accuracy": float((logits.argmax(1) == held_out_labels).double().mean()),
        "held_out": len(held_out),
        "trained_on": len(images),
        "split_sha256": hash_split(images, labels),
        "sha256": provenance.sha256_file(weights),
        "loss": float(torch.nn.functional.cross_entropy(logits, held_out_labels)),
        "recipe": choose_recipe(images.shape[2], len(images)),
        "seconds": round(seconds, 1),
        "torch": torch.__version__,
        "machine": platform.machine(),
    }
    (FOLDER / f"{name}.log.json").write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    return record


def _prepare(kind: str, folder: Path) -> list[torch.Tensor]:
    """Images and labels of the splits `extractor` and `held_out`, made by the rule's own code."""
    study = {"study": "rulers", "datasets": {kind: {}}, "variants": {"minimax": {}}}
    outputs = DatasetFiles(*(folder / part for part in ("data.npz", "card.json", "examples.png")))
    prepare(
        name=kind,
        dataset=resolve(study, "rulers")["datasets"][kind],
        needs_classes=True,
        outputs=outputs,
        log=sys.stderr,
    )
    names = ("extractor", "extractor_labels", "held_out", "held_out_labels")
    return [torch.from_numpy(map_array(outputs.data, name).copy()) for name in names]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"any of {', '.join(RULERS)}")
    chosen = parser.parse_args().names or RULERS
    if unknown := set(chosen) - set(RULERS):
        sys.exit(
            f"{', '.join(sorted(unknown))}: no such ruler; expected any of {', '.join(RULERS)}"
        )
    main(chosen)
