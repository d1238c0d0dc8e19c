# What the rules share: the resolved study, paths of results, and what each job needs.
import dataclasses
import gc
import math
import os
import sys
from pathlib import Path
from types import SimpleNamespace

from snakemake.exceptions import WorkflowError

WORKFLOW = Path(workflow.current_basedir.get_path_or_uri(secret_free=True)).resolve().parent
"""The folder of this workflow, which is not the working directory and may be another's module."""
sys.path.insert(0, (WORKFLOW / "scripts").as_posix())

IS_MODULE = not workflow.modifier.is_main_snakefile()
"""Whether another workflow uses this one by `module:`, and gives it its configuration."""

from ganbench.jobs.errors import ActionableError
from ganbench.jobs.systems import check_system, check_torch, count_usable_cores

try:
    check_system()  # before imports that end with a traceback there
    check_torch()
except ActionableError as error:
    raise WorkflowError(str(error)) from None

from ganbench.catalogue import datasets as catalogue
from ganbench.catalogue import extractors as catalogue_extractors
from ganbench.catalogue import metrics, plugins
from ganbench.catalogue.published import find_published
from ganbench.datasets import folder_digest
from ganbench.jobs import code_digest
from ganbench.jobs.checkout import describe_checkout
from ganbench.jobs.repository import read_repository
from ganbench.jobs.gpus.gpu_plan import GpuPlan, plan_gpus
from ganbench.jobs.programs import run_program
from ganbench.jobs.provenance import canonical_json
from ganbench.study import resolve as studies
from ganbench.study.budget import count_passes
from ganbench.study.declaration import digest_declaration
from ganbench.study.grid import has_factors
from ganbench.study.paths import expand_path
from ganbench.study.reference_sources import describe_source, list_sources, locate_source
from ganbench.study.schema import StudyError
from ganbench.study.written import load_study

# Snakemake keeps a large study's objects until it ends. Python's collector would walk all of them
# over and over and free nothing, which takes an eighth of the time of planning.
gc.set_threshold(50_000, 20, 100)


def find_default_study():
    """The default study: that of the working directory or, where there is none, the shipped one."""
    study = Path("config/config.yaml")
    return (study if study.exists() else WORKFLOW.parent / study).as_posix()


# With --configfile, the default study must not leak into the one that is given. Where `module:` gives
# a configuration, Snakemake reads no file.
if IS_MODULE or not workflow.config_settings.configfiles:

    configfile: find_default_study()


def resolve_study():
    """The study as it is written in its files and on the command line.

    Snakemake has read both already, but by YAML 1.1. In another workflow's module there is nothing
    else to read.
    """
    files = [Path(file) for file in workflow.config_settings.configfiles or workflow.configfiles]
    if IS_MODULE:
        return studies.resolve(config, "the module's config", [file.parent for file in files])
    return load_study(files, workflow.config_settings.config_args, config)


try:
    STUDY = resolve_study()
except StudyError as error:
    raise WorkflowError(str(error)) from None


def describe_software():
    """The version, commit and repository of this checkout, and whether its files are the commit's.

    Only git can tell the last. It stays None where git is not installed or refuses to answer.
    """
    software = describe_checkout(WORKFLOW.parent)
    command = ["git", "-C", str(WORKFLOW.parent), "--no-optional-locks"]
    command += ["status", "--porcelain", "--untracked-files=no"]
    environment = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    software["repository"] = read_repository(WORKFLOW.parent)
    if software["commit"]:
        status = run_program(command, environment, seconds=10)
        if status.succeeded:
            software["clean"] = not status.output
    return software


# What jobs read of the configuration beside their parameters. It may change without a re-run.
config["execution"] = {
    **studies.select_execution(STUDY),
    "variants": sorted({variant for variants in STUDY["runs"].values() for variant in variants}),
    "software": describe_software(),
    "declaration": digest_declaration(STUDY),
}

