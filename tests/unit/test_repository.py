"""What is shipped agrees with itself: schema and code, rules and scripts, generated files."""

import os
import re
import shutil
import subprocess
import sys
import tomllib

import pytest
import yaml
from ganbench.catalogue import architectures, datasets, metrics, objectives
from ganbench.densities.mixtures import DENSITIES
from ganbench.formula.language import FUNCTIONS
from ganbench.networks.build import NETWORKS
from ganbench.regularizers import CONSTRAINTS, PENALTIES
from ganbench.study.schema import load_schema
from ganbench.training.optimizers import build_optimizer
from project import ROOT
from torch import nn

RULES = sorted(ROOT.glob("workflow/rules/*.smk"))
SCRIPTS = sorted(ROOT.glob("workflow/scripts/*.py"))
SCHEMA = load_schema()
GROUPS = SCHEMA["$defs"]


def rules() -> dict[str, str]:
    """The text of every rule by its name."""
    text = "\n".join(file.read_text(encoding="utf-8") for file in RULES)
    return dict(re.findall(r"^rule (\w+):\n((?:    .*\n|\n)+)", text + "\n", re.M))


def keys(group: dict, path: str = "") -> list[tuple[str, dict, bool]]:
    """(path, schema, required) of every key of a group and of the groups within it."""
    found = []
    for name, part in group.get("properties", {}).items():
        where = f"{path}.{name}" if path else name
        found.append((where, part, name in group.get("required", ())))
        found += keys(part, where)
    return found


EVERY_KEY = keys(SCHEMA) + [key for name, group in GROUPS.items() for key in keys(group, name)]


def shipped_files() -> list[str]:
    """Every file that git knows or would add, but for those deleted."""
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


@pytest.mark.parametrize(
    ("path", "part", "required"), EVERY_KEY, ids=[path for path, _, _ in EVERY_KEY]
)
def test_every_key_is_described_and_has_a_default_or_is_required(path, part, required):
    target = GROUPS[part["$ref"].rsplit("/", 1)[1]] if "$ref" in part else {}
    assert part.get("description") or target.get("description")
    a_choice = path.startswith("regularizers.") and path.count(".") == 1
    assert ("default" in part) + required + ("x-override" in part) + a_choice == 1


def test_every_group_forbids_unknown_keys():
    groups = [SCHEMA, *GROUPS.values(), *(part for _, part, _ in EVERY_KEY)]
    open_ones = [group for group in groups if "properties" in group]
    assert [group for group in open_ones if group.get("additionalProperties") is not False] == []


def test_kinds_networks_and_metrics_of_the_schema_are_those_of_the_code():
    known = datasets.KINDS
    assert GROUPS["kind"]["enum"] == list(known)
    assert [name for name in known if known[name].type == "points"] == list(DENSITIES)
    names = GROUPS["network"]["properties"]["name"]["enum"]
    assert set(names) == set(NETWORKS) == set(architectures.ARCHITECTURES)
    named = GROUPS["evaluation"]["properties"]["primary_metric"]["enum"]
    assert set(named) <= set(metrics.METRICS)


def test_regularizers_of_the_schema_are_those_of_the_code():
    assert set(GROUPS["regularizers"]["properties"]) == {*PENALTIES, *CONSTRAINTS}


@pytest.mark.parametrize("name", GROUPS["optimizer"]["properties"]["name"]["enum"])
def test_every_optimizer_of_the_schema_can_be_built(name):
    options = {key: part["default"] for key, part in GROUPS["optimizer"]["properties"].items()}
    assert build_optimizer({**options, "name": name}, nn.Linear(1, 1).parameters())


def test_an_objectives_options_are_those_of_the_catalogue():
    allowed = set(GROUPS["objective"]["properties"])
    for name, definition in objectives.OBJECTIVES.items():
        assert set(definition) <= allowed, name
        assert definition["title"], name
        assert definition["year"], name
        assert definition["paper"], name
        assert definition["known_for"], name


