"""The conda environments get what packages need on every system, not only on this one."""

import importlib.util
from importlib import metadata

import pytest
from packaging.requirements import Requirement
from project import ROOT

NEEDS = [
    "always",
    "on_linux; sys_platform == 'linux'",
    "plotting; extra == 'plot'",
    "plotting_on_macos; extra == 'plot' and sys_platform == 'darwin'",
    "plotting_on_windows; extra == 'plot' and platform_system == 'Windows'",
    "plotting_on_linux; extra == 'plot' and os_name == 'posix' and sys_platform != 'darwin'",
    "another; extra == 'other'",
]


@pytest.fixture(scope="module")
def from_lock():
    spec = importlib.util.spec_from_file_location("from_lock", ROOT / "envs/from_lock.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("extras", "expected"),
    [
        ((), {"always", "on_linux"}),
        (
            ("plot",),
            {
                "always",
                "on_linux",
                "plotting",
                "plotting_on_macos",
                "plotting_on_windows",
                "plotting_on_linux",
            },
        ),
    ],
)
def test_requirements_of_an_extra_are_those_of_all_systems(
    from_lock, monkeypatch, extras, expected
):
    monkeypatch.setattr(metadata, "requires", lambda package: NEEDS)
    found: list[Requirement] = from_lock.list_requirements("package", frozenset(extras))
    assert {requirement.name for requirement in found} == expected
