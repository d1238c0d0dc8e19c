# What the terminal shows: short messages instead of Snakemake's own, an estimate, and the answer.
#
# Snakemake's own are one flag away: --verbose or --printshellcmds. Its log file stays complete.
from ganbench.jobs.surroundings import name_user
from ganbench.terminal.estimate import describe_estimate, estimate_plan
from ganbench.terminal.forecast import EstimatedJob
from ganbench.terminal.handler import TerminalHandler
from ganbench.terminal.messages import Plan
from ganbench.terminal.past_jobs import read_past
from ganbench.terminal.stopping_note import describe_stopping
from ganbench.terminal.study_jobs import list_names


def find_width():
    """How many jobs run at a time, and where, in words."""
    if not workflow.local_exec and not workflow.dryrun:
        return workflow.nodes, f"on a cluster, {workflow.nodes} jobs at a time"
    cores = workflow.resource_settings.cores or 1
    if workflow.dryrun and cores == 1:  # Snakemake's default in a dry-run, not what will be used
        cores = count_usable_cores()
    return cores, f"on {cores} core{'s' * (cores > 1)}"


def make_plan():
    """The jobs that Snakemake is about to run, and what they take."""
    width, where = find_width()
    on_gpu = HAS_GPU and STUDY["training"]["device"] != "cpu"
    gpus = workflow.global_resources.get("gpu")
    jobs = {
        job.jobid: EstimatedJob(job.rule.name, job.wildcards_dict, job.threads)
        for job in workflow.dag.needrun_jobs()
        if job.output
    }
    estimate = estimate_plan(
        jobs,
        STUDY,
        read_past(Path("results"), STUDY, on_gpu=on_gpu),
        width=width,
        gpu_jobs=gpus.value if gpus else 1,
        on_gpu=on_gpu,
    )
    rules = {job.rule.name for job in workflow.dag.jobs}
    sentences = [describe_estimate(estimate, where)]
    if will_train():
        sentences.append(describe_stopping(STUDY))
    return Plan(
        estimate,
        "" if workflow.touch else "\n".join(filter(None, sentences)),
        dry_run=workflow.dryrun,
        results=name_place(result("")),
        page=name_place(result("report.html")) if "report" in rules else "",
        declaration=describe_digest(STUDY) if will_train() else "",
        order=list_names(STUDY) if workflow.dryrun else (),
    )


def name_place(path):
    """A path as a user finds it, who need not know the working directory of `--directory`."""
    return str(Path(path).absolute()) if workflow.overwrite_workdir else path


def is_quiet():
    """Whether messages about jobs are not wanted."""
    from snakemake.settings.enums import Quietness

    hidden = {Quietness.ALL, Quietness.RULES, Quietness.PROGRESS}
    return not hidden.isdisjoint(workflow.output_settings.quiet or ())


def find_own_handler():
    """Snakemake's handler of the terminal, if these messages may take its place."""
    from snakemake.logging import ColorizingTextHandler

    settings = workflow.output_settings
    if settings.verbose or settings.printshellcmds or settings.debug_dag:
        return None
    if workflow.dryrun and is_quiet():  # it asks for Snakemake's table of jobs alone
        return None
    handlers = workflow.logger_manager.logger.handlers
    return next((handler for handler in handlers if type(handler) is ColorizingTextHandler), None)


def show_short_messages():
    """Puts the handler of this project in the place of Snakemake's own, if it is as expected."""
    try:
        own, quiet = find_own_handler(), is_quiet()
    except (ImportError, AttributeError):  # another version: its own messages stay
        return
    if own is not None:
        logger = workflow.logger_manager.logger
        logger.removeHandler(own)
        logger.addHandler(TerminalHandler(own, STUDY["study"], make_plan, quiet=quiet))


# Snakemake prints the user's name, and ends where there is none.
name_user()

# In another workflow's module, the terminal is that workflow's.
if workflow.is_main_process and not IS_MODULE:
    show_short_messages()
