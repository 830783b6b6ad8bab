"""A cluster of PostgreSQL, started and ended by a test."""

import os
import shutil
import socket
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path

import pytest

_INSTALL = "PostgreSQL is not installed: apt-get install postgresql (or your system's package)"


@contextmanager
def postgres_server():
    """Yield the URL of an empty database; root starts the server as ``nobody``, as PostgreSQL refuses root."""
    programs = _find_programs()
    pytest.importorskip("psycopg", reason="its driver is not installed: pip install 'psycopg[binary]'")
    as_user = {"user": "nobody", "group": "nogroup", "extra_groups": []} if os.geteuid() == 0 else {}
    with tempfile.TemporaryDirectory(prefix="sentir-postgres-", ignore_cleanup_errors=True) as folder:
        if as_user:
            shutil.chown(folder, as_user["user"], as_user["group"])
        data, port = Path(folder) / "data", _free_port()
        quiet = {"cwd": folder, "stdout": subprocess.DEVNULL, **as_user}
        subprocess.run(
            [programs / "initdb", "-D", data, "-U", "sentir", "--auth=trust", "--no-sync"], check=True, **quiet
        )
        options = f"-h 127.0.0.1 -p {port} -c unix_socket_directories= -c fsync=off"
        start = [programs / "pg_ctl", "-D", data, "-l", data / "log", "-w", "-o", options, "start"]
        subprocess.run(start, check=True, **quiet)
        try:
            yield f"postgresql+psycopg://sentir@127.0.0.1:{port}/postgres"
        finally:
            subprocess.run(
                [programs / "pg_ctl", "-D", data, "-m", "immediate", "-w", "stop"], check=True, **quiet
            )


def _find_programs():
    """Return the folder of initdb and pg_ctl; Debian keeps it out of the path."""
    folders = [Path(one) for one in os.environ["PATH"].split(os.pathsep)]
    folders += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    found = next((one for one in folders if (one / "initdb").is_file() and (one / "pg_ctl").is_file()), None)
    return found or pytest.skip(_INSTALL)


def _free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
