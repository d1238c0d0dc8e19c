"""How much of a Fréchet distance is luck: of the training seed, the sampling, and the extractor.

    python benchmarks/score_noise.py results/STUDY [--extractors 5] [--samplings 3]

Takes a finished study on images with its snapshots. Trains classifiers that differ in their seed
alone, samples the last generator of every run several times, and scores each sampling in each
classifier against held-out images. A score varies by its size, so logarithms are analysed: standard
deviations are shares of a score. Within a variant, the logarithm is μ + seed + extractor + their
interaction + sampling, all random (Searle, Casella and McCulloch 1992, Section 4.5). Two variants
are compared in one extractor, whose effect on both cancels in part: the last rows say how much the
ratio to the study's baseline still varies between extractors. Writes score_noise.csv and
score_noise_scores.csv to benchmarks/results.
"""

import argparse
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from measure import RESULTS

SOURCES = ("training seed", "extractor", "seed and extractor", "sampling")


def main() -> None:
    """Scores, analyses, writes and prints."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("results", type=Path)
    parser.add_argument("--extractors", type=int, default=5)
    parser.add_argument("--samplings", type=int, default=3)
    options = parser.parse_args()
    study = json.loads((options.results / "study.json").read_text(encoding="utf-8"))
    [dataset] = study["datasets"]
    scores = pd.DataFrame(
        score_runs(options.results, dataset, options.extractors, options.samplings),
        columns=["variant", "seed", "extractor", "sampling", "value"],
    )
    table = pd.concat([analyse(scores), compare(scores, study["baseline"])], ignore_index=True)
    RESULTS.mkdir(exist_ok=True)
    scores.to_csv(RESULTS / "score_noise_scores.csv", index=False, float_format="%.6g")
    table.to_csv(RESULTS / "score_noise.csv", index=False, float_format="%.4g")
    print(table.to_string(index=False, float_format=lambda value: f"{value:.3g}"))


def score_runs(
    results: Path, dataset: str, extractors: int, samplings: int
) -> Iterator[tuple[str, int, int, int, float]]:
    """The Fréchet distance of every run, extractor and sampling."""
    from ganbench.evaluation.classifier_training import train_classifier
    from ganbench.evaluation.extractor import extract
    from ganbench.evaluation.feature_sets import fit_gaussian
    from ganbench.evaluation.frechet import frechet_distance
    from ganbench.interface.runs import load_generator
    from ganbench.jobs.arrays import map_array
    from ganbench.randomness import use_deterministic_kernels

    use_deterministic_kernels(1)
    data = results / "datasets" / dataset / "data.npz"
    images, labels, held_out = (
        torch.from_numpy(map_array(data, name))
        for name in ("extractor", "extractor_labels", "held_out")
    )
    count = json.loads((results / "study.json").read_text("utf-8"))["evaluation"]["samples"]
    networks = []
    for number in range(extractors):
        networks.append(train_classifier(images, labels, f"{dataset}, extractor {number}"))
        print(f"extractor {number} trained", flush=True)
    real = [fit_gaussian(extract(network, held_out[:count]).features) for network in networks]
    for folder in sorted((results / "runs" / dataset).glob("*/seed*")):
        generator = load_generator(folder, device="cpu")
        for sampling in range(samplings):
            fakes = torch.from_numpy(generator.sample(count, seed=1000 + sampling))
            for number, network in enumerate(networks):
                fake = fit_gaussian(extract(network, fakes).features)
                distance = frechet_distance(fake, real[number])
                seed = int(folder.name.removeprefix("seed"))
                yield folder.parent.name, seed, number, sampling, distance
        print(f"{folder.parent.name} {folder.name}: {distance:.3g}", flush=True)


def analyse(scores: pd.DataFrame) -> pd.DataFrame:
    """Components of variance within variants, averaged over them, as shares of a score."""
    components = [decompose(to_array(rows)) for _, rows in scores.groupby("variant", sort=False)]
    deviations = np.sqrt(np.maximum(0.0, np.mean(components, axis=0)))
    return pd.DataFrame(
        {
            "of": "a score",
            "source": SOURCES,
            "share": deviations,
            "times sampling": deviations / deviations[-1],
        }
    )


def to_array(rows: pd.DataFrame) -> np.ndarray:
    """Logarithms of one variant's scores, `(seeds, extractors, samplings)`."""
    keys = ["seed", "extractor", "sampling"]
    shape = [rows[key].nunique() for key in keys]
    return np.log(rows.sort_values(keys)["value"].to_numpy()).reshape(shape)


def decompose(values: np.ndarray) -> np.ndarray:
    """The variances of `SOURCES` from the mean squares of `(seeds, extractors, samplings)`."""
    seeds, extractors, samplings = values.shape
    cells, mean = values.mean(2), values.mean()
    rows, columns = cells.mean(1), cells.mean(0)
    of_seeds = extractors * samplings * ((rows - mean) ** 2).sum() / (seeds - 1)
    of_extractors = seeds * samplings * ((columns - mean) ** 2).sum() / (extractors - 1)
    left = cells - rows[:, None] - columns + mean
    of_both = samplings * (left**2).sum() / ((seeds - 1) * (extractors - 1))
    error = ((values - cells[:, :, None]) ** 2).sum() / (cells.size * (samplings - 1))
    return np.array(
        [
            (of_seeds - of_both) / (extractors * samplings),
            (of_extractors - of_both) / (seeds * samplings),
            (of_both - error) / samplings,
            error,
        ]
    )


def compare(scores: pd.DataFrame, baseline: str) -> pd.DataFrame:
    """How far the ratio of each variant's mean to the baseline's varies between extractors."""
    logs = scores.assign(value=np.log(scores["value"]))
    means = logs.pivot_table(index="extractor", columns="variant", values="value")
    ratios = np.exp(means.drop(columns=baseline).sub(means[baseline], axis=0))
    return pd.DataFrame(
        {
            "of": f"its ratio to {baseline}",
            "source": [f"{variant}: extractor" for variant in ratios],
            "share": np.log(ratios).std().to_numpy(),
            "mean ratio": np.exp(np.log(ratios).mean()).to_numpy(),
            "least": ratios.min().to_numpy(),
            "most": ratios.max().to_numpy(),
        }
    )


if __name__ == "__main__":
    main()
