# What is made anew, decided by records: every job leaves one beside its results, which says what they
# are of. Snakemake's own notes in .snakemake/ and the times of files decide nothing, so results can be
# copied, moved and touched, and a study that differs from them is noticed wherever they lie.
from functools import wraps

from snakemake.jobs import Job
from snakemake.logging import logger
from snakemake.persistence import ParamsChange
from snakemake.settings.enums import RerunTrigger

from ganbench.jobs import files
from ganbench.jobs.records.job_plans import (
    PlannedJob,
    is_finished,
    judge_jobs,
    summarise_unrecorded,
)
from ganbench.jobs.records.recording import list_deciding


def find_record(job):
    """The record that a job writes; None for `all`, and for jobs of another workflow."""
    return getattr(job.output, "record", None)


def describe_job(job, dag):
    """A job of Snakemake's plan as the records describe jobs."""
    record, inputs = find_record(job), None
    if not Path(record).exists():  # what it would read makes no difference then
        return PlannedJob(record, {}, None, frozenset(), list(job.output))
    if dag.batch is None or not dag.is_batch_rule(job.rule):
        inputs = [file for file in job.input if not file.is_ancient]
    ignored = frozenset(file for file in job.input if file.is_ancient)
    parameters = list_deciding(job.params.items())
    return PlannedJob(record, parameters, inputs, ignored, list(job.output))


def give_reason(reason, judgement, outputs):
    """Tells Snakemake why a job with these outputs is to run, if it is."""
    missing = set(judgement.missing)
    reason.missing_output.update(file for file in outputs if file in missing)
    if judgement.before or judgement.now:
        before, now = set(judgement.before), set(judgement.now)
        reason.params_changed = ParamsChange(before, now, set(map(str, outputs)))
    reason.input_changed = judgement.inputs_changed
    if reason:
        reason.derived = False


def is_forced(job, dag):
    """Whether the command line asks for a job again, whatever lies there."""
    return not dag.forcefiles.isdisjoint(job.output) or job.rule in dag.forcerules


def judge_plan(dag, tell_damage):
    """Compares every planned job with its record, before Snakemake decides what is to run."""
    jobs = [job for job in dag.jobs if find_record(job)]
    problems, unrecorded = {}, []
    for job, judgement in zip(jobs, judge_jobs([describe_job(job, dag) for job in jobs])):
        give_reason(dag.reason(job), judgement, job.output)
        if judgement.is_unrecorded:
            unrecorded.append(find_record(job))
        if not is_forced(job, dag):
            problems |= judgement.problems
    if problems:
        tell_damage(files.describe_damage(problems))
    if unrecorded:
        logger.warning(summarise_unrecorded(unrecorded))


def find_cut_short(dag):
    """Snakemake's method that lists files of jobs which it did not see end, without those of jobs
    whose record says that they ended: Ctrl-C may come between the two."""
    list_files = dag.incomplete_files

    @wraps(list_files)
    async def list_cut_short():
        files = set(await list_files())
        jobs = [job for job in dag.jobs if find_record(job) and not files.isdisjoint(job.output)]
        ended = [job for job in jobs if is_finished(find_record(job))]
        return [*files.difference(*(job.output for job in ended))]

    return list_cut_short


def refuse_damage(message):
    """Ends Snakemake before any job."""
    raise WorkflowError(message)


def has_only_recorded_jobs():
    """Whether this is the whole workflow, and not a module of one that has other jobs too."""
    return all("record" in step.output.keys() for step in workflow.rules if not step.norun)


def decide_by_records(prepare_dag):
    """Snakemake's method that prepares its plan, with which records decide what is to run."""

    @wraps(prepare_dag)
    def prepare_and_decide(*arguments, **options):
        if has_only_recorded_jobs():
            ignore_times()
        prepare_dag(*arguments, **options)
        dag = workflow._dag
        runs_jobs = workflow._executor_plugin is not None  # and does not list or delete files
        tell_damage = refuse_damage if runs_jobs else logger.warning
        dag.incomplete_files = find_cut_short(dag)
        check_incomplete = dag.check_incomplete

        @wraps(check_incomplete)
        async def judge_and_check():
            judge_plan(dag, tell_damage)
            await check_incomplete()

        dag.check_incomplete = judge_and_check  # the last step before it decides what is to run

    return prepare_and_decide


def ignore_times():
    """Takes the times of files, and what Snakemake noted in .snakemake/, out of its decisions.

    Only there does it note the software that it installed itself, with conda or containers.
    """
    settings, triggers = workflow.dag_settings, {RerunTrigger.MTIME}
    if workflow.deployment_settings.deployment_method:
        triggers |= settings.rerun_triggers & {RerunTrigger.SOFTWARE_ENV}
    settings.rerun_triggers = frozenset(triggers)
    oldest = Job.output_mintime

    async def find_oldest(job):
        return None if find_record(job) else await oldest.fget(job)

    Job.output_mintime = property(find_oldest)
    for log_hint in ("provenance", "missing_metadata", "outdated_metadata"):
        setattr(workflow, f"log_{log_hint}_info", lambda: None)


if workflow.is_main_process:
    workflow._prepare_dag = decide_by_records(workflow._prepare_dag)
