# Two of Snakemake's own commands, completed for this workflow: --delete-all-output and
# --generate-unit-tests.
import shutil


def delete_traces(jobs):
    """Removes what jobs leave beside their outputs: logs, measurements, states, empty folders."""
    for job in jobs:
        for file in (*job.log, job.benchmark):
            if file:
                Path(file).unlink(missing_ok=True)
        shutil.rmtree(getattr(job.params, "checkpoints", ""), ignore_errors=True)
        if run := getattr(job.output, "run", ""):
            shutil.rmtree(Path(run).parent / "tensorboard", ignore_errors=True)
    Path(result("declared.json")).unlink(missing_ok=True)
    root = Path(result(""))
    for folder in sorted(root.rglob("*"), reverse=True):
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()
    if root.is_dir() and not any(root.iterdir()):
        root.rmdir()


def delete_completely(delete_output):
    """Snakemake's method behind --delete-all-output, after which nothing of the jobs is left."""

    @wraps(delete_output)
    def delete_all(only_temp=False, dryrun=False):
        delete_output(only_temp=only_temp, dryrun=dryrun)
        if not (only_temp or dryrun):
            delete_traces(workflow.dag.jobs)

    return delete_all


def generate_comparable(generate_unit_tests):
    """Snakemake's method behind --generate-unit-tests, whose tests compare all but durations."""

    @wraps(generate_unit_tests)
    def generate(path):
        generate_unit_tests(path)
        comparison = WORKFLOW / "unit_tests/comparison.py"
        text = comparison.read_text(encoding="utf-8")
        with (path / "common.py").open("a", encoding="utf-8") as common:
            common.write(f"\n\n{text}")
        for file in map(Path, benchmark_files()):  # the report shows them, and does without
            if file.exists():
                target = path / "report/data" / file
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(file, target)

    return generate


if workflow.is_main_process and not IS_MODULE:
    workflow.delete_output = delete_completely(workflow.delete_output)
    workflow.generate_unit_tests = generate_comparable(workflow.generate_unit_tests)
