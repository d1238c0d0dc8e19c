# What the rules share: the resolved study, where results are, what a run needs.
import dataclasses
import gc
import math
import os
import sys
from pathlib import Path
from types import SimpleNamespace

from snakemake.exceptions import WorkflowError

sys.path.insert(0, Path(workflow.basedir, "workflow/scripts").as_posix())

from ganbench.catalogue import datasets as catalogue
from ganbench.catalogue.published import find_published
from ganbench.jobs import code_digest, gpus as nvidia_gpus
from ganbench.jobs.provenance import canonical_json
from ganbench.study import resolve as studies
from ganbench.study.schema import StudyError

# What Snakemake makes of a large study stays until it ends. Python's collector would walk all of it
# time and again and find nothing to free, in an eighth of the time that planning takes.
gc.set_threshold(50_000, 20, 100)


def study_source():
    """The files that the configuration was read from, as messages name them."""
    files = workflow.config_settings.configfiles or workflow.configfiles
    shown = " + ".join(os.path.relpath(file) for file in files)
    return f"{shown} with --config" if workflow.config_settings.config else shown


try:
    STUDY = studies.resolve(config, study_source())
except StudyError as error:
    raise WorkflowError(str(error)) from None

# What jobs read of the configuration beside their parameters, and what may change without a re-run.
config["execution"] = studies.execution(STUDY)

EXTRACTOR = STUDY["evaluation"]["extractor"]
GPU_PRESENT = nvidia_gpus.present()
IMAGES = [name for name, dataset in STUDY["datasets"].items() if dataset["type"] == "images"]
POINTS = [name for name, dataset in STUDY["datasets"].items() if dataset["type"] == "points"]
RUN_PARAMETERS = {
    (dataset, variant): canonical_json(parameters)
    for dataset, variants in STUDY["runs"].items()
    for variant, parameters in variants.items()
}


wildcard_constraints:
    dataset="[a-z0-9_]+",
    variant="[a-z0-9_]+",
    objective="[a-z0-9_]+",
    extractor=EXTRACTOR,
    seed="[0-9]+",


def result(path):
    """A path of this study's results; may hold wildcards."""
    return f"results/{STUDY['study']}/{path}"


def of_runs(file, datasets=tuple(STUDY["datasets"])):
    """One result file of every run on `datasets`, in the study's order."""
    return [
        result(f"runs/{dataset}/{variant}/seed{seed}/{file}")
        for dataset, variant, seed in studies.list_runs(STUDY)
        if dataset in datasets
    ]


def of_settings(file):
    """One result file of every run of the sweep's settings; none without a sweep."""
    return [
        result(f"runs/{dataset}/{variant}/seed{seed}/{file}")
        for dataset, variant, seed in studies.list_sweep_runs(STUDY)
    ]


def any_of(names):
    """A wildcard's constraint: one of `names`; of none, no name at all."""
    return "|".join(names) or "(?!)"


def code(script):
    """A digest of the library code that a script imports.

    Snakemake tracks a script, but not what it imports. As a parameter, the digest makes an edit
    re-run the rule, and a touched or restored file re-run nothing.
    """
    return code_digest.digest(Path(workflow.basedir, "workflow/scripts", script))


def run_parameters(wildcards):
    """A run's resolved parameters as text that differs only where they differ."""
    return RUN_PARAMETERS[wildcards.dataset, wildcards.variant]


def run_threads(wildcards):
    """CPU threads of a run: part of its result."""
    return STUDY["runs"][wildcards.dataset][wildcards.variant]["threads"]


def dataset_kind(wildcards):
    """The kind of a dataset, which its name need not be."""
    return STUDY["datasets"][wildcards.dataset]["kind"]


def sample_count(wildcards):
    """How many samples of a generator are compared with a dataset."""
    return STUDY["datasets"][wildcards.dataset]["samples"]


def dataset_parameters(wildcards):
    """What of a dataset decides its data. Where a published one lies does not: it is verified."""
    dataset = STUDY["datasets"][wildcards.dataset]
    keys = ("kind", "resolution", "channels", "extractor_images")
    own = ("source",) if dataset["kind"] == "image_folder" else ()
    facts = dataclasses.asdict(catalogue.KINDS[dataset["kind"]])
    return canonical_json({**{key: dataset[key] for key in (*keys, *own)}, "facts": facts})