DATASETS = tuple(STUDY["datasets"])
IMAGES = [name for name in DATASETS if STUDY["datasets"][name]["type"] == "images"]
POINTS = [name for name in DATASETS if STUDY["datasets"][name]["type"] == "points"]
EXTRACTORS = {
    name: catalogue_extractors.choose_extractor(STUDY["datasets"][name], STUDY["evaluation"])
    for name in IMAGES
}
REFERENCES = STUDY.get("references", {})
RUN_PARAMETERS = {
    (dataset, variant): canonical_json(parameters)
    for dataset, variants in STUDY["runs"].items()
    for variant, parameters in variants.items()
}
DEVICES = {STUDY["training"]["device"]} | {
    parameters["device"] for runs in STUDY["runs"].values() for parameters in runs.values()
}
# A study on the CPU does not ask for a GPU. On a cluster, the node of a job makes its own plan.
GPUS = (
    GpuPlan(problem="the study says device: cpu")
    if DEVICES == {"cpu"}
    else plan_gpus(STUDY["gpu_slots"], workflow.resource_settings.cores)
)
HAS_GPU = bool(GPUS.devices)
config["execution"]["gpus"] = dataclasses.asdict(GPUS)
LONGEST_RUN = max(
    (count_passes(parameters) for runs in STUDY["runs"].values() for parameters in runs.values()),
    default=1,
)
LATEX = ("summary", "comparisons", "pairs", "rates", "ranks", "noise", "paper")
LOCK = os.path.relpath(WORKFLOW.parent / "envs/requirements.lock")


wildcard_constraints:
    dataset="[a-z0-9_]+",
    variant="[a-z0-9_]+",
    objective="[a-z0-9_]+",
    extractor="|".join(sorted(set(EXTRACTORS.values()))) or "(?!)",
    seed="[0-9]+",


def result(path):
    """The path of a result of this study in a rule; may contain wildcards."""
    return f"results/{STUDY['study']}/{path}"


# A module's `prefix:` is put before what jobs read and write, and not before paths in `params:`.
RESULTS = str(workflow.modifier.modify_path(result("")))


def place(path):
    """The path of a result of this study in `params:` and for code that is no rule."""
    return RESULTS + path


def extractor_result(dataset, name):
    """A file of the extractor of a dataset, or of the density of points."""
    return result(f"extractors/{dataset}/{EXTRACTORS.get(dataset, 'density')}/{name}")


def run_files(name, datasets=DATASETS):
    """The file `name` of every run on `datasets`, in the study's order."""
    return [
        result(f"runs/{dataset}/{variant}/seed{seed}/{name}")
        for dataset, variant, seed in studies.list_runs(STUDY)
        if dataset in datasets
    ]


def sweep_files(name):
    """The file `name` of every run of the sweep's settings; none without a sweep."""
    return [
        result(f"runs/{dataset}/{variant}/seed{seed}/{name}")
        for dataset, variant, seed in studies.list_sweep_runs(STUDY)
    ]


def list_study_folders():
    """The folders of the study's files, where its references are looked for."""
    return [
        Path(file).parent for file in workflow.config_settings.configfiles or workflow.configfiles
    ]


def find_reference_file(wildcards):
    """The folder or archive of a reference, which may lie elsewhere on another machine."""
    sources = {describe_source(source): source for source in list_sources(STUDY["reference"])}
    source = sources[REFERENCES[wildcards.reference]["source"]]
    return str(locate_source(source, list_study_folders()))


def reference_files(name):
    """The file `name` of each reference of the study."""
    return [result(f"references/{reference}/{name}") for reference in REFERENCES]


def list_reference_checks():
    """What must exist before runs are trained: the references, whose data and rulers are checked.

    A changed reference does not change a run.
    """
    return [ancient(file) for file in reference_files("reference.record.json")]


def record_files():
    """The records of all jobs whose results the report reads."""
    records = [f"datasets/{dataset}/prepare" for dataset in DATASETS]
    records += [f"extractors/{name}/{EXTRACTORS[name]}/extractor" for name in IMAGES]
    records += [f"extractors/{dataset}/density/density_floor" for dataset in POINTS]
    records += [f"theory/{objective}" for objective in STUDY["objectives"]]
    of_runs = (f"{stage}.record.json" for stage in ("train", "evaluate"))
    return [
        *(result(f"{record}.record.json") for record in records),
        *reference_files("reference.record.json"),
        *(file for name in of_runs for file in run_files(name) + sweep_files(name)),
    ]


def benchmark_files():
    """Snakemake's measurements of every job of this study, except for the report."""
    jobs = [f"prepare/{dataset}" for dataset in DATASETS]
    jobs += [f"extractor/{dataset}_{EXTRACTORS.get(dataset, 'density')}" for dataset in DATASETS]
    for stage in ("train", "evaluate"):
        jobs += [
            f"{stage}/{dataset}_{variant}_seed{seed}"
            for dataset, variant, seed in (
                *studies.list_runs(STUDY),
                *studies.list_sweep_runs(STUDY),
            )
        ]
    jobs += [f"theory/{objective}" for objective in STUDY["objectives"]]
    return [place(f"benchmarks/{job}.tsv") for job in jobs]


