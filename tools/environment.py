"""Build ``.venv`` from the hashed locks, once, and again when it no longer fits them.

Standard library only: this runs before anything is installed. The environment counts as ready
when its record names the locks as they are now, this folder, and a Python that still exists. The
record is written last, so that an interrupted set-up is never taken for a finished one.

Snakemake starts a job's Python through a shell without quoting its path (9.27.1, local jobs and
SLURM jobs alike), so an environment below a folder with a space in its name could run no job.
There the environment is built and used through a link whose own path has none.

The package itself is put on the path by a ``.pth`` file that points to ``src``, relative to
``site-packages``. An editable install would do the same through a build backend that has to be
fetched and run first; this needs neither.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
VENV = ROOT / ".venv"
RECORD = VENV / "pathcall-environment.json"
UNFINISHED = VENV / "pathcall-environment.unfinished"
GROUPS = ("workflow", "dev", "docs")  # each holds everything of those before it


class SetupError(Exception):
    """Ends the set-up with one ``error:`` line."""


def main(group: str) -> Path:
    """Make sure that ``.venv`` holds the locks up to `group`; return the path to use it by."""
    if group not in GROUPS:
        raise SetupError(f"unknown environment — {group} — one of {', '.join(GROUPS)}")
    if not _is_ready(group):
        with _lock():
            if not _is_ready(group):  # another make may have just finished it
                _set_up(group)
    return Path(json.loads(RECORD.read_text(encoding="utf-8"))["path"])


def _is_ready(group: str) -> bool:
    return _reason_not_ready(group) is None


def _reason_not_ready(group: str) -> str | None:
    """Why ``.venv`` cannot be used as it is, or None."""
    if UNFINISHED.exists():
        return "an earlier set-up was interrupted"
    try:
        record = json.loads(RECORD.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return "there is none yet"
    except ValueError:
        return "its record cannot be read"
    path = Path(record.get("path", ""))
    if record.get("folder") != str(VENV):
        return "it was made in another folder"
    if not (VENV / "bin" / "python").exists():
        return "its Python is gone"
    if not (path.exists() and path.samefile(VENV)):
        return "the link to it is gone"
    installed = record.get("locks", {})
    for name in _needed(group):
        if name not in installed:
            return f"it lacks {name}.txt"
        if installed[name] != _digest(name):
            return f"{name}.txt has changed"
    return None


def _set_up(group: str) -> None:
    reason = _reason_not_ready(group)
    _say(f"setting up .venv ({reason}); this takes about a minute")
    started = time.monotonic()
    grows = reason is not None and reason.startswith("it lacks")
    if grows:
        path = Path(json.loads(RECORD.read_text(encoding="utf-8"))["path"])
    else:
        _remove_old()
        VENV.mkdir()
        path = _path_without_space()
    UNFINISHED.touch()
    RECORD.unlink(missing_ok=True)
    uv = _find_uv()
    if not grows:
        _make_venv(path, with_pip=uv is None)
    for name in ("build", group):
        _install(ROOT / "requirements" / f"{name}.txt", path / "bin" / "python", uv)
    _put_package_on_path(path / "bin" / "python")
    _warm_up(path / "bin" / "python")
    record = {
        "folder": str(VENV),
        "path": str(path),
        "locks": {name: _digest(name) for name in _needed(group)},
    }
    RECORD.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    UNFINISHED.unlink()
    _say(f".venv is ready ({time.monotonic() - started:.0f} s)")


def _needed(group: str) -> tuple[str, ...]:
    return ("build", *GROUPS[: GROUPS.index(group) + 1])


def _remove_old() -> None:
    """Remove an environment that no longer fits, but only one that was made here."""
    if VENV.is_symlink() or (VENV.exists() and not VENV.is_dir()):
        raise SetupError(".venv is not a folder — .venv — move it away, then run again")
    if VENV.is_dir():
        ours = RECORD.exists() or UNFINISHED.exists() or not any(VENV.iterdir())
        if not ours:
            raise SetupError(
                ".venv was not made by this project — .venv — move or delete it, then run again"
            )
        # The mark outlives an interruption of the removal itself: it goes last.
        UNFINISHED.touch()
        for path in VENV.iterdir():
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            elif path != UNFINISHED:
                path.unlink()
        shutil.rmtree(VENV)


def _path_without_space() -> Path:
    """Return ``.venv``, by way of a link to its folder where that one's path has white space."""
    if not _has_space(VENV):
        return VENV
    caches = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    if _has_space(caches) or not caches.is_absolute():
        # Nobody else may write into this folder, or they could choose what is run from it.
        caches = Path(tempfile.gettempdir()) / f"pathcall-{os.getuid()}"
        if _has_space(caches):
            raise SetupError(
                f"no place for a link without a space in its path — TMPDIR={caches.parent} — "
                "set TMPDIR to a folder without one, or move the project to one"
            )
        caches.mkdir(mode=0o700, exist_ok=True)
        status = caches.lstat()
        if status.st_uid != os.getuid() or status.st_mode & 0o022 or caches.is_symlink():
            raise SetupError(
                f"another user could write there — {caches} — remove it, or set TMPDIR elsewhere"
            )
    name = hashlib.sha256(os.fsencode(ROOT)).hexdigest()[:16]
    link = caches / "pathcall" / name
    link.parent.mkdir(parents=True, exist_ok=True)
    link.unlink(missing_ok=True)
    link.symlink_to(ROOT, target_is_directory=True)
    _say(f"the folder's path has a space, so the environment is used through {link}")
    return link / VENV.name


