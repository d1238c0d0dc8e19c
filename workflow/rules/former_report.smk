# A report that cannot be made leaves the former one in place. Snakemake deletes a job's files before the
# job starts and when it fails, so they are kept aside meanwhile.
from snakemake.logging import logger

from ganbench.jobs.former_files import forget, keep_aside, put_back

FORMER = Path(".snakemake/former_report", STUDY["study"])


def find_report_job():
    """The job of the report, if it is to run."""
    jobs = workflow.dag.needrun_jobs(exclude_finished=False)
    return next((job for job in jobs if job.rule.name == "report"), None)


def keep_former_report():
    """Keeps the report's files aside, if its job is to run."""
    if job := find_report_job():
        keep_aside(job.output, FORMER, judge_by=job.output.report)


def put_back_report():
    """Puts the report's files back if its job failed."""
    if (job := find_report_job()) and put_back(FORMER, judge_by=job.output.report):
        # they are not what the study asks for now: the next start makes them again
        workflow.persistence.started(job)
        logger.warning(
            f"{job.output.report} is still the former report. The next start makes it again."
        )