def page_files():
    """The files from which the report's page is made, beside code: templates, style, texts."""
    texts = WORKFLOW / "scripts/ganbench/catalogue/metrics.yaml"
    files = [file for file in (*sorted((WORKFLOW / "report").iterdir()), texts) if file.is_file()]
    return [local(os.path.relpath(file)) for file in files]


def report_table(name, has_rows=True):
    """A table of the study, which Snakemake's own report includes too unless it has no rows."""
    if not has_rows:
        return result(f"{name}.csv")
    return report(
        result(f"{name}.csv"),
        category="Tables",
        labels={"table": name},
        caption=f"../report/captions/{name}.rst",
    )


def match_any(names):
    """A wildcard's constraint: one of `names`, and nothing if there are none."""
    return "|".join(names) or "(?!)"


def digest_code(script):
    """A digest of a script and of the library code that it imports.

    As a parameter, it makes an edit re-run the rule, and a touched or restored file re-run nothing.
    """
    return code_digest.digest(WORKFLOW / "scripts" / script)


def get_dataset(wildcards):
    """The resolved dataset of a job."""
    return STUDY["datasets"][wildcards.dataset]


def get_run_parameters(wildcards):
    """The resolved parameters of a run as canonical text."""
    return RUN_PARAMETERS[wildcards.dataset, wildcards.variant]


def list_runs_that_are_scored():
    """The dataset and variant of the runs that may stop by a metric of their images."""
    return {
        (dataset, variant): parameters["stop"]["metric"]
        for dataset, variants in STUDY["runs"].items()
        for variant, parameters in variants.items()
        if parameters["stop"] and parameters["stop"]["metric"] in metrics.BY_FEATURES
    }


def get_stopping_inputs():
    """What training reads to score the images of such runs; no other study has these inputs."""
    scored = list_runs_that_are_scored()

    def pick(name):
        def find(wildcards):
            is_scored = (wildcards.dataset, wildcards.variant) in scored
            return extractor_result(wildcards.dataset, name) if is_scored else []

        return find

    names = {"network": "network.pt", "features": "features.npz"}
    names["extractor_record"] = "extractor.record.json"
    return {key: pick(name) for key, name in names.items()} if scored else {}


def get_stopping_parameters():
    """How they are scored, as text; no other study has this parameter."""
    scored = list_runs_that_are_scored()
    if not scored:
        return {}
    code = digest_code("ganbench/evaluation/stopping_score.py")

    def describe(wildcards):
        metric = scored.get((wildcards.dataset, wildcards.variant))
        if metric is None:
            return "{}"
        facts = {key: get_dataset(wildcards)[key] for key in ("samples", "shape")}
        own = plugins.identify_part("extractor", get_extractor(wildcards))
        return canonical_json({"code": code, "metric": metric, "extractor": own, **facts})

    return {"stopping": describe}


def get_run_threads(wildcards):
    """CPU threads of a run, which are part of its result."""
    return STUDY["runs"][wildcards.dataset][wildcards.variant]["threads"]


def get_kind(wildcards):
    """The kind of a dataset, which may differ from its name."""
    return get_dataset(wildcards)["kind"]


def get_extractor(wildcards):
    """The extractor of a dataset of images; empty for points."""
    return EXTRACTORS.get(wildcards.dataset, "")


def is_classifier(wildcards):
    """Whether a dataset's extractor is trained here to tell its classes apart."""
    return get_extractor(wildcards) == catalogue_extractors.CLASSIFIER


def checks_classes(wildcards):
    """Whether the folders of a dataset are to be the classes that its extractor tells apart.

    Other data have their classes, so another extractor prepares none of them anew.
    """
    return get_kind(wildcards) == "image_folder" and is_classifier(wildcards)


def is_stacked(wildcards):
    """Whether each image of a dataset consists of three, one in each channel."""
    return bool(catalogue.KINDS[get_kind(wildcards)].base)


def get_plugin_parameters(of, extractors=()):
    """The digests of plugins' metrics `of` images or points and of `extractors`; {} without any.

    As a parameter, they make an edited part re-run the rules that use it.
    """
    parts = [("metric", name) for name in plugins.list_metrics(of)]
    parts += [("extractor", name) for name in sorted(set(extractors))]
    identified = [identity for part in parts if (identity := plugins.identify_part(*part))]
    return {"plugins": canonical_json(identified)} if identified else {}


def get_weights_parameters():
    """The digest of the weights that a study gives, of a network of timm; {} without any.

    As a parameter, it makes other weights give other features.
    """
    sha256 = STUDY["evaluation"]["sha256"]
    return {"sha256": sha256} if sha256 else {}


