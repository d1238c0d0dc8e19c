# ganbench: which GAN training objective is better, and how sure can one be?
# A study (config/*.yaml) goes in, results/{study}/report.html comes out. See README.md.
from pathlib import Path

from snakemake.utils import min_version

min_version("9.27")


# The working directory's default study or, with --directory elsewhere, the shipped one.
DEFAULT_STUDY = Path("config/config.yaml")
if not DEFAULT_STUDY.exists():
    DEFAULT_STUDY = Path(workflow.basedir) / DEFAULT_STUDY

# With --configfile, the default study must not leak into the one that is given.
if not workflow.config_settings.configfiles:

    configfile: DEFAULT_STUDY.as_posix()


include: "workflow/rules/common.smk"
include: "workflow/rules/gpus.smk"
include: "workflow/rules/prepare.smk"
include: "workflow/rules/extractor.smk"
include: "workflow/rules/train.smk"
include: "workflow/rules/evaluate.smk"
include: "workflow/rules/theory.smk"
include: "workflow/rules/report.smk"


rule all:
    default_target: True
    input:
        result("report.html"),


include: "workflow/rules/command_line.smk"
include: "workflow/rules/declaration.smk"
include: "workflow/rules/terminal.smk"
include: "workflow/rules/former_report.smk"
include: "workflow/rules/records.smk"
include: "workflow/rules/maintenance.smk"


# Snakemake keeps the last of each of these, so they all stand here.
onstart:
    start_mps()
    keep_former_report()
    declare_study()


onsuccess:
    forget(FORMER)


onerror:
    put_back_report()
