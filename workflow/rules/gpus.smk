# How jobs share the GPUs of this machine: said while planning, and MPS started before the first job.
#
# A job asks for one `gpu`. Without --resources gpu=N, Snakemake starts as many such jobs at a time as
# the plan has slots.
from functools import wraps

from snakemake.logging import logger

from ganbench.jobs.errors import ActionableError
from ganbench.jobs.gpus import mps

IS_LIMITED = "gpu" in workflow.global_resources


def limit_gpu_jobs(plan):
    """Lets as many jobs use GPUs at a time as the plan has slots, unless --resources says so."""
    if plan.devices and not IS_LIMITED:
        workflow.register_resource("gpu", plan.slots * len(plan.devices))


def describe_devices():
    """What the study asks for and what it gets, in one line."""
    asked = "/".join(sorted(DEVICES))
    if DEVICES == {"cuda"} and not GPUS.devices:
        return f"device: cuda → no GPU, so its jobs will fail: {GPUS.problem}"
    return f"device: {asked} → {GPUS.describe()}"


def announce_first(prepare_dag):
    """Snakemake's method that plans the jobs, after a line on the device they compute on."""

    @wraps(prepare_dag)
    def announce_and_prepare(*arguments, **options):
        if workflow.executor_plugin is not None and workflow.local_exec:
            if DEVICES != {"cpu"} and not workflow.output_settings.quiet:
                logger.info(describe_devices())
            limit_gpu_jobs(GPUS)
        return prepare_dag(*arguments, **options)

    return announce_and_prepare


def start_mps():
    """Takes a share in MPS until Snakemake ends; without MPS, the jobs get the plan without it."""
    if not GPUS.uses_mps or not workflow.local_exec or mps.has_site_mps():
        return
    try:
        mps.join(GPUS.devices)
    except ActionableError as error:
        plan = GPUS.without_mps(f"MPS does not work here: {error}")
        config["execution"]["gpus"] = dataclasses.asdict(plan)
        limit_gpu_jobs(plan)
        logger.warning(f"device: {plan.describe()}")


if workflow.is_main_process:
    workflow._prepare_dag = announce_first(workflow._prepare_dag)
