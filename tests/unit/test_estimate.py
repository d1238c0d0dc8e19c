"""What a study takes: the estimate against counted operations and against what runs really took."""

import json
import subprocess
import sys
from pathlib import Path
from statistics import median

import pytest
from ganbench.catalogue.updates import UPDATES
from ganbench.jobs import provenance
from ganbench.networks.build import build_discriminator, build_generator, count_parameters
from ganbench.study.written import load_study
from ganbench.terminal.arithmetic import FORMULAS, estimate_step_operations, size_networks
from ganbench.terminal.estimate import describe_estimate, estimate_plan
from ganbench.terminal.forecast import EstimatedJob, find_shape, step_seconds
from ganbench.terminal.past_jobs import Past, read_past
from ganbench.training.flops import count_flops
from project import ROOT, TINY

QUIET = {"config": "goodfellow2014"}
"""Study files whose published runs had the machine to themselves, and their folders."""


def read_study(name: str) -> dict:
    return load_study([ROOT / f"config/{name}.yaml"], (), {})


def list_jobs(study: dict) -> dict[int, EstimatedJob]:
    """Every job of a study, as Snakemake plans it."""
    jobs = [EstimatedJob("report", {})]
    jobs += [EstimatedJob("theory", {"objective": name}) for name in study["objectives"]]
    for dataset, variants in study["runs"].items():
        points = study["datasets"][dataset]["type"] == "points"
        jobs.append(EstimatedJob("prepare", {"dataset": dataset}))
        floor, score = (
            ("density_floor", "evaluate_density") if points else ("extractor", "evaluate")
        )
        jobs.append(EstimatedJob(floor, {"dataset": dataset}))
        for variant in variants:
            for seed in map(str, study["seeds"]):
                run = {"dataset": dataset, "variant": variant, "seed": seed}
                jobs += [EstimatedJob("train", run), EstimatedJob(score, run)]
    return dict(enumerate(jobs))


def estimate(study: dict, past: Past | None = None, width: int = 2):
    return estimate_plan(list_jobs(study), study, past or Past(), width=width, on_gpu=False)


@pytest.mark.parametrize(
    ("name", "dataset"),
    [
        ("config", "digits"),
        ("gaussian_ring", "gaussian_ring"),
        ("fashion_mnist_dcgan", "fashion_mnist"),
        ("fashion_mnist_penalties", "fashion_mnist"),
        ("lucic2018", "mnist"),
    ],
)
def test_operations_by_formula_agree_with_counted_ones(name, dataset):
    study, seen = read_study(name), set()
    shape = find_shape(study, dataset)
    for parameters in study["runs"][dataset].values():
        kind = (parameters["network"]["name"], *parameters["regularizers"])
        if kind not in seen:
            seen.add(kind)
            counted = count_flops(parameters, shape)["step"]
            assert estimate_step_operations(parameters, shape) == pytest.approx(counted, 0.07)


@pytest.mark.parametrize("kind", UPDATES)
def test_operations_of_every_kind_of_updates_agree_with_counted_ones(kind):
    (parameters, *_) = read_study("fashion_mnist_dcgan")["runs"]["fashion_mnist"].values()
    parameters |= {"updates": kind, "consensus_weight": 1.0, "discriminator_steps": 3}
    counted = count_flops(parameters, (1, 28, 28))["step"]
    assert estimate_step_operations(parameters, (1, 28, 28)) == pytest.approx(counted, 0.07)


@pytest.mark.parametrize("name", sorted(set(FORMULAS) - {"mlp"}))  # it has many biases
@pytest.mark.parametrize("side", [32, 64])
def test_sizes_of_networks_agree_with_the_built_ones(name, side):
    (parameters, *_) = read_study("cifar10")["runs"]["cifar10"].values()
    parameters["network"] |= {"name": name, "width": 8}
    shape = (3, side, side)
    generator, discriminator = size_networks(parameters, shape)
    counted = count_flops(parameters, shape)
    assert generator.operations == pytest.approx(counted["generator"], 0.01)
    assert discriminator.operations == pytest.approx(counted["discriminator"], 0.01)
    built = (build_generator(parameters, shape), build_discriminator(parameters, shape))
    for size, network in zip((generator, discriminator), built, strict=True):
        assert size.weights == pytest.approx(count_parameters(network), 0.03)


def test_first_estimate_of_the_default_study_is_at_most_eight_minutes():
    """With the environment, which takes 100 s, `make reproduce` is to take ten on two cores."""
    first = estimate(read_study("config"))
    assert 300 < first.seconds <= 480
    assert 10 < first.disk < 150
    assert 2000 < first.memory < 4000
    assert not first.measured
    assert describe_estimate(first, "on 2 cores").startswith(
        "About 8 min on 2 cores (first estimate on this machine; it may be half or twice that), "
    )


def test_first_estimate_of_a_step_of_an_mlp_on_images_is_near_what_it_took():
    """2,000 steps on digits took 8 to 9 s of an Intel Xeon's core."""
    parameters = read_study("config")["runs"]["digits"]["sgd_minimax"]
    assert parameters["network"]["name"] == "mlp"
    assert 0.6 < step_seconds(parameters, (1, 8, 8), on_gpu=False) / 0.0043 < 1.6