def of_files(wildcards):
    """Whether a dataset is read from one file for each image, which goes in parallel."""
    return STUDY["datasets"][wildcards.dataset]["kind"] in ("celeba", "image_folder")


def data_memory(wildcards):
    """Megabytes that preparing a dataset takes: twice its data, and what reads it."""
    dataset = STUDY["datasets"][wildcards.dataset]
    images = sum((dataset["sizes"] or {"all": 200_000}).values())
    return 1000 + 2 * images * math.prod(dataset["shape"] or [3]) // 1_000_000


def training_memory(wildcards):
    """Megabytes that a run takes: the whole dataset, and what trains on it, CUDA's own included."""
    return 3000 + data_memory(wildcards)


def source_folders(wildcards):
    """The folders of an image_folder: a file added to or taken from one of them changes its time."""
    dataset = STUDY["datasets"][wildcards.dataset]
    source = Path(dataset["source"])
    if dataset["kind"] != "image_folder" or not source.is_dir():
        return []
    return [
        source.as_posix(),
        *(path.as_posix() for path in sorted(source.iterdir()) if path.is_dir()),
    ]


def gpus(wildcards):
    """GPUs that a job asks for: none where it will use none, or CPU runs would queue behind it."""
    device = STUDY["training"]["device"]
    if hasattr(wildcards, "variant"):
        device = STUDY["runs"][wildcards.dataset][wildcards.variant]["device"]
    return int(device == "cuda" or (device == "auto" and GPU_PRESENT))


def feature_memory(wildcards):
    """Megabytes for features of every training image, and the images themselves."""
    sizes = STUDY["datasets"][wildcards.dataset]["sizes"] or {"train": 100_000}
    pixels = math.prod(STUDY["datasets"][wildcards.dataset]["shape"])
    features = 64 if EXTRACTOR == "classifier" else 4096
    return 1500 + sizes["train"] * (pixels + 8 * features) // 1_000_000


def shared(function, datasets=tuple(STUDY["datasets"])):
    """`function`, or its value where that is the same for every run on `datasets`.

    Snakemake calls a function for every job anew, and looks up its arguments thrice each time.
    """
    values = {
        function(SimpleNamespace(dataset=dataset, variant=variant))
        for dataset in datasets
        for variant in STUDY["runs"][dataset]
    }
    return values.pop() if len(values) == 1 else function


def table(name):
    """A table of the report, as Snakemake's own report shows it too."""
    return report(
        result(f"{name}.csv"),
        category="Tables",
        labels={"table": name},
        caption=f"../report/captions/{name}.rst",
    )


def job_benchmarks():
    """What Snakemake measures of each job of this study, by the rules' names."""
    jobs = [f"prepare/{dataset}" for dataset in STUDY["datasets"]]
    jobs += [
        f"extractor/{name}_{EXTRACTOR if name in IMAGES else 'density'}"
        for name in STUDY["datasets"]
    ]
    for stage in ("train", "evaluate"):
        jobs += [
            f"{stage}/{dataset}_{variant}_seed{seed}"
            for dataset, variant, seed in (*studies.list_runs(STUDY), *studies.list_sweep_runs(STUDY))
        ]
    jobs += [f"theory/{objective}" for objective in STUDY["objectives"]]
    return [result(f"benchmarks/{job}.tsv") for job in jobs]


LATEX = ("summary", "comparisons", "pairs", "rates", "ranks", "noise")
LOCK = os.path.relpath(Path(workflow.basedir, "envs/requirements.lock"))


def page_files():
    """What the report is written with beside code: templates, style, script, texts about metrics."""
    folder = Path(workflow.basedir, "workflow/report")
    texts = Path(workflow.basedir, "workflow/scripts/ganbench/catalogue/metrics.yaml")
    return [os.path.relpath(file) for file in (*sorted(folder.iterdir()), texts) if file.is_file()]
