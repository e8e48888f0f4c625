"""Database servers for the tests, where their programs are installed."""

from collections.abc import Generator
from contextlib import contextmanager
from importlib.util import find_spec
from itertools import count
import os
from pathlib import Path
import shutil
import signal
import subprocess
import time
from typing import Any

from pytest_homeassistant_custom_component.patch_time import HAFakeDatetime
import sqlalchemy as sa

from demo.house import free_port

START_SECONDS = 60
STOP_SECONDS = 20
OTHER_USER = "nobody"
"""User of PostgreSQL's programs if the tests run as root, which they refuse."""


class Server:
    """A server that creates empty databases."""

    def __init__(self, url: str) -> None:
        """Initialize with an address that has a place for the database's name."""
        self._url = url
        self._names = (f"test_{number}" for number in count())

    def new_database(self) -> str:
        """Create a database and return its address."""
        name = next(self._names)
        self.execute(f"CREATE DATABASE {name}")
        return self._url.format(name)

    def execute(self, statement: str) -> None:
        """Run a statement outside the tests' databases."""
        engine = sa.create_engine(self._url.format(self._first), isolation_level="AUTOCOMMIT")
        try:
            with engine.connect() as connection:
                connection.execute(sa.text(statement))
        finally:
            engine.dispose()

    @property
    def _first(self) -> str:
        """Return the database that exists on each server."""
        return "postgres" if self._url.startswith("postgresql") else "mysql"


def missing(database: str) -> str | None:
    """Return what is not installed for a database's tests, or None."""
    program, driver = PROGRAMS[database]
    if not shutil.which(program):
        return f"{database}: there is no {program}"
    return None if find_spec(driver) else f"{database}: there is no {driver}"


PROGRAMS = {"mariadb": ("mariadbd", "pymysql"), "postgresql": ("postgres", "psycopg2")}


@contextmanager
def running(database: str, folder: Path) -> Generator[Server]:
    """Run a server in a folder."""
    run = _mariadb if database == "mariadb" else _postgresql
    folder.chmod(0o755)
    with run(folder) as server:
        yield server


@contextmanager
def _mariadb(folder: Path) -> Generator[Server]:
    """Run MariaDB."""
    import pymysql.converters

    # Its driver accepts exact types only, no subclasses.
    pymysql.converters.conversions[HAFakeDatetime] = pymysql.converters.escape_datetime
    program = Path(shutil.which("mariadbd") or "").resolve()
    install = shutil.which("mariadb-install-db") or "mariadb-install-db"
    place = ["--no-defaults", f"--datadir={folder / 'data'}", f"--basedir={program.parents[1]}"]
    me = [f"--user={os.environ.get('USER') or 'root'}"] if os.geteuid() == 0 else []
    _call([install, *place, *me, "--auth-root-authentication-method=normal", "--skip-test-db"])
    port = free_port()
    options = ["--bind-address=127.0.0.1", f"--port={port}", f"--socket={folder / 'socket'}"]
    command = [str(program), *place, *me, *options, "--skip-grant-tables"]
    url = f"mysql+pymysql://root@127.0.0.1:{port}/{{}}?charset=utf8mb4"
    with _process(command, Server(url), signal.SIGKILL) as server:
        yield server


@contextmanager
def _postgresql(folder: Path) -> Generator[Server]:
    """Run PostgreSQL."""
    other: dict[str, Any] = {}
    if os.geteuid() == 0:
        other = {"user": OTHER_USER, "extra_groups": []}
        shutil.chown(folder, OTHER_USER)
    data = str(folder / "data")
    initdb = str(Path(shutil.which("postgres") or "").resolve().with_name("initdb"))
    _call([initdb, "-D", data, "-A", "trust", "-U", "postgres", "-E", "UTF8", "--no-sync"], **other)
    url = f"postgresql://postgres@/{{}}?host={folder}"
    command = ["postgres", "-D", data, "-k", str(folder), "-h", "", "-c", "fsync=off"]
    with _process(command, Server(url), signal.SIGQUIT, **other) as server:
        yield server


def _call(command: list[str], **options: Any) -> None:
    """Run a program to its end."""
    subprocess.run(command, check=True, capture_output=True, cwd="/", **options)  # noqa: S603


@contextmanager
def _process(
    command: list[str], server: Server, end: signal.Signals, **options: Any
) -> Generator[Server]:
    """Run a server and kill it at the end."""
    process = subprocess.Popen(  # noqa: S603
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/", **options
    )
    try:
        _wait(process, server)
        yield server
    finally:
        process.send_signal(end)
        process.wait(STOP_SECONDS)


def _wait(process: subprocess.Popen[bytes], server: Server) -> None:
    """Wait for a server to answer."""
    end = time.monotonic() + START_SECONDS
    while True:
        try:
            return server.execute("SELECT 1")
        except sa.exc.OperationalError:
            if process.poll() is not None or time.monotonic() > end:
                raise
            time.sleep(0.1)
