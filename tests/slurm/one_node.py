"""A SLURM of one node on this machine, for as long as a test needs it.

Debian's ``slurm-wlm`` and ``munge`` are enough: an authentication daemon, a controller and a node,
each a child of this process and stopped by its own pid. Needs root, because ``slurmd`` starts jobs
as their owner and because SLURM's commands read ``/etc/slurm/slurm.conf``: the executor plugin does
not pass another place on. A configuration that is there already is never touched.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

CONFIG = Path("/etc/slurm/slurm.conf")
NEEDED = ("munged", "slurmctld", "slurmd", "sbatch", "srun", "squeue", "sinfo", "scontrol")


class SlurmUnavailable(Exception):
    """This machine cannot run a SLURM of its own; the text says why."""


def why_not(*, install: bool) -> str | None:
    """Return why a SLURM cannot be started here, or None.

    Parameters
    ----------
    install
        Whether missing packages may be installed with apt.
    """
    if os.geteuid() != 0:
        return "not root: slurmd starts jobs as their owner"
    if CONFIG.exists():
        return f"this machine has a SLURM already ({CONFIG})"
    missing = _missing()
    if missing and not install:
        return f"{', '.join(missing)} not installed (Debian: apt install slurm-wlm munge)"
    if missing and shutil.which("apt-get") is None:
        return f"{', '.join(missing)} not installed, and no apt to install them"
    return None


@contextlib.contextmanager
def one_node_slurm(folder: Path, *, install: bool = False) -> Iterator[Callable[[], None]]:
    """Run a SLURM whose state, keys and logs are in `folder`; stop it afterwards.

    Gives what stops the controller and starts it again.

    Raises
    ------
    SlurmUnavailable
        It cannot be started here.
    """
    reason = why_not(install=install)
    if reason is not None:
        raise SlurmUnavailable(reason)
    if _missing():
        _install()
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o755)  # munged refuses a socket that others could not reach
    for name in ("munge", "state", "spool"):
        (folder / name).mkdir()
        (folder / name).chmod(0o755)
    key = folder / "munge" / "key"
    key.touch(mode=0o600)
    key.write_bytes(os.urandom(1024))
    munge_socket = folder / "munge" / "socket"
    _write_config(folder, munge_socket)
    daemons: list[subprocess.Popen[bytes]] = []
    try:
        # `--force`: the checks of every parent folder fail under a world-writable /tmp.
        daemons.append(
            _start(
                [
                    "munged", "--foreground", "--force", f"--key-file={key}",
                    f"--socket={munge_socket}", f"--pid-file={folder}/munge/pid",
                    f"--log-file={folder}/munge/log", f"--seed-file={folder}/munge/seed",
                ],
                folder / "munged.out",
            )
        )  # fmt: skip
        _wait("munged", munge_socket.exists, folder)
        daemons.append(_start(["slurmctld", "-D"], folder / "slurmctld.out"))
        daemons.append(_start(["slurmd", "-D"], folder / "slurmd.out"))
        _wait("the node", lambda: _node_state().startswith("idle"), folder)

        def restart_controller() -> None:
            _stop(daemons[1])
            time.sleep(5)
            daemons[1] = _start(["slurmctld", "-D"], folder / "slurmctld.out")

        yield restart_controller
    finally:
        if len(daemons) > 1:
            subprocess.run(["scancel", "--state=RUNNING"], capture_output=True, timeout=30)
            subprocess.run(["scancel", "--state=PENDING"], capture_output=True, timeout=30)
        for daemon in reversed(daemons):
            _stop(daemon)
        CONFIG.unlink(missing_ok=True)


def _missing() -> list[str]:
    return [name for name in NEEDED if _which(name) is None]


def _which(name: str) -> str | None:
    # Daemons live in /usr/sbin, which is not on everybody's PATH.
    return shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")


def _install() -> None:
    environment = dict(os.environ, DEBIAN_FRONTEND="noninteractive")
    for command in (
        ["apt-get", "update", "-qq"],
        ["apt-get", "install", "-y", "-qq", "--no-install-recommends", "slurm-wlm", "munge"],
    ):
        done = subprocess.run(
            command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True
        )
        if done.returncode:
            raise SlurmUnavailable(f"`{' '.join(command)}` failed: {done.stderr.strip()[-300:]}")
    if CONFIG.exists():
        raise SlurmUnavailable(f"the packages brought a configuration of their own ({CONFIG})")


def _write_config(folder: Path, munge_socket: Path) -> None:
    host = socket.gethostname().split(".")[0]
    cpus = os.cpu_count() or 1
    memory_mb = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20
    controller_port, node_port = _free_port(), _free_port()
    CONFIG.parent.mkdir(parents=True, exist_ok=True)
    CONFIG.write_text(
        f"""\
# Written by a test of pathcall, and removed by it.
ClusterName=pathcall_test
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller_port}
SlurmdPort={node_port}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={munge_socket}
CredType=cred/munge
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
# A container has no cgroup hierarchy of its own.
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
# Memory limits hold without cgroups: jobs are looked at every second.
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=1
JobAcctGatherParams=OverMemoryKill
AccountingStorageType=accounting_storage/none
SchedulerType=sched/backfill
SchedulerParameters=sched_interval=2,bf_interval=2
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
SlurmdParameters=config_overrides
MpiDefault=none
ReturnToService=2
NodeName={host} NodeAddr=127.0.0.1 CPUs={cpus} RealMemory={memory_mb} State=UNKNOWN
PartitionName=main Nodes={host} Default=YES MaxTime=INFINITE State=UP
""",
        encoding="utf-8",
    )


def _start(command: list[str], log: Path) -> subprocess.Popen[bytes]:
    program = _which(command[0])
    assert program is not None
    with log.open("wb") as stream:
        return subprocess.Popen(
            [program, *command[1:]],
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C is for the run, not for the daemons
        )


def _stop(daemon: subprocess.Popen[bytes]) -> None:
    daemon.terminate()
    try:
        daemon.wait(timeout=20)
    except subprocess.TimeoutExpired:
        daemon.kill()
        daemon.wait()


def _node_state() -> str:
    done = subprocess.run(
        ["sinfo", "--noheader", "--format=%t"], capture_output=True, text=True, timeout=30
    )
    return done.stdout.strip()


def _wait(what: str, ready: Callable[[], bool], folder: Path, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if ready():
            return
        time.sleep(0.2)
    logs = "\n".join(
        f"{path.name}: {path.read_text(errors='replace')[-800:]}"
        for path in sorted(folder.glob("*.out"))
    )
    raise SlurmUnavailable(f"{what} did not come up in {seconds:.0f} s\n{logs}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
