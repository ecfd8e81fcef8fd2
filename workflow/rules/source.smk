"""Where the workflow's own source lies: library, panel.

REQUIRED INPUTS
    none

OUTPUTS
    none: names only (PROJECT, SOURCE); .snakemake/pathcall-source for a workflow used by address
"""

import io
import os
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path


def project_folder(basedir):
    """The folder that holds workflow/: of a clone, or of the installed package. Of a module or a
    deployment by address, it is unpacked from the clone of the repository that Snakemake keeps."""
    if hasattr(basedir, "hosted_repo"):
        repository = basedir.hosted_repo.repo.git_dir
    elif hasattr(basedir, "repo_path"):
        repository = basedir.repo_path
    else:
        return Path(str(basedir)).absolute().parents[1]
    git = ["git", "-C", str(repository)]
    commit = subprocess.check_output([*git, "rev-parse", f"{basedir.ref}^{{commit}}"], text=True)
    folder = Path(".snakemake/pathcall-source", commit.strip())
    if not folder.is_dir():
        folder.parent.mkdir(parents=True, exist_ok=True)
        part = tempfile.mkdtemp(dir=folder.parent)
        packed = subprocess.check_output(
            [*git, "archive", commit.strip(), "src", "resources/panel", "resources/panel_mouse"]
        )
        tarfile.open(fileobj=io.BytesIO(packed)).extractall(part, filter="data")
        os.rename(part, folder)
    return folder


PROJECT = project_folder(workflow.current_basedir)

# The library of this very source, for this process and for every job, in whichever environment it
# runs. Beside an installed workflow there is none: Python finds the installed package.
SOURCE = str(PROJECT.absolute() / "src")
if Path(SOURCE).is_dir():
    sys.path.insert(0, SOURCE)
