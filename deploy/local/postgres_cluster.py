"""A PostgreSQL cluster in a folder: how it is made, and with which settings its server runs."""

import os
import shutil
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import psutil

from deploy.local.daemon import User
from deploy.local.one_off import run_to_end
from deploy.local.private_files import write_private

# For one machine that has other things to do: few connections, no replication, no helper processes that idle.
_SETTINGS: Mapping[str, str] = {
    "listen_addresses": "",
    "unix_socket_directories": ".",  # the data folder: private, and never too long for a socket
    "unix_socket_permissions": "0700",
    "max_connections": "40",
    "shared_buffers": "16MB",
    "maintenance_work_mem": "32MB",
    "max_wal_size": "256MB",
    "min_wal_size": "32MB",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "io_method": "sync",
    "max_worker_processes": "2",
    "max_parallel_workers": "0",
    "max_logical_replication_workers": "0",
    "autovacuum_worker_slots": "2",
    "autovacuum_max_workers": "2",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_checkpoints": "off",
    "logging_collector": "off",
    "log_destination": "stderr",
}


def seen_by(user: User, folder: Path) -> Path:
    """How a child that runs as `user` with `folder` as its current one names it, whoever may enter its parents."""
    return Path("/proc/self/cwd") if user.uid != -1 and sys.platform == "linux" else folder


def server_arguments(data: Path, *, fsync: bool) -> list[str]:
    """The command line of `postgres`; it wins over the files in the cluster, so old clusters get new settings."""
    safety = {} if fsync else {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
    settings = {**_SETTINGS, **safety}
    return ["-D", str(data), *(word for name, value in settings.items() for word in ("-c", f"{name}={value}"))]


def child_environment() -> dict[str, str]:
    """What PostgreSQL may see of our environment: nothing that changes its behaviour (PGPORT, PGDATA, LANG …)."""
    return {"PATH": os.defpath, "LC_ALL": "C"}


async def init_cluster(data: Path, programs: Path, user: User, password: str, *, fsync: bool) -> None:
    """Make a cluster in the new folder `data`, whole or not at all. Raises StartFailed with what initdb says."""
    new = data.with_name("data.new")
    password_file = data.with_name("password.new")
    shutil.rmtree(new, ignore_errors=True)
    new.mkdir(mode=0o700)
    write_private(password_file, f"{password}\n".encode())
    for path in (new, password_file):
        os.chown(path, user.uid, user.gid)
    try:
        await _initdb(new, programs, user, fsync=fsync)
        new.rename(data)
    finally:
        password_file.unlink()
        shutil.rmtree(new, ignore_errors=True)


async def _initdb(folder: Path, programs: Path, user: User, *, fsync: bool) -> None:
    command = [
        *(str(programs / "initdb"), "-D", str(seen_by(user, folder)), "--username=postgres"),
        *("--pwfile=../password.new", "--auth=scram-sha-256", "--encoding=UTF8"),
        *("--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"),
        *(() if fsync else ("--no-sync",)),
    ]
    await run_to_end("PostgreSQL's initdb", command, env=child_environment(), cwd=folder, user=user)


def remove_false_pid_file(data: Path) -> None:
    """Remove a postmaster.pid whose number belongs to a program that is no PostgreSQL by now.

    The server removes the file of a dead process itself, but after a crash or in a new container the number may be
    anybody's, and then it would refuse to start.
    """
    path = data / "postmaster.pid"
    with suppress(FileNotFoundError, ValueError, IndexError, psutil.NoSuchProcess):
        pid = int(path.read_text().splitlines()[0])
        if pid == os.getpid() or "postgres" not in psutil.Process(pid).name():
            path.unlink()
