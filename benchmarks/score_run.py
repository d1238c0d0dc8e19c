"""Time and memory of scoring one run on Fashion-MNIST, beside torch-fidelity's own program.

    python benchmarks/score_run.py [FOLDER] [--repetitions 3] [--samples 10000] [--snapshots 5]

FOLDER holds the four gzip files of Fashion-MNIST, by default those of Debian's package. Both
programs get the same generated images and the same classifier, one thread each, a fresh process
each time, and take turns; printed are medians. Ours computes every metric against both references
and looks at all 50,000 training images; torch-fidelity's computes FID, IS, KID, precision and
recall against the held-out images, which it looks at again for every snapshot.
"""

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import measure
import numpy as np

DEBIAN = Path("/usr/share/datasets/fashion-mnist")


def main() -> None:
    """Prepares, takes turns, prints."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, nargs="?", default=DEBIAN)
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--samples", type=int, default=10_000)
    parser.add_argument("--snapshots", type=int, default=5)
    parser.add_argument("--part", help="what a process of its own does", default="")
    given = parser.parse_args()
    if given.part:
        print(json.dumps(measured(PARTS[given.part], given)))
        return
    with tempfile.TemporaryDirectory() as name:
        prepare(given.folder, Path(name))
        given.folder = Path(name)
        show("extractor, once per dataset", run_part("extractor", given))
        found: dict[str, list] = {"score_run": [], "parts": [], "torch_fidelity": []}
        for _ in range(given.repetitions):
            for part, results in found.items():
                results.append(run_part(part, given))
    show(f"score_run, {given.snapshots} snapshots", median(found["score_run"]))
    show("one of its snapshots", median(found["parts"]))
    show("torch-fidelity, one snapshot", median(found["torch_fidelity"]))
    theirs = [given.snapshots * each["together, s"] for each in found["torch_fidelity"]]
    seconds = {
        "ours, every metric, both references": [each["together, s"] for each in found["score_run"]],
        "torch-fidelity, once per snapshot": theirs,
    }
    table = measure.table(seconds, "s", against="torch-fidelity, once per snapshot")
    measure.show("score_run", table)


def run_part(part: str, given: argparse.Namespace) -> dict[str, float]:
    """What a fresh process measured, by name in seconds, and its peak memory in MB."""
    options = [f"--{name}={getattr(given, name)}" for name in ("samples", "snapshots")]
    command = [sys.executable, __file__, str(given.folder), f"--part={part}", *options]
    done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=measure.ROOT)
    return json.loads(done.stdout.splitlines()[-1])


def median(results: list[dict[str, float]]) -> dict[str, float]:
    """The median of each number over repetitions."""
    return {name: statistics.median(each[name] for each in results) for name in results[0]}


def show(title: str, found: dict[str, float]) -> None:
    """One table."""
    print(f"\n{title}")
    for name, value in found.items():
        print(f"  {name:40}{value:8.1f}", flush=True)


def measured(work: Callable[..., dict[str, float]], given: argparse.Namespace) -> dict[str, float]:
    """The seconds of its steps, of all of them, and this process's peak memory."""
    import torch  # noqa: PLC0415 - only the processes that work need it

    torch.set_num_threads(1)
    found = work(given)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {f"{name}, s": value for name, value in found.items()} | {
        "together, s": sum(found.values()),
        "processor time of the process, s": time.process_time(),
        "peak memory, MB": peak,
    }


class Clock:
    """Seconds of named steps."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    def __call__(self, name: str, work: Callable, *arguments: Any, **options: Any) -> Any:
        """Does the work and adds its time to the step of that name."""
        start = time.perf_counter()
        result = work(*arguments, **options)
        self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - start
        return result


def resolved() -> dict[str, Any]:
    """A study of one variant on Fashion-MNIST."""
    from ganbench import study  # noqa: PLC0415

    config = {"datasets": {"fashion_mnist": {}}, "variants": {"non_saturating": {}}}
    return study.resolve({"study": "speed", **config}, "speed")


def prepare(source: Path, folder: Path) -> None:
    """The splits as in every study: 50,000 images in train, 10,000 in each of the others."""
    from ganbench import datasets  # noqa: PLC0415

    names = {"data": "data.npz", "card": "dataset.json", "examples": "examples.png"}
    datasets.prepare(
        name="fashion_mnist",
        dataset=resolved()["datasets"]["fashion_mnist"] | {"source": str(source)},
        needs_classes=True,
        outputs=datasets.Outputs(**{name: folder / file for name, file in names.items()}),
        log=sys.stderr,
    )


def files(folder: Path) -> dict[str, Any]:
    """What both stages of evaluation read and write."""
    from ganbench.evaluation import Reference  # noqa: PLC0415

    names = {"network": "network.pt", "features": "features.npz", "card": "card.json"}
    made = {name: folder / file for name, file in (names | {"floor": "floor.csv"}).items()}
    return {"data_file": folder / "data.npz", "outputs": Reference(**made)}


def extractor(given: argparse.Namespace) -> dict[str, float]:
    """The extractor stage; and snapshots with random weights, for time does not depend on them."""
    import torch  # noqa: PLC0415
    from ganbench import networks  # noqa: PLC0415
    from ganbench.evaluation import make_reference  # noqa: PLC0415

    clock = Clock()
    clock(
        "make_reference",
        make_reference,
        dataset="fashion_mnist",
        extractor="classifier",
        samples=given.samples,
        device="cpu",
        **files(given.folder),
    )
    parameters = resolved()["runs"]["fashion_mnist"]["non_saturating"]
    states = [
        networks.build_generator(parameters, (1, 28, 28)).state_dict()
        for _ in range(given.snapshots)
    ]
    run = {"steps": list(range(1, given.snapshots + 1)), "shape": [1, 28, 28]}
    run |= {"parameters": parameters, "generators": states}
    torch.save(run, given.folder / "snapshots.pt")
    print((given.folder / "card.json").read_text(), file=sys.stderr)
    return clock.seconds


def score_run(given: argparse.Namespace) -> dict[str, float]:
    """The evaluate stage as the workflow runs it, without Python's start."""
    from ganbench import evaluation  # noqa: PLC0415

    clock, of_stage = Clock(), files(given.folder)
    clock(
        "score_run",
        evaluation.score_run,
        dataset="fashion_mnist",
        variant="non_saturating",
        seed=0,
        extractor="classifier",
        samples=given.samples,
        snapshots_file=given.folder / "snapshots.pt",
        network_file=of_stage["outputs"].network,
        features_file=of_stage["outputs"].features,
        data_file=of_stage["data_file"],
        gap=False,
        scores_file=given.folder / "scores.csv",
        nearest_file=given.folder / "nearest.png",
    )
    return clock.seconds