@pytest.mark.parametrize("name", sorted(rules()))
@pytest.mark.parametrize(
    "directive", ["output", "log", "benchmark", "conda", "threads", "resources", "params", "script"]
)
def test_every_rule_says_what_it_needs(name, directive):
    assert re.search(rf"^    {directive}:", rules()[name], re.M)


@pytest.mark.parametrize("name", sorted(rules()))
def test_every_rule_names_memory_time_and_the_code_it_depends_on(name):
    text = rules()[name]
    assert "mem_mb=" in text
    assert "runtime=" in text
    assert f'code=code("{name}.py")' in text
    assert f'"../scripts/{name}.py"' in text


def test_every_script_is_a_rules():
    assert set(rules()) == {file.stem for file in SCRIPTS}


def test_there_is_a_conda_file_for_each_environment_that_a_rule_names_and_no_other():
    named = {re.search(r'"\.\./\.\./envs/(\w+)\.yaml"', text)[1] for text in rules().values()}
    assert named == {file.stem for file in ROOT.glob("envs/*.yaml")}


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda file: file.stem)
def test_scripts_are_thin(script):
    assert len(script.read_text(encoding="utf-8").splitlines()) < 25


def test_lock_has_a_hash_for_every_package_and_no_address():
    text = (ROOT / "envs/requirements.lock").read_text(encoding="utf-8")
    assert "://" not in text
    for entry in re.split(r"\n(?=\S)", text.strip()):
        assert re.match(r"[a-z0-9.-]+==\S+( ; .*)? \\\n", entry)
        assert "--hash=sha256:" in entry


def test_lock_holds_every_dependency_of_the_project():
    lock = (ROOT / "envs/requirements.lock").read_text(encoding="utf-8")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    for dependency in project["dependencies"]:
        name = re.match(r"[\w.-]+", dependency)[0]
        assert re.search(rf"^{re.escape(name)}==", lock, re.M), name


def test_no_shipped_file_names_a_package_index_or_a_folder_of_one_machine():
    hosts = [".".join(parts) for parts in (("pypi", "org"), ("pythonhosted", "org"))]
    hosts.append(".".join(("anaconda", "org")))
    machine = re.compile(r"(?<![\w.~}<])/(?:root|home|Users|work|mnt)/")
    for file in shipped_files():
        text = (ROOT / file).read_bytes().decode("utf-8", errors="replace")
        assert not [host for host in hosts if host in text], file
        assert not machine.search(text), file


def test_guide_to_studies_names_every_function_of_formulas():
    text = (ROOT / "config/README.md").read_text(encoding="utf-8")
    listed = re.search(r"the functions `([^`]+)`", text)[1].split()
    assert listed == list(FUNCTIONS)


def test_readme_leads_to_files_that_exist():
    for file in shipped_files():
        if file.endswith(".md"):
            text = (ROOT / file).read_text(encoding="utf-8")
            for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text):
                assert (ROOT / file).parent.joinpath(target).exists(), f"{file}: {target}"


def test_version_is_the_same_everywhere():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["version"] == project["version"]
    assert f"## {project['version']}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(("ci", "status"), [("true", 1), ("", 0)])
def test_skipped_test_fails_in_continuous_integration_alone(tmp_path, ci, status):
    shutil.copy(ROOT / "tests/conftest.py", tmp_path)
    (tmp_path / "test_some.py").write_text(
        "import pytest\n\ndef test_runs():\n    pass\n\n"
        "def test_lacks_something():\n    pytest.skip('no browser')\n",
        encoding="utf-8",
    )
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "."],
        cwd=tmp_path,
        env={**os.environ, "CI": ci, "PYTHONPATH": str(ROOT / "tests")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == status, done.stdout + done.stderr
    assert ("CI is set: 1 skipped counts as failed" in done.stdout) == bool(ci)
    assert "1 passed, 1 skipped" in done.stdout.splitlines()[-1]
