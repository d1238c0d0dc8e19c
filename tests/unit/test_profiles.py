"""The profiles: what their lines must say together; test_slurm.py runs one of them."""

import re

import yaml
from project import ROOT

SLURM = yaml.safe_load((ROOT / "profiles/slurm/config.yaml").read_text(encoding="utf-8"))
RULES = "\n".join(
    file.read_text(encoding="utf-8") for file in (ROOT / "workflow/rules").glob("*.smk")
)


def test_rules_that_share_a_slurm_job_take_turns():
    """Or the job would ask for the GPUs of all its runs at once, and for the minutes of one."""
    in_turn = {rule for rule, asked in SLURM["set-resources"].items() if asked.get("turn") == 1}
    assert in_turn == set(SLURM["groups"])
    assert "turn=1" in SLURM["resources"]
    assert SLURM["set-resource-scopes"] == {"turn": "local"}


def test_slurm_profile_names_rules_and_groups_that_exist():
    rules = set(re.findall(r"^rule (\w+):", RULES, re.M))
    assert {*SLURM["set-resources"], *SLURM["groups"]} <= rules
    assert set(SLURM["groups"].values()) == set(SLURM["group-components"])


def test_run_and_its_scoring_share_a_group():
    groups = SLURM["groups"]
    assert groups["train"] == groups["evaluate"] == groups["evaluate_density"]
