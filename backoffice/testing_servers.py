"""What tests of several real servers use: a person at a browser without scripts, a primary with a replica, a proxy."""

import contextlib
import http.cookiejar
import itertools
import signal
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass

import psutil
import psycopg

from backoffice import schema
from backoffice.embedded import EmbeddedPostgres
from backoffice.testing import Database
from backoffice.testing_crud import form_values

SECONDS = 60  # the most that anything is waited for; nothing takes as long unless it is broken


def wait_until(question, seconds=SECONDS):
    """Asks again until the answer is true, and returns it."""
    end = time.monotonic() + seconds
    while not (answer := question()):
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)
    return answer


@dataclass
class Answer:
    status_code: int
    url: str
    headers: object
    content: bytes

    @property
    def text(self):
        return self.content.decode(errors="replace")


class Person:
    """Keeps cookies, follows redirects, fills in forms. An error page is an answer too."""

    def __init__(self, url, timeout=SECONDS):
        self.url = url
        self.timeout = timeout
        self.cookies = http.cookiejar.CookieJar()
        self._opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self.cookies))

    def get(self, path, data=None, **headers):
        """The page at `path`, sent `data` by POST if given; follows to where it leads."""
        address = urllib.parse.urljoin(self.url, path)
        body = None if data is None else urllib.parse.urlencode(data, doseq=True).encode()
        request = urllib.request.Request(address, body, headers)
        try:
            response = self._opener.open(request, timeout=self.timeout)
        except urllib.error.HTTPError as error:
            response = error
        with response:
            return Answer(response.status, response.url, response.headers, response.read())

    def fill(self, path, page=None, **fields):
        """Sends the form of the page at `path` (of `page`, if it is open already) with these fields changed."""
        data = form_values(page or self.get(path)) | fields
        return self.get(path, data)

    def post(self, path, **fields):
        """Sends a form without fields of its own, such as a button."""
        token = next(cookie.value for cookie in self.cookies if "csrf" in cookie.name)
        return self.get(path, fields | {"csrfmiddlewaretoken": token})

    def sign_in(self, mail, password="password"):
        answer = self.fill("/accounts/login/", login=mail, password=password)
        assert answer.status_code == 200 and "/accounts/" not in answer.url, answer.url
        return answer

    def is_signed_in(self, user):
        """Signs somebody in without the form, in the database that Django is at."""
        from django.conf import settings
        from django.test import Client

        client = Client()
        client.force_login(user)
        value = client.cookies[settings.SESSION_COOKIE_NAME].value
        self.keep(settings.SESSION_COOKIE_NAME, value)

    def keep(self, name, value):
        """Puts a cookie among the person's own."""
        host = urllib.parse.urlsplit(self.url).hostname
        self.cookies.set_cookie(
            http.cookiejar.Cookie(
                0, name, value, None, False, f"{host}.local" if "." not in host else host, False, False, "/",
                True, False, None, True, None, None, {},
            )
        )  # fmt: skip


class Replicated:
    """A primary with the database `platform`, and a standby that follows it by streaming."""

    def __init__(self, folder, embedded, template):
        self.primary = EmbeddedPostgres(folder / "primary", fast=True, has_standbys=True).start()
        with self.primary.connect() as connection:
            connection.execute(
                "alter system set synchronous_commit = on"
            )  # what is committed is sent at once
            connection.execute("select pg_reload_conf()")
        schema.apply_all(self.primary, "postgres")  # the roles
        self.primary.create_database("platform", owner="postgres")
        dump = [embedded.program("pg_dump"), "--format=custom", embedded.url(template, "embedded_admin")]
        load = [embedded.program("pg_restore"), "--dbname", self.primary.url("platform", "embedded_admin")]
        dumped = subprocess.run(dump, capture_output=True, check=True)
        subprocess.run(load, input=dumped.stdout, check=True)
        self.folder = folder
        self.standby = None
        self.make_standby()
        self.database = Database(self.primary, "platform")
        self.replica = Database(self.standby, "platform")

    def make_standby(self):
        """A new standby, in place of one that is of no use any more."""
        if self.standby:
            self.standby.destroy()
        self.standby = self.primary.make_standby(self.folder / "standby").start()

    def destroy(self):
        self.standby.destroy()
        self.primary.destroy()

    def on_standby(self, sql):
        """Runs SQL as superuser on the standby; its first row."""
        with self.standby.connect("platform") as connection:
            cursor = connection.execute(sql)
            return cursor.fetchone() if cursor.description else None

    def caught_up(self):
        """Waits until the standby has everything that the primary has."""
        with self.primary.connect("platform") as connection:
            (place,) = connection.execute("select pg_current_wal_flush_lsn()::text").fetchone()
        wait_until(lambda: self.on_standby(f"select pg_last_wal_replay_lsn() >= '{place}'")[0])

    @contextlib.contextmanager
    def paused(self):
        """The standby receives, but does not replay."""
        self.on_standby("select pg_wal_replay_pause()")
        wait_until(lambda: self.on_standby("select pg_get_wal_replay_pause_state()")[0] == "paused")
        try:
            yield
        finally:
            self.on_standby("select pg_wal_replay_resume()")

    def pid(self):
        return int((self.standby.data / "postmaster.pid").read_text().split("\n", 1)[0])

    def processes(self):
        """All processes of the standby."""
        server = psutil.Process(self.pid())
        return [server, *server.children(recursive=True)]

    def kill(self):
        """Ends the standby like a power cut."""
        kill(self.pid())
        with contextlib.suppress(psycopg.OperationalError):
            wait_until(lambda: self.on_standby("select false")[0])

    @contextlib.contextmanager
    def frozen(self):
        """The standby takes connections and never answers."""
        processes = self.processes()
        try:
            for process in processes:
                with contextlib.suppress(psutil.NoSuchProcess):  # it ended just now, of itself
                    process.send_signal(signal.SIGSTOP)
            yield
        finally:
            for process in processes:
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.send_signal(signal.SIGCONT)


def kill(pid):
    """Ends a process and all that it started like a power cut."""
    server = psutil.Process(pid)
    for process in [server, *server.children(recursive=True)]:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()


class RoundRobin:
    """A proxy that gives each connection to the next server; to the one after it, where that one is gone.

    A connection carries one request (clients ask for that), so each request goes to the next server.
    """

    def __init__(self, *ports):
        self._ports = itertools.cycle(ports)
        self._count = len(ports)
        self.served = dict.fromkeys(ports, 0)
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self):
        self._listening.close()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listening.accept()
                threading.Thread(target=self._serve, args=[client], daemon=True).start()

    def _serve(self, client):
        with client:
            for _ in range(self._count):
                port = next(self._ports)
                with contextlib.suppress(ConnectionRefusedError):
                    server = socket.create_connection(("127.0.0.1", port), timeout=SECONDS)
                    self.served[port] += 1
                    break
            else:
                return
            with server:
                back = threading.Thread(target=pump, args=[server, client], daemon=True)
                back.start()
                pump(client, server)
                back.join()


def pump(source, target):
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)