def get_sample_count(wildcards):
    """The number of generated samples that are compared with a dataset."""
    return get_dataset(wildcards)["samples"]


def get_dataset_parameters(wildcards):
    """What decides the data of a dataset.

    The place of a published dataset is left out: its files are verified wherever they lie.
    """
    dataset = get_dataset(wildcards)
    keys = ["kind", "resolution", "channels", "extractor_images"]
    if dataset["kind"] == "image_folder":
        keys += ["source", *studies.FOLDER_KEYS]
    facts = dataclasses.asdict(catalogue.KINDS[dataset["kind"]])
    return canonical_json({**{key: dataset[key] for key in keys}, "facts": facts})


def digest_images(wildcards):
    """A digest of the images of an image_folder; empty for datasets whose files are verified.

    As a parameter, it makes a changed image re-run the rule, and a touched folder re-run nothing.
    """
    dataset = get_dataset(wildcards)
    if dataset["kind"] != "image_folder":
        return ""
    return folder_digest.digest_folder(expand_path(dataset["source"]))


def list_label_checks(wildcards):
    """What must exist before runs are trained on classes that are a user's folders.

    It is the card of the classifier, whose job ends the study if these classes say nothing about
    the images. When the classifier is made anew, runs are not: it does not change them.
    """
    if not checks_classes(wildcards):
        return []
    return [
        ancient(extractor_result(wildcards.dataset, name))
        for name in ("card.json", "extractor.record.json")
    ]


def rank_run(wildcards):
    """The priority of a run, at most 1/2: the longest of the study start first.

    A long run that started last would keep one core busy while the others wait.
    """
    parameters = STUDY["runs"][wildcards.dataset][wildcards.variant]
    return count_passes(parameters) / LONGEST_RUN / 2


def count_reading_threads(wildcards):
    """CPU threads to prepare a dataset, which is read in parallel if each image is a file."""
    return 4 if get_kind(wildcards) in ("celeba", "image_folder") else 1


def count_gpus(wildcards):
    """GPUs that a job asks for; a job on the CPU asks for none, or it would wait for one."""
    device = STUDY["training"]["device"]
    if hasattr(wildcards, "variant"):
        device = STUDY["runs"][wildcards.dataset][wildcards.variant]["device"]
    return int(device == "cuda" or (device == "auto" and HAS_GPU))


def estimate_data_memory(wildcards):
    """Megabytes to prepare a dataset: twice its data, and the libraries that read it."""
    dataset = get_dataset(wildcards)
    images = sum((dataset["sizes"] or {"all": 200_000}).values())
    return 1000 + 2 * images * math.prod(dataset["shape"] or [3]) // 1_000_000


def estimate_training_memory(wildcards):
    """Megabytes to train a run: the whole dataset, and the libraries, CUDA's included."""
    return 3000 + estimate_data_memory(wildcards)


def estimate_feature_memory(wildcards):
    """Megabytes for the features of every training image, and for the images."""
    dataset = get_dataset(wildcards)
    sizes = dataset["sizes"] or {"train": 100_000}
    extractor = catalogue_extractors.EXTRACTORS[get_extractor(wildcards)]
    features = 64 * (3 if is_stacked(wildcards) else 1)
    if extractor.is_pretrained or extractor.is_plugin:
        features = 4096
    return 1500 + sizes["train"] * (math.prod(dataset["shape"]) + 8 * features) // 1_000_000


def grow(megabytes):
    """The memory of a job: `megabytes`, a number or a function, times the attempts at the job.

    A scheduler kills a job that takes more than it asked for; with `--retries` it is started again,
    and then it asks for more.
    """

    def ask(wildcards, attempt):
        return attempt * (megabytes(wildcards) if callable(megabytes) else megabytes)

    return ask


def share(function, datasets=DATASETS):
    """The value of `function` if it is the same for every run on `datasets`, else `function`.

    Snakemake calls functions anew for every job, and looks up their arguments three times.
    """
    values = {
        function(SimpleNamespace(dataset=dataset, variant=variant))
        for dataset in datasets
        for variant in STUDY["runs"][dataset]
    }
    return values.pop() if len(values) == 1 else function


def find_extractor_file(name):
    """An input of scoring: one pattern if all datasets share an extractor, else a function.

    Snakemake calls functions anew for every job.
    """
    if len(names := set(EXTRACTORS.values())) == 1:
        return result(f"extractors/{{dataset}}/{names.pop()}/{name}")
    return lambda wildcards: extractor_result(wildcards.dataset, name)
