"""Addresses for whatever watches over the processes: /healthz (is it alive?) and /readyz (may it be sent requests?).

Both are answered before everything else of the site: a probe comes by address and not by name, over plain http, and
signs in nowhere. They tell names of checks and nothing of the inside. Not in the access log: a probe every second is
no news, a change of the verdict is.
"""

import contextlib
import functools
import logging
import os
import queue
import socket
import threading
import time

import psycopg
from django.contrib.staticfiles.storage import staticfiles_storage
from django.db import connections
from django.db.migrations.loader import MigrationLoader
from django.http import HttpResponse, HttpResponseNotAllowed

from backoffice.checks import LOGIN, SEARCH_PATH
from backoffice.postgresql.base import SESSION_SETTINGS

logger = logging.getLogger(__name__)

DEADLINE_SECONDS = 0.8  # an answer comes within a second, whatever the database does
KEPT_SECONDS = 1
CONNECT_SECONDS = 2  # the least that libpq takes; nobody waits for it
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


class ProbeMiddleware:
    """Answers the probes before hosts, https, sessions and the access log are looked at."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        probe = PROBES.get(request.path_info)
        return probe(request) if probe else self.get_response(request)


def answer(request, text, status=200):
    if request.method not in ("GET", "HEAD"):
        return HttpResponseNotAllowed(["GET", "HEAD"], content_type="text/plain", headers=HEADERS)
    content = f"{text}\n" if request.method == "GET" else ""
    return HttpResponse(content, status=status, content_type="text/plain; charset=utf-8", headers=HEADERS)


def healthz(request):
    """200 as long as the process answers at all; asks nobody."""
    return answer(request, "alive")


def readyz(request):
    """200 “ready” or “ready, read-only”; 503 with the names of the checks that fail."""
    failing, is_read_only = readiness.verdict()
    if failing:
        return answer(request, f"not ready: {', '.join(failing)}", 503)
    return answer(request, "ready, read-only" if is_read_only else "ready")


PROBES = {"/healthz": healthz, "/readyz": readyz}


class Readiness:
    """What this process found when it last looked: ([names of failing checks], whether it can only read).

    One look a second at the most, one at a time. It has a connection of its own: the pool may be busy with requests,
    and a server without free connections still serves those that it has.
    """

    def __init__(self):
        self.looking = threading.Lock()
        self.looked_at = float("-inf")
        self.known = None
        self.connection = None
        self.thread = None

    def verdict(self):
        # Whoever comes during a look gets what was known before; the first ones wait for it.
        if self.is_old() and self.looking.acquire(blocking=self.known is None):
            try:
                if self.is_old():
                    self.look()
            finally:
                self.looking.release()
        return self.known

    def is_old(self):
        return time.monotonic() - self.looked_at > KEPT_SECONDS

    def look(self):
        failing, is_read_only = self.ask_in_time()
        if not has_static_files():
            failing = [*failing, "static files"]
        if self.known is None or self.known[0] != failing:
            level = logging.WARNING if failing else logging.INFO
            logger.log(level, "Not ready: %s." if failing else "Ready%s.", ", ".join(failing))
        self.known = failing, is_read_only
        self.looked_at = time.monotonic()

    def ask_in_time(self):
        """Asks in a thread, which is left behind when it takes too long; the next look then waits for its end."""
        away = ["database"], False
        if self.thread and self.thread.is_alive():
            return away
        found = queue.SimpleQueue()
        params = connections["default"].get_connection_params()
        self.thread = threading.Thread(target=self.ask, args=(params, found), daemon=True)
        self.thread.start()
        try:
            return found.get(timeout=DEADLINE_SECONDS) or away
        except queue.Empty:
            self.hang_up()
            return away

    def ask(self, params, found):
        """Puts what the database says, or None; a kept connection that broke meanwhile is replaced once."""
        for _ in range(2):
            was_kept = self.connection is not None
            try:
                if not was_kept:
                    self.connection = connect(params)
                return found.put(facts(self.connection))
            except (psycopg.Error, OSError):
                if self.connection is not None:
                    self.connection.close()
                    self.connection = None
                if not was_kept:
                    break
        found.put(None)

    def hang_up(self):
        """Ends a wait for a server that is frozen: the socket is closed under it."""
        with (
            contextlib.suppress(AttributeError, OSError, psycopg.Error),  # it may be gone by now
            socket.socket(fileno=os.dup(self.connection.fileno())) as line,
        ):
            line.shutdown(socket.SHUT_RDWR)


readiness = Readiness()


def connect(params):
    params = {**params, "autocommit": True, "prepare_threshold": None, "connect_timeout": CONNECT_SECONDS}
    connection = psycopg.connect(**params)
    connection.execute(SESSION_SETTINGS)
    return connection


def facts(connection):
    """([failing checks], whether it can only read), asked over an open connection."""
    failing = []
    role = connection.execute(LOGIN).fetchone()
    _, is_super, bypasses, search_path, is_replica, memberships = role
    if is_super or bypasses or memberships or search_path != SEARCH_PATH:
        failing.append("role")
    try:
        applied = set(connection.execute("select app, name from django_migrations").fetchall())
    except psycopg.ProgrammingError:  # no such table, or not for this role
        applied = set()
    if wanted_migrations() - applied:
        failing.append("migrations")
    (setting,) = connection.execute("show transaction_read_only").fetchone()
    return failing, is_replica or setting == "on"


@functools.cache
def wanted_migrations():
    """{(app, name)} of the last migration of each app. Read once, by the server before it serves: it takes a moment."""
    return set(MigrationLoader(None).graph.leaf_nodes())


def has_static_files():
    """Whether pages find their files: without the list that collectstatic writes, each would fail."""
    return getattr(staticfiles_storage, "hashed_files", None) != {}