def _has_space(path: Path) -> bool:
    return any(character.isspace() for character in str(path))


def _make_venv(path: Path, *, with_pip: bool) -> None:
    options = [] if with_pip else ["--without-pip"]
    done = subprocess.run(
        [sys.executable, "-m", "venv", *options, str(path)], capture_output=True, text=True
    )
    if done.returncode:
        print(done.stdout + done.stderr, file=sys.stderr)
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        raise SetupError(
            f"Python cannot make a virtual environment — {sys.executable} — "
            f"install its venv module (Debian: apt install python{version}-venv), or uv"
        )


def _find_uv() -> str | None:
    """Return the uv to install with, or None: ``UV=`` (empty) or no working uv."""
    name = os.environ.get("UV", "uv")
    if not name:
        return None
    path = shutil.which(name)
    if path is None:
        if "UV" in os.environ:
            raise SetupError(f"uv not found — UV={name} — name a uv that exists, or UV= for pip")
        return None
    # A version manager leaves stubs on PATH that fail when the tool is not there.
    works = subprocess.run([path, "--version"], capture_output=True).returncode == 0
    return path if works else None


def _install(lock: Path, python: Path, uv: str | None) -> None:
    # `--no-deps`: the lock is complete, and pip's hash mode stops at extras that a universal lock
    # flattens. `--no-build-isolation`: the few packages without a wheel are built with the locked
    # build tools, where isolation would fetch unlocked ones.
    options = ["--no-deps", "--require-hashes", "--no-build-isolation", "-r", str(lock)]
    environment = dict(os.environ, PIP_USER="0", PIP_DISABLE_PIP_VERSION_CHECK="1")
    environment.pop("VIRTUAL_ENV", None)
    if uv is not None:
        # pip compiles on its own; without it every first import of a job would be slow.
        command = [uv, "pip", "install", "--compile-bytecode", "--python", str(python), *options]
    else:
        command = [str(python), "-m", "pip", "install", "--quiet", *options]
    status = subprocess.run(
        # Standard output holds the environment's path and nothing else.
        command,
        env=environment,
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=sys.stderr,
    ).returncode
    if status:
        tool = "uv" if uv is not None else "pip"
        hint = "; UV= installs with pip instead" if uv is not None else ""
        raise SetupError(
            f"{tool} could not install the environment (status {status}, its message is above) — "
            f"requirements/{lock.name} — check network, proxy and disk space, then run again{hint}"
        )


def _put_package_on_path(python: Path) -> None:
    (site_packages,) = VENV.glob("lib/python3.*/site-packages")
    relative = os.path.relpath(ROOT / "src", site_packages.resolve())
    (site_packages / "pathcall.pth").write_text(relative + "\n", encoding="utf-8")
    # The command `pathcall`, as an installation would make it.
    command = VENV / "bin" / "pathcall"
    command.write_text(f'#!/bin/sh\nexec "{python}" -m pathcall "$@"\n', encoding="utf-8")
    command.chmod(0o755)


def _warm_up(python: Path) -> None:
    """Compile the engine's kernels once, here, and not in the first jobs, each for itself.

    It only saves time: where it fails, the first fit compiles them.
    """
    code = "from pathcall.deseq.warm_up import warm_up; warm_up()"
    subprocess.run([str(python), "-c", code], cwd=ROOT, stdin=subprocess.DEVNULL, stdout=sys.stderr)


def _digest(name: str) -> str:
    return hashlib.sha256((ROOT / "requirements" / f"{name}.txt").read_bytes()).hexdigest()


@contextmanager
def _lock() -> Iterator[None]:
    """Hold off a second set-up of the same folder."""
    import fcntl  # only on POSIX, like the Makefile that calls this

    folder = ROOT / ".cache"
    folder.mkdir(exist_ok=True)
    with (folder / "environment.lock").open("w") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            _say("waiting for another set-up of this folder")
            fcntl.flock(stream, fcntl.LOCK_EX)
        except OSError as error:  # some network file systems have no locks
            _say(f"no file locks here ({error.strerror}); start one make at a time")
        yield


def _say(text: str) -> None:
    print(f"pathcall: {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    try:
        print(main(sys.argv[1]))
    except SetupError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(1)
    except OSError as error:
        where = error.filename or VENV
        print(
            f"error: cannot set up .venv ({error.strerror}) — {where} — "
            "free space or permissions there, then run again",
            file=sys.stderr,
        )
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
