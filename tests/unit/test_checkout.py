"""The commit of a checkout, read from git's files, is the one that git names."""

import shutil
import subprocess

import pytest
from ganbench.jobs.checkout import describe_checkout, read_commit
from ganbench.jobs.repository import read_repository
from project import ROOT

NAMED = ("-c", "user.name=A", "-c", "user.email=a@b", "-c", "commit.gpgsign=false")


def git(folder, *arguments) -> str:
    done = subprocess.run(
        ["git", *NAMED, *arguments], cwd=folder, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


@pytest.fixture
def checkout(tmp_path):
    folder = tmp_path / "checkout"
    folder.mkdir()
    git(folder, "init", "--quiet", "--initial-branch", "some/branch")
    shutil.copy(ROOT / "pyproject.toml", folder)
    git(folder, "add", ".")
    git(folder, "commit", "--quiet", "--message", "first")
    return folder


@pytest.mark.parametrize(
    "command",
    [
        pytest.param([], id="a branch"),
        pytest.param(["pack-refs", "--all", "--prune"], id="packed refs"),
        pytest.param(["checkout", "--quiet", "--detach"], id="no branch"),
        pytest.param(["tag", "-a", "v1", "-m", "one"], id="a tag"),
    ],
)
def test_commit_is_the_one_that_git_names(checkout, command):
    git(checkout, *command or ["status"])
    assert read_commit(checkout) == git(checkout, "rev-parse", "HEAD")


def test_newer_commit_goes_before_a_packed_one(checkout):
    git(checkout, "pack-refs", "--all", "--prune")
    git(checkout, "commit", "--quiet", "--allow-empty", "--message", "second")
    assert read_commit(checkout) == git(checkout, "rev-parse", "HEAD")


@pytest.mark.parametrize("packed", [False, True])
def test_linked_worktree_has_its_own_commit(checkout, packed):
    worktree = checkout.parent / "linked"
    git(checkout, "worktree", "add", "--quiet", "-b", "other", str(worktree))
    git(worktree, "commit", "--quiet", "--allow-empty", "--message", "there")
    if packed:
        git(checkout, "pack-refs", "--all", "--prune")
    assert read_commit(worktree) == git(worktree, "rev-parse", "HEAD") != read_commit(checkout)


def test_copy_without_git_has_its_version_alone_even_inside_another_repository(checkout):
    copy = checkout / "unpacked"
    copy.mkdir()
    shutil.copy(ROOT / "pyproject.toml", copy)
    version = describe_checkout(checkout)["version"]
    assert version.count(".") == 2
    assert describe_checkout(copy) == {"version": version, "commit": None, "clean": None}


def test_unpacked_archive_has_the_commit_that_git_wrote_into_it(checkout, tmp_path):
    for name in (".gitattributes", ".git_archival.txt"):
        shutil.copy(ROOT / name, checkout)
    git(checkout, "add", ".")
    git(checkout, "commit", "--quiet", "--message", "with a place for it")
    git(checkout, "archive", "--output", str(tmp_path / "release.tar"), "HEAD")
    (tmp_path / "release").mkdir()
    shutil.unpack_archive(tmp_path / "release.tar", tmp_path / "release", filter="data")
    commit = git(checkout, "rev-parse", "HEAD")
    assert describe_checkout(tmp_path / "release")["commit"] == commit
    shutil.copy(ROOT / ".git_archival.txt", tmp_path / "release")  # as a plain copy has it
    assert describe_checkout(tmp_path / "release")["commit"] is None


@pytest.mark.parametrize("head", ["ref: refs/heads/unborn", "nonsense", "", "g" * 40])
def test_repository_that_names_no_commit_has_none(checkout, head):
    (checkout / ".git/HEAD").write_text(head)
    assert read_commit(checkout) is None


def test_folder_without_anything_has_neither(tmp_path):
    assert describe_checkout(tmp_path) == {"version": None, "commit": None, "clean": None}


ADDRESS = "https://example.org/lab/gans"


@pytest.mark.parametrize(
    ("remote", "address"),
    [
        (f"{ADDRESS}.git", ADDRESS),
        ("https://me:secret@example.org:8443/lab/gans?token=secret#secret", ADDRESS),
        ("git@example.org:lab/gans.git", ADDRESS),
        ("ssh://git@example.org:22/lab/gans.git", ADDRESS),
        ("/srv/git/gans.git", None),
        ("file:///srv/git/gans.git", None),
        ("http://localhost:3000/lab/gans", None),
        ("http://10.0.0.7/lab/gans", None),
        ("https://git.internal/lab/gans", None),
        ("https://[broken/lab", None),
        ("https://example.org", None),
    ],
)
def test_address_of_a_remote_is_that_of_its_page_without_secrets(checkout, remote, address):
    assert read_repository(checkout) is None
    git(checkout, "remote", "add", "origin", remote)
    assert read_repository(checkout) == address


def test_address_in_the_citation_goes_before_that_of_a_remote(checkout):
    git(checkout, "remote", "add", "origin", "https://example.org/me/fork")
    citation = checkout / "CITATION.cff"
    citation.write_text("cff-version: 1.2.0\n")
    assert read_repository(checkout) == "https://example.org/me/fork"
    citation.write_text(f"cff-version: 1.2.0\nrepository-code: {ADDRESS}\n")
    assert read_repository(checkout) == ADDRESS


def test_linked_worktree_has_the_remote_of_its_repository(checkout):
    git(checkout, "remote", "add", "origin", ADDRESS)
    git(checkout, "config", "branch.main.remote", "origin")
    git(checkout, "worktree", "add", "--quiet", "-b", "other", str(checkout.parent / "linked"))
    assert read_repository(checkout.parent / "linked") == ADDRESS


def test_configuration_that_is_not_git_s_names_no_repository(checkout, tmp_path):
    (checkout / ".git/config").write_text("nonsense")
    assert read_repository(checkout) is None
    (tmp_path / "copy").mkdir()
    assert read_repository(tmp_path / "copy") is None
