"""What is shipped agrees with itself: schema, rules, scripts, profiles, lock and guides."""

import os
import re
import shutil
import subprocess
import sys
import tomllib

import pytest
import yaml
from ganbench.catalogue.architectures import ARCHITECTURES
from ganbench.catalogue.datasets import KINDS
from ganbench.catalogue.extractors import EXTRACTORS
from ganbench.catalogue.objectives import OBJECTIVES
from ganbench.catalogue.optimizer_options import OPTIONS
from ganbench.densities.mixtures import DENSITIES
from ganbench.formula.language import FUNCTIONS
from ganbench.networks.build import NETWORKS
from ganbench.regularizers import CONSTRAINTS, OUTPUT_REGULARIZERS, PENALTIES
from ganbench.study.resolve import resolve
from ganbench.study.schema import load_schema
from ganbench.training.optimizers import build_optimizer
from project import ROOT, tiny_study
from torch import nn

SCHEMA = load_schema()
GROUPS = SCHEMA["$defs"]
SLURM = yaml.safe_load((ROOT / "profiles/slurm/config.yaml").read_text(encoding="utf-8"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
LOCK = (ROOT / "envs/requirements.lock").read_text(encoding="utf-8")


def read_rules() -> dict[str, str]:
    """The text of every rule by its name."""
    files = sorted((ROOT / "workflow/rules").glob("*.smk"))
    text = "\n".join(file.read_text(encoding="utf-8") for file in files)
    return dict(re.findall(r"^rule (\w+):\n((?:    .*\n|\n)+)", text + "\n", re.M))


RULES = read_rules()


def list_keys(group: dict, path: str = "") -> list[tuple[str, dict, bool]]:
    """(path, schema, required) of every key of a group and of the groups within it."""
    keys = []
    for name, part in group.get("properties", {}).items():
        key = f"{path}.{name}" if path else name
        keys.append((key, part, name in group.get("required", ())))
        keys += list_keys(part, key)
    return keys


KEYS = list_keys(SCHEMA) + [key for name, group in GROUPS.items() for key in list_keys(group, name)]


def list_shipped_files() -> list[str]:
    """Every file that git tracks or would add, except for deleted ones."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return [file for file in listed.stdout.splitlines() if (ROOT / file).is_file()]


@pytest.mark.parametrize("program", ["workflow/schemas/table.py", "envs/from_lock.py"])
def test_generated_files_are_up_to_date(program):
    done = subprocess.run(
        [sys.executable, program, "--check"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_key_is_described():
    for path, part, _ in KEYS:
        target = GROUPS[part["$ref"].rsplit("/", 1)[1]] if "$ref" in part else {}
        assert part.get("description") or target.get("description"), path


def test_every_key_has_a_default_or_is_required():
    for path, part, required in KEYS:
        is_regularizer = path.startswith("regularizers.") and path.count(".") == 1
        exempt = "x-override" in part or "x-optional" in part or is_regularizer
        assert ("default" in part) + required + exempt == 1, path


def test_every_group_refuses_unknown_keys():
    for group in (SCHEMA, *GROUPS.values(), *(part for _, part, _ in KEYS)):
        assert "properties" not in group or group["additionalProperties"] is False, group


def test_kinds_and_architectures_have_their_densities_and_networks():
    assert [name for name in KINDS if KINDS[name].type == "points"] == list(DENSITIES)
    assert set(ARCHITECTURES) == set(NETWORKS)


def test_regularizers_of_the_schema_are_those_of_the_code():
    names = {*PENALTIES, *CONSTRAINTS, *OUTPUT_REGULARIZERS}
    assert set(GROUPS["regularizers"]["properties"]) == names


@pytest.mark.parametrize("name", GROUPS["optimizer"]["properties"]["name"]["enum"])
def test_every_optimizer_of_the_schema_can_be_built(name):
    config = tiny_study(training={"optimizer": {"name": name}})
    run = resolve(config, "s")["runs"]["digits"]["minimax"]
    assert build_optimizer(run["optimizer"], nn.Linear(1, 1).parameters())
    assert set(OPTIONS) == set(GROUPS["optimizer"]["properties"]["name"]["enum"])


def test_shipped_objectives_have_the_keys_that_a_study_can_give():
    for name, definition in OBJECTIVES.items():
        assert set(definition) <= set(GROUPS["objective"]["properties"]), name
        assert all(definition[key] for key in ("title", "year", "paper", "known_for")), name


@pytest.mark.promise("verified-downloads")
def test_every_download_has_an_https_address_and_a_full_sha256():
    kinds = [kind for kind in KINDS.values() if kind.download]
    extractors = [extractor for extractor in EXTRACTORS.values() if extractor.is_pretrained]
    assert len(kinds) >= 3
    assert len(extractors) >= 3
    digests = [extractor.sha256 for extractor in extractors]
    for kind in kinds:
        assert re.fullmatch(r"https://.*/", kind.download)
        assert kind.archives
        digests += [*kind.archives.values(), *kind.files.values()]
    assert all(extractor.url.startswith("https://") for extractor in extractors)
    assert all(re.fullmatch(r"[0-9a-f]{64}", digest) for digest in digests)


@pytest.mark.parametrize("name", sorted(RULES))
def test_every_rule_declares_its_needs_and_runs_its_script(name):
    directives = re.findall(r"^    (\w+):", RULES[name], re.M)
    needed = {"output", "log", "benchmark", "conda", "threads", "resources", "params", "script"}
    assert needed <= set(directives)
    assert not {"shell", "run", "wrapper", "notebook", "cwl"} & set(directives)
    for text in (
        "mem_mb=grow(",  # more when a job is tried again
        "runtime=",
        f'code=digest_code("{name}.py")',
        f'"../scripts/{name}.py"',
    ):
        assert text in RULES[name]


def test_every_script_and_conda_file_belongs_to_a_rule():
    assert set(RULES) == {file.stem for file in ROOT.glob("workflow/scripts/*.py")}
    environments = {re.search(r'"\.\./\.\./envs/(\w+)\.yaml"', text)[1] for text in RULES.values()}
    assert environments == {file.stem for file in ROOT.glob("envs/*.yaml")}


def test_rules_that_share_a_slurm_job_take_turns():
    """Otherwise the job would ask for all its runs' GPUs at once, and for the minutes of one."""
    resources = SLURM["set-resources"]
    in_turn = {rule for rule in resources if resources[rule].get("turn") == 1}
    assert in_turn == set(SLURM["groups"])
    assert "turn=1" in SLURM["resources"]
    assert SLURM["set-resource-scopes"] == {"turn": "local"}


def test_slurm_profile_names_rules_and_groups_that_exist():
    groups = SLURM["groups"]
    assert {*SLURM["set-resources"], *groups} <= set(RULES)
    assert set(groups.values()) == set(SLURM["group-components"])
    assert groups["train"] == groups["evaluate"] == groups["evaluate_density"]


def test_lock_has_a_hash_for_every_package_and_no_address():
    assert "://" not in LOCK
    for entry in re.split(r"\n(?=\S)", LOCK.strip()):
        assert re.match(r"[a-z0-9.-]+==\S+( ; .*)? \\\n", entry)
        assert "--hash=sha256:" in entry


def test_lock_contains_every_dependency_of_the_project():
    for dependency in PROJECT["dependencies"]:
        name = re.match(r"[\w.-]+", dependency)[0]
        assert re.search(rf"^{re.escape(name)}==", LOCK, re.M), name


def test_no_shipped_file_names_a_package_index_or_a_folder_of_one_machine():
    hosts = [".".join(parts) for parts in (("pypi", "org"), ("pythonhosted", "org"))]
    hosts.append(".".join(("anaconda", "org")))
    machine = re.compile(r"(?<![\w.~}<])/(?:root|home|Users|work|mnt)/")
    for file in list_shipped_files():
        text = (ROOT / file).read_bytes().decode("utf-8", errors="replace")
        assert not [host for host in hosts if host in text], file
        assert not machine.search(text), file


def test_guide_to_studies_names_every_function_of_formulas():
    text = (ROOT / "config/README.md").read_text(encoding="utf-8")
    functions = re.search(r"the functions `([^`]+)`", text)[1].split()
    assert functions == list(FUNCTIONS)


def test_links_between_documents_lead_to_files_that_exist():
    for file in list_shipped_files():
        if file.endswith(".md"):
            text = (ROOT / file).read_text(encoding="utf-8")
            for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text):
                assert (ROOT / file).parent.joinpath(target).exists(), f"{file}: {target}"


def test_version_is_the_same_everywhere():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["version"] == PROJECT["version"]
    assert f"## {PROJECT['version']}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(("ci", "status"), [("true", 1), ("", 0)], ids=["CI", "elsewhere"])
def test_skipped_test_fails_only_in_continuous_integration(tmp_path, ci, status):
    shutil.copy(ROOT / "tests/conftest.py", tmp_path)
    (tmp_path / "test_some.py").write_text(
        "import pytest\n\ndef test_runs():\n    pass\n\n"
        "def test_lacks_something():\n    pytest.skip('no browser')\n",
        encoding="utf-8",
    )
    environment = {"CI": ci, "PYTHONPATH": str(ROOT / "tests")}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "."],
        cwd=tmp_path,
        env={**os.environ, **environment, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == status, done.stdout + done.stderr
    assert ("CI is set: 1 skipped counts as failed" in done.stdout) == bool(ci)
    assert "1 passed, 1 skipped" in done.stdout.splitlines()[-1]
