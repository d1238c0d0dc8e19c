"""How the environment is made: by uv or pip, with the lock's torch or another."""

import importlib.util
import re
import tomllib
from pathlib import Path

import pytest
from ganbench.jobs.systems import OLDEST_TORCH
from project import ROOT

SPEC = importlib.util.spec_from_file_location("install", ROOT / "envs/install.py")
installing = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(installing)

LOCK = (ROOT / "envs/requirements.lock").read_text(encoding="utf-8")


def write_program(file: Path, body: str) -> Path:
    file.parent.mkdir(exist_ok=True)
    file.write_text(f"#!/bin/sh\n{body}\n", encoding="utf-8")
    file.chmod(0o755)
    return file


@pytest.fixture
def programs(tmp_path, monkeypatch) -> Path:
    """A folder that is first on the PATH; `uv` and `python` in it write their arguments down."""
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    for name in ("uv", "python"):
        write_program(tmp_path / "bin" / name, f'echo {name} "$@" >> {tmp_path}/called')
    return tmp_path / "bin"


def read_calls(programs: Path) -> list[str]:
    """What was installed by which program; pip is also asked for its settings."""
    lines = (programs.parent / "called").read_text(encoding="utf-8").splitlines()
    return [line for line in lines if "config list" not in line]


def list_names(lock: str) -> set[str]:
    return set(re.findall(r"^([a-z0-9._-]+)==", lock, re.M))


def test_another_torch_leaves_out_torch_and_cuda_alone():
    kept = installing.leave_out_torch(LOCK)
    gone = list_names(LOCK) - list_names(kept)
    assert {"torch", "torchvision", "triton", "nvidia-cublas", "cuda-toolkit"} <= gone
    assert all(re.match(r"torch$|torchvision$|triton$|nvidia-|cuda-", name) for name in gone)
    assert {"torch-fidelity", "torchmetrics", "snakemake", "timm"} <= list_names(kept)
    for entry in re.split(r"\n(?=\S)", kept):
        assert entry in LOCK
        assert "--hash=sha256:" in entry


def test_oldest_torch_is_the_same_everywhere():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert installing.OLDEST_TORCH == OLDEST_TORCH
    assert f"torch>={OLDEST_TORCH[0]}.{OLDEST_TORCH[1]}" in project["dependencies"]


def test_uv_installs_where_it_is_found(programs, monkeypatch):
    monkeypatch.setattr(installing.sys, "dont_write_bytecode", False)
    installing.install(programs / "python", ["-r", "lock"])
    (call,) = read_calls(programs)
    assert call.startswith("uv pip install")
    assert call.endswith(f"--python {programs}/python -r lock")


def test_packages_are_compiled_where_python_would_not_keep_what_it_compiles(programs, monkeypatch):
    monkeypatch.setattr(installing.sys, "dont_write_bytecode", True)
    installing.install(programs / "python", ["-r", "lock"])
    (call,) = read_calls(programs)
    assert call.endswith("-r lock --compile-bytecode")


def test_pip_installs_what_uv_cannot(programs, capfd):
    write_program(programs / "uv", "exit 2")
    installing.install(programs / "python", ["-r", "lock"])
    (call,) = read_calls(programs)
    assert call.startswith("python -m pip install")
    assert "now pip" in capfd.readouterr().out


def test_pip_installs_where_uv_cannot_be_had(programs):
    (programs / "uv").unlink()
    installing.install(programs / "python", ["-r", "lock"])
    for_uv, call = read_calls(programs)
    assert for_uv.startswith("python -m pip install")
    assert call.startswith("python -m pip install")
    assert call.endswith("-r lock")


def test_uv_of_the_lock_is_installed_by_pip_and_installs_the_rest(programs):
    uv = (programs / "uv").rename(programs / "uv of the lock")
    wanted = programs.parent / "wanted"
    pip = f'for file in "$@"; do :; done; [ -f "$file" ] || exit 0; cat "$file" > {wanted}'
    write_program(programs / "python", f'{pip}; cp "{uv}" {programs}/uv')
    installing.install(programs / "python", ["-r", "lock"])
    entry = wanted.read_text(encoding="utf-8")
    assert list_names(entry) == {"uv"}
    assert entry in LOCK
    (call,) = read_calls(programs)
    assert f"--python {programs}/python -r lock" in call


def test_failed_installation_ends_with_its_status(programs):
    for name in ("uv", "python"):
        write_program(programs / name, "exit 3")
    with pytest.raises(SystemExit) as ended:
        installing.install(programs / "python", ["-r", "lock"])
    assert ended.value.code == 3


def test_uv_uses_the_indexes_of_pip(tmp_path, monkeypatch):
    for name in ("PIP_FIND_LINKS", "PIP_CERT", "UV_DEFAULT_INDEX", "SSL_CERT_FILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_EXTRA_INDEX_URL", "file:///second")
    monkeypatch.setenv("UV_NO_INDEX", "0")
    (tmp_path / "pip.conf").write_text(
        "[global]\nindex-url = file:///first\nextra-index-url = file:///weaker\n"
        "no-index = true\nfind-links =\n  /wheels\n  /others\n",
        encoding="utf-8",
    )
    monkeypatch.setenv("PIP_CONFIG_FILE", str(tmp_path / "pip.conf"))
    variables = installing.translate_settings(Path(installing.sys.executable))
    assert variables["UV_DEFAULT_INDEX"] == "file:///first"
    assert variables["UV_INDEX"] == "file:///second", "a variable is stronger than a file"
    assert variables["UV_FIND_LINKS"] == "/wheels,/others"
    assert variables["UV_NO_INDEX"] == "0", "uv's own variables are stronger"
    assert variables["UV_INDEX_STRATEGY"] == "unsafe-best-match"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("printf 2.10.0+cu126", "found torch 2.10.0.cu126, expected 2.11 or later"),
        ("echo \"ModuleNotFoundError: No module named 'torch'\" >&2; exit 1", "found: ModuleNot"),
    ],
)
def test_other_torch_is_refused_if_missing_or_old(tmp_path, body, message):
    with pytest.raises(SystemExit, match=rf"^TORCH=system: .*{message}"):
        installing.check_torch(write_program(tmp_path / "python", body), "TORCH=system")


def test_other_torch_is_accepted_if_new_enough(tmp_path):
    installing.check_torch(write_program(tmp_path / "python", "printf 2.11.0"), "TORCH=system")


def test_environment_that_was_made_before_is_made_again(tmp_path, monkeypatch):
    """After a change of the lock, say; `python -m venv` links to Python, as it did earlier."""
    calls = []
    monkeypatch.setattr(installing, "install", lambda *arguments: calls.append(arguments))
    monkeypatch.setattr(installing.venv.EnvBuilder, "_setup_pip", lambda *_: None)
    for symlinks in (True, False):
        installing.venv.create(tmp_path / str(symlinks), symlinks=symlinks)
        installing.main(tmp_path / str(symlinks), "")
    assert len(calls) == 2