@pytest.mark.parametrize("name", QUIET)
def test_first_estimate_of_a_step_is_within_what_it_says_of_published_runs(name):
    study = read_study(name)
    runs = json.loads((ROOT / f"results/published/{QUIET[name]}/runs.json").read_text())
    for dataset, variants in study["runs"].items():
        for variant, parameters in variants.items():
            taken = median(
                facts["seconds"] / facts["step"]
                for run, facts in runs.items()
                if run.startswith(f"{dataset}/{variant}/")
            )
            expected = step_seconds(parameters, find_shape(study, dataset), on_gpu=False)
            assert 0.5 < expected / taken < 2, variant


def test_more_cores_and_fewer_jobs_take_less():
    study = read_study("config")
    whole = estimate(study)
    assert estimate(study, width=8).seconds < 0.5 * whole.seconds
    some = {number: job for number, job in list_jobs(study).items() if job.stage != "train"}
    part = estimate_plan(some, study, Past(), width=2, on_gpu=False)
    assert part.seconds < whole.seconds
    assert part.disk < whole.disk


def write_past(results: Path, study: dict, slower: float, processor: str) -> None:
    """A finished study whose jobs took `slower` times what is forecast for them."""
    folder = results / study["study"]
    run = folder / "runs/digits/minimax/seed0/run.json"
    run.parent.mkdir(parents=True)
    run.write_text(json.dumps({"machine": {"processor": processor}}))
    (folder / "study.json").write_text(json.dumps(study))
    jobs = list_jobs(study)
    seconds = estimate(study).seconds_of
    for number, job in jobs.items():
        name = "_".join(job.wildcards.values()) or "report"
        if "seed" in job.wildcards:
            name = "{dataset}_{variant}_seed{seed}".format(**job.wildcards)
        if job.rule == "extractor":
            name += "_classifier"
        place = folder / "benchmarks" / ("" if job.rule == "report" else job.stage) / f"{name}.tsv"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(f"s\th:m:s\tmax_rss\n{slower * seconds[number]}\t\t1234.5\n")


@pytest.mark.parametrize("name", ["tiny", "another"])
def test_estimate_follows_what_earlier_jobs_took_on_this_machine(tmp_path, name):
    study = load_study([TINY], (), {})
    processor = provenance.describe_machine()["processor"]
    write_past(tmp_path, study | {"study": name}, 3.0, processor)
    past = read_past(tmp_path, study, on_gpu=False)
    later = estimate(study, past)
    assert later.seconds == pytest.approx(3 * estimate(study).seconds)
    assert later.measured
    assert "(from earlier jobs on this machine), up to 2.5 GB" in describe_estimate(later, "here")


def test_jobs_on_another_processor_and_damaged_files_tell_nothing(tmp_path):
    study = load_study([TINY], (), {})
    write_past(tmp_path, study | {"study": "elsewhere"}, 3.0, "another")
    damaged = tmp_path / "damaged"
    (damaged / "benchmarks").mkdir(parents=True)
    (damaged / "study.json").write_text("{")
    past = read_past(tmp_path, study, on_gpu=False)
    assert past.stages == {}
    assert estimate(study, past).seconds == estimate(study).seconds


FOREIGN_FILES = {
    "a study of another program": ("study.json", {"study": "elsewhere"}),
    "a list": ("study.json", [1]),
    "runs by number": ("study.json", {"runs": [1], "study": "elsewhere"}),
    "a run of another program": ("runs/digits/minimax/seed0/run.json", {"steps": 3}),
    "a run that is a list": ("runs/digits/minimax/seed0/run.json", [1]),
    "a run that is a number": ("runs/digits/minimax/seed0/run.json", 3),
}


@pytest.mark.parametrize(("name", "content"), FOREIGN_FILES.values(), ids=FOREIGN_FILES)
def test_study_of_another_program_among_the_results_tells_nothing(tmp_path, name, content):
    study = load_study([TINY], (), {})
    processor = provenance.describe_machine()["processor"]
    write_past(tmp_path, study | {"study": "elsewhere"}, 3.0, processor)
    (tmp_path / "elsewhere" / name).write_text(json.dumps(content))
    assert read_past(tmp_path, study, on_gpu=False).stages == {}


def test_measurement_without_columns_tells_nothing(tmp_path):
    study = load_study([TINY], (), {})
    processor = provenance.describe_machine()["processor"]
    write_past(tmp_path, study | {"study": "another"}, 3.0, processor)
    for file in tmp_path.glob("another/benchmarks/**/*.tsv"):
        file.write_text("s\tmax_rss\n\n")
    (tmp_path / "another/benchmarks/report.tsv").write_text("max_rss\ts\n1\n")
    assert read_past(tmp_path, study, on_gpu=False).stages == {}


def test_processor_is_that_of_the_first_run_by_name(tmp_path):
    """A folder lists its files in any order, and some runs may be of another machine."""
    study = load_study([TINY], (), {})
    write_past(tmp_path, study | {"study": "mixed"}, 3.0, "another")
    own = {"machine": {"processor": provenance.describe_machine()["processor"]}}
    for seed in (1, 2, 3):
        run = tmp_path / f"mixed/runs/digits/minimax/seed{seed}/run.json"
        run.parent.mkdir(parents=True)
        run.write_text(json.dumps(own))
    assert read_past(tmp_path, study, on_gpu=False).stages == {}


def test_planning_imports_neither_torch_nor_pandas():
    modules = "ganbench.terminal.handler, ganbench.terminal.past_jobs, ganbench.terminal.estimate"
    code = f"import sys, {modules}; print({{'torch', 'pandas', 'numpy'}} & set(sys.modules))"
    environment = {"PYTHONPATH": str(ROOT / "workflow/scripts"), "PATH": ""}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment
    )
    assert done.stdout == "set()\n"
