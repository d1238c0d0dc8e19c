"""The fingerprint of a machine: it differs where the bits of a run may differ, and only there."""

import platform

import pytest
from ganbench.jobs import fingerprint, provenance
from ganbench.jobs.fingerprint import take_fingerprint

EPYC = """processor\t: 0
vendor_id\t: AuthenticAMD
cpu family\t: 25
model\t\t: 17
model name\t: AMD EPYC
stepping\t: 1
cpu MHz\t\t: 2400.000
flags\t\t: fpu sse2 ssse3 fma avx avx2 avx512f amx_tile arat

processor\t: 1
model name\t: another core
"""


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """A machine whose description can be changed: its fingerprint after a change of one text."""
    monkeypatch.setattr(provenance, "CPUINFO", tmp_path / "cpuinfo")
    monkeypatch.setattr(fingerprint, "_CACHES", tmp_path / "cache")
    (tmp_path / "cache/index0").mkdir(parents=True)
    for name, text in (("level", "2\n"), ("type", "Unified\n"), ("size", "1024K\n")):
        (tmp_path / "cache/index0" / name).write_text(text)

    def fingerprint_with(old: str = "", new: str = "", threads: int = 1) -> dict:
        (tmp_path / "cpuinfo").write_text(EPYC.replace(old, new))
        return take_fingerprint(threads, "cpu")

    return fingerprint_with


def test_fingerprint_can_be_read(machine):
    parts = machine()
    assert parts["processor"] == (
        "vendor_id AuthenticAMD, cpu family 25, model 17, model name AMD EPYC, stepping 1"
    )
    assert parts["instructions"] == ["amx_tile", "avx", "avx2", "avx512f", "fma", "sse2", "ssse3"]
    assert parts["caches"] == {"L2 Unified": "1024K"}
    assert set(parts["versions"]) == {"python", "torch", "numpy"}


@pytest.mark.parametrize(
    ("old", "new"), [(" avx512f", ""), (" amx_tile", ""), (": 17", ": 49"), ("g\t: 1", "g\t: 2")]
)
def test_processors_of_one_name_are_told_apart(machine, old, new):
    assert machine()["digest"] != machine(old, new)["digest"]
    assert provenance.describe_machine()["processor"] == "AMD EPYC"


@pytest.mark.parametrize(("old", "new"), [("2400.000", "3100.000"), (" arat", " arat umip")])
def test_what_changes_no_bits_changes_no_fingerprint(machine, old, new):
    assert machine()["digest"] == machine(old, new)["digest"]


def test_threads_caches_and_chosen_kernels_belong_to_it(machine, tmp_path, monkeypatch):
    digests = {machine()["digest"], machine(threads=2)["digest"]}
    (tmp_path / "cache/index0/size").write_text("512K\n")
    digests.add(machine()["digest"])
    monkeypatch.setenv("ONEDNN_MAX_CPU_ISA", "AVX2")
    digests.add(machine()["digest"])
    monkeypatch.setattr(fingerprint.torch.backends.cpu, "get_cpu_capability", lambda: "DEFAULT")
    digests.add(machine()["digest"])
    assert len(digests) == 5


def test_a_machine_that_tells_nothing_has_a_fingerprint_too(tmp_path, monkeypatch):
    monkeypatch.setattr(provenance, "CPUINFO", tmp_path / "none")
    monkeypatch.setattr(fingerprint, "_CACHES", tmp_path / "none")
    parts = take_fingerprint(1, "cpu")
    build = f"{platform.machine()} {platform.version()}"
    assert (parts["processor"], parts["instructions"], parts["caches"]) == (build, [], {})
    assert provenance.describe_machine()["processor"]
