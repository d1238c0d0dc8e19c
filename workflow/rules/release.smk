# A release that another workflow names by github(…) or gitlab(…).
import os
import tarfile
import tempfile


def unpack_release(source):
    """The workflow of a release that `module:` names as github(…) or gitlab(…).

    Snakemake reads such a file out of its own clone, one by one. The jobs need the library beside
    their scripts, so the whole commit is unpacked there, once.
    """
    repository, folder = source.hosted_repo.repo, source.cache_path / "ganbench"
    checkout = folder / repository.commit(source.ref).hexsha
    if not checkout.exists():
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder) as part:
            with tempfile.TemporaryFile() as archive:
                repository.archive(archive, checkout.name)
                archive.seek(0)
                with tarfile.open(fileobj=archive) as files:
                    files.extractall(f"{part}/checkout", filter="data")
            try:
                os.rename(f"{part}/checkout", checkout)
            except OSError:
                if not checkout.exists():  # else another process was first
                    raise
    return checkout / "workflow/Snakefile"
