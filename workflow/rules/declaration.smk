# What a study declares is kept when its first run starts to train, with the date, and never overwritten:
# a study that declares something else later has both in results/{study}/declared.json.
from snakemake.logging import logger

from ganbench.jobs.errors import ActionableError
from ganbench.study.declaration import describe_digest, keep_declaration


def will_train():
    """Whether a run is to be trained."""
    return any(job.rule.name == "train" for job in workflow.dag.needrun_jobs())


def declare_study():
    """Keeps what the study declares, if a run is to be trained."""
    if will_train():
        try:
            keep_declaration(Path(result("declared.json")), STUDY)
        except ActionableError as error:
            logger.warning(str(error))  # the first job ends with the same, and says what to do
