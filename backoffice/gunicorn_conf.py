"""The production server: `gunicorn --config python:backoffice.gunicorn_conf backoffice.wsgi`."""

import contextlib
import gc
import os
import socket
import sys

from backoffice.processes import end_with_parent

bind = os.environ.get("BIND", "127.0.0.1:" + os.environ.get("PORT", "8000"))
workers = int(os.environ.get("WEB_CONCURRENCY", 2))
worker_class = "gthread"
threads = 4
timeout = 60
limit_request_line = 8190  # a long search is an answerable request
graceful_timeout = 20  # longer than the longest page: a statement ends after 15 seconds
preload_app = True  # one import for all workers
control_socket_disable = True
# The workers' signs of life are files: kept in memory where that can be, since a slow disk would look like death.
worker_tmp_dir = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
forwarded_allow_ips = ""  # settings.TRUSTED_PROXIES decides about forwarded headers
# Until Django's own LOGGING takes over, when the app is imported: from then on gunicorn's lines are like all others.
logconfig_dict = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"json": {"()": "backoffice.logs.JsonFormatter"}},
    "handlers": {
        "stdout": {"class": "logging.StreamHandler", "stream": "ext://sys.stdout", "formatter": "json"}
    },
    "root": {"level": "WARNING", "handlers": ["stdout"]},
    "loggers": {"gunicorn.error": {"level": "NOTSET", "handlers": [], "propagate": True}},
}


def on_starting(server):
    """Refuses to serve over a database connection that the system checks refuse."""
    from django.conf import settings
    from django.core.checks import run_checks
    from django.db import DatabaseError, connections

    from backoffice.postgresql.base import PREVIEW

    end_with_parent()
    try:
        databases = [alias for alias in ("default", PREVIEW) if alias in settings.DATABASES]
        errors = [str(message) for message in run_checks(databases=databases) if message.is_serious()]
    except DatabaseError as error:
        errors = [str(error)]
    finally:
        for connection in connections.all():
            connection.close()
            connection.close_pool()  # the workers fork from here, each opens its own
    if errors:
        sys.exit("\n".join(["The back office does not start:", *errors]))


def when_ready(server):
    from backoffice.probes import wanted_migrations

    wanted_migrations()  # once, for all processes
    if serve := metrics():
        serve.start_sums()
    server.log.access = no_line
    for listener in server.LISTENERS:
        # An answer is sent in two pieces, and the second would wait for 40 ms until a browser says that the first is
        # there. gunicorn sees to it where it opens the socket itself, not where it is given one (BIND=fd://).
        with contextlib.suppress(OSError):  # a Unix socket has no such option, and no such delay
            listener.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    # What was imported is never garbage: left in, the collector walks it for a tenth of a second, in some request.
    gc.collect()
    gc.freeze()
    # A page makes ten thousand objects, few of them in cycles: by itself the collector would walk them a dozen times.
    gc.set_threshold(20_000, 10, 10)


def no_line(*request):
    """The site writes its own line per request; gunicorn would make up another, for nobody."""


# Each process counts in files of its place (backoffice/metrics/serve.py).


def metrics():
    """The module that serves metrics, if there is an address for them; known once the app is imported."""
    from django.conf import settings

    from backoffice.metrics import serve

    return serve if settings.METRICS_BIND else None


def pre_fork(server, worker):
    if serve := metrics():
        worker.place = serve.free_place({each.place for each in server.WORKERS.values()})


def post_fork(server, worker):
    if serve := metrics():
        serve.place = worker.place


def child_exit(server, worker):
    if serve := metrics():
        serve.process_ended(worker.place)


def on_exit(server):
    if serve := metrics():
        serve.remove_folder()
