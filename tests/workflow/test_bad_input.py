"""A study that cannot be used: one message before any job, no traceback, exit code not 0."""

import pytest
from project import copy_checkout, snakemake, tiny_study


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    return copy_checkout(tmp_path_factory.mktemp("bad_input") / "a checkout")


def refused(checkout, study, *arguments) -> str:
    done = snakemake(checkout, "--cores", "1", *arguments, study=study)
    said = done.stdout + done.stderr
    assert done.returncode != 0
    assert "Traceback" not in said
    assert not (checkout / "results").exists()
    return said


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"trainng": {}}, "study.yaml: unknown key 'trainng', expected one of study, title"),
        (
            {"training": {"optimizer": {"lr": "fast"}}},
            "study.yaml: training.optimizer.lr: found 'fast', expected a number",
        ),
        ({"variants": {}}, "study.yaml: variants: found 0 items, expected at least 1"),
        ({"seeds": 0}, "study.yaml: seeds: found 0, expected at least 1"),
        ({"seeds": [1, 1]}, "study.yaml: seeds: found [1, 1], expected no value twice"),
        ({"variants": {"foo": {}}}, "study.yaml: variants.foo: found no key 'objective'"),
        ({"study": "../up"}, "study.yaml: study: found '../up', expected a name of a-z, 0-9"),
        (
            {"objectives": {"mine": {"discriminator": "softplus(x)", "generator": "f"}}},
            "objective 'mine', discriminator: 'softplus(x)', column 10: unknown name 'x'",
        ),
    ],
)
@pytest.mark.promise("bad-study-refused")
def test_message_names_file_key_found_and_expected(checkout, changes, message):
    assert message in refused(checkout, tiny_study(**changes))


def test_default_study_does_not_leak_into_a_given_one(checkout):
    study = tiny_study()
    del study["variants"]
    assert "study.yaml: missing the key 'variants'" in refused(checkout, study)


@pytest.mark.promise("bad-study-refused")
def test_value_from_the_command_line_is_checked_too(checkout):
    said = refused(checkout, tiny_study(), "--config", "seeds=none")
    assert "study.yaml with --config: seeds: found 'none'" in said


def test_file_that_is_no_yaml_is_refused(checkout):
    # Snakemake itself reads --configfile, before any file of this workflow
    said = refused(checkout, "study: [tiny\nseeds: {")
    assert "Config file is not valid JSON or YAML" in said


def test_empty_file_is_refused(checkout):
    assert "missing the key" in refused(checkout, "{}")


def test_missing_study_file_is_named(checkout):
    # Snakemake itself reads --configfile, before any file of this workflow
    done = snakemake(checkout, "--cores", "1", "--configfile", "config/no_such.yaml")
    assert done.returncode != 0
    assert "No such file or directory: 'config/no_such.yaml'" in done.stdout + done.stderr
    assert not (checkout / "results").exists()