def parts(given: argparse.Namespace) -> dict[str, float]:
    """One snapshot, step by step."""
    from ganbench.evaluation import feature_metrics as fm  # noqa: PLC0415
    from ganbench.evaluation.extractors import extract, load_extractor  # noqa: PLC0415
    from ganbench.evaluation.reference import load_real  # noqa: PLC0415

    clock, outputs = Clock(), files(given.folder)["outputs"]
    network = load_extractor(outputs.network)
    real = clock("load real features", load_real, outputs.features)
    images = clock("generate images", first_images, given)
    found = clock("extract features", extract, network, images)
    generated = clock("of generated images alone", fm.describe, found.features, real.scale)
    for name, others in real.sets.items():
        near = clock("precision, recall, density, coverage", fm.neighbourhoods, generated, others)
        clock("FD", fm.frechet_distance, generated, others)
        clock("KID", fm.kernel_distance, generated, others, real.scale)
        if name == "train":
            rest = real.train[len(near.nearest) :]
            clock("nearest training image", fm.nearest_distances, generated.features, rest)
    clock("IS", fm.inception_score, found.logits)
    return clock.seconds


def first_images(given: argparse.Namespace) -> Any:
    """The images that the first snapshot makes."""
    import torch  # noqa: PLC0415
    from ganbench.evaluation import snapshots  # noqa: PLC0415
    from ganbench.latents import sample_latents  # noqa: PLC0415

    run = snapshots.load_run(given.folder / "snapshots.pt")
    _, generator = next(snapshots.generators(run, torch.device("cpu")))
    noise = torch.Generator().manual_seed(0)
    return snapshots.generate_images(
        generator, sample_latents(run["parameters"]["latent"], given.samples, noise)
    )


def torch_fidelity(given: argparse.Namespace) -> dict[str, float]:
    """Its own program on the same images with the same extractor."""
    import torch  # noqa: PLC0415
    import torch_fidelity as fidelity  # noqa: PLC0415
    from ganbench.evaluation.extractors import load_extractor  # noqa: PLC0415
    from torch_fidelity.feature_extractor_base import FeatureExtractorBase  # noqa: PLC0415

    outputs = files(given.folder)["outputs"]
    classifier = load_extractor(outputs.network)

    class Adapter(FeatureExtractorBase):
        def __init__(self, name: str, features_list: list[str], **_: Any) -> None:
            super().__init__(name, features_list)
            self.network = classifier

        get_provided_features_list = staticmethod(lambda: ("features", "logits"))
        get_default_feature_layer_for_metric = staticmethod(
            lambda metric: "logits" if metric == "isc" else "features"
        )
        can_be_compiled = staticmethod(lambda: False)

        def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, ...]:
            found = dict(zip(("features", "logits"), self.network(images), strict=True))
            return tuple(found[name].double() for name in self.features_list)

    class Images(torch.utils.data.TensorDataset):
        def __getitem__(self, index: int) -> torch.Tensor:
            return super().__getitem__(index)[0]

    fidelity.register_feature_extractor("classifier", Adapter)
    images = first_images(given)
    with np.load(given.folder / "data.npz") as data:
        held_out = torch.from_numpy(data["held_out"])
    clock = Clock()
    clock(
        "calculate_metrics",
        fidelity.calculate_metrics,
        input1=Images(images),
        input2=Images(held_out),
        feature_extractor="classifier",
        **dict.fromkeys(("isc", "fid", "kid", "prc", "save_cpu_ram"), True),
        **dict.fromkeys(("cache", "cuda", "verbose"), False),
        batch_size=500,
        prc_batch_size=2000,
    )
    return clock.seconds


PARTS = {part.__name__: part for part in (extractor, score_run, parts, torch_fidelity)}

if __name__ == "__main__":
    main()
