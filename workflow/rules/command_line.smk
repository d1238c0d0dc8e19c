# What people type after `snakemake`, checked and completed once all rules are known.
#
# Snakemake refuses a rule with wildcards as a target. Here `snakemake train` makes every file of that
# rule, and the name of a stage stands for its rules of both images and points.
from functools import wraps

from ganbench.study.command_line import check_names, check_working_directory, complete_stages
from ganbench.study.optional_packages import check_packages
from ganbench.study.paths import check_sources, check_weights

STAGES = {"extractor": ["density_floor"], "evaluate": ["evaluate_density"]}
"""A stage by the name of its rule for images, and its rules for points."""


def list_floors(datasets):
    """The floor of each of `datasets`, which its rule writes last."""
    return [extractor_result(name, "floor.csv") for name in datasets]


def list_scores(datasets):
    """The scores of all runs on `datasets`, those of a sweep's settings included."""
    runs = (*studies.list_runs(STUDY), *studies.list_sweep_runs(STUDY))
    return [
        result(f"runs/{dataset}/{variant}/seed{seed}/scores.csv")
        for dataset, variant, seed in runs
        if dataset in datasets
    ]


TARGETS = {
    "prepare": lambda: [result(f"datasets/{name}/card.json") for name in DATASETS],
    "extractor": lambda: list_floors(DATASETS),
    "density_floor": lambda: list_floors(POINTS),
    "reference": lambda: reference_files("runs.json"),
    "train": lambda: run_files("run.json") + sweep_files("run.json"),
    "evaluate": lambda: list_scores(DATASETS),
    "evaluate_density": lambda: list_scores(POINTS),
    "theory": lambda: [result(f"theory/{name}.json") for name in STUDY["objectives"]],
}
"""What a rule with wildcards makes in all; functions, because few commands ask for it."""


def list_target_files(name):
    """The files that a target stands for: itself, if it is no rule with wildcards."""
    files = TARGETS[name]() if name in TARGETS else [name]
    if not files:
        raise WorkflowError(f"{name}: this study has no data for this rule")
    return files


def check_files():
    """Refuses a study whose files or packages are missing while jobs that need them are to run."""
    check_sources(
        STUDY, [name for name in DATASETS if not Path(result(f"datasets/{name}/data.npz")).exists()]
    )
    if not all(Path(file).exists() for file in list_scores(IMAGES)):
        check_weights(STUDY)
    if not all(Path(file).exists() for file in run_files("run.json")):
        check_packages(STUDY)


def complete_command_line(settings):
    """Replaces names of rules in the settings of --until, --forcerun, … and of the targets."""
    for option in ("targets", "until", "omit_from", "forcerun"):
        names = getattr(settings, option)
        check_names(names, [rule.name for rule in workflow.rules])
        if option != "targets":
            setattr(settings, option, complete_stages(names, STAGES))
    settings.targets = {file for name in settings.targets for file in list_target_files(name)}


def lift_job_limit():
    """Takes away Snakemake's default limit of 100 jobs a second, which no study reaches.

    With a limit, Snakemake 9.27 sets a timer at each look at the waiting jobs, whose end is another
    look. So it looks ever more often: after 300 jobs, 300 times a second.
    """
    settings = workflow.scheduling_settings  # None where nothing is executed
    limit = settings and settings.max_jobs_per_timespan
    if limit and (limit.max_jobs, limit.timespan) == (100, 1):
        settings.max_jobs_per_timespan = None


def check_first(prepare_dag):
    """Snakemake's method that plans the jobs, after the checks of this file."""

    @wraps(prepare_dag)
    def check_and_prepare(*arguments, **options):
        try:
            check_working_directory()
            check_files()
            complete_command_line(workflow.dag_settings)
            lift_job_limit()
        except StudyError as error:
            raise WorkflowError(str(error)) from None
        return prepare_dag(*arguments, **options)

    return check_and_prepare


# Snakemake reads the targets only after this file, and offers no later place to change them.
if workflow.is_main_process and not IS_MODULE:
    workflow._prepare_dag = check_first(workflow._prepare_dag)
