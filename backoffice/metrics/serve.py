"""Metrics are served on an address of their own (METRICS_BIND, METRICS_BIND_WORKER), never by the site: nothing of the
public address leads there, and no secret has to be kept.

Each server process counts in files, which the main process sums up when it is asked. Files belong to places and not to
processes: the successor of a process that ended goes on counting in its files, so that there are never more of them
than processes at the same time.
"""

import os
import re
import shutil
import sys
import tempfile
from pathlib import Path

import psutil
from django.conf import settings
from prometheus_client import (
    REGISTRY,
    CollectorRegistry,
    disable_created_metrics,
    start_http_server,
    values,
)
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

FOLDER = "PROMETHEUS_MULTIPROC_DIR"
NAME = "backoffice-metrics-"

disable_created_metrics()  # when each was counted for the first time: half as many lines again, for nobody

# Of this process; the server gives each of its processes one.
place = "main"


def prepare():
    """Makes a folder for the files, in the main process of the server, before anything is counted."""
    if settings.SERVING and settings.METRICS_BIND:
        remove_left_folders()
        os.environ[FOLDER] = tempfile.mkdtemp(prefix=f"{NAME}{os.getpid()}-")
        values.ValueClass = values.MultiProcessValue(lambda: place)


def remove_left_folders():
    """Those of servers that were killed."""
    for folder in Path(tempfile.gettempdir()).glob(f"{NAME}*"):
        found = re.match(rf"{NAME}(\d+)-", folder.name)
        if found and not psutil.pid_exists(int(found[1])):
            shutil.rmtree(folder, ignore_errors=True)  # another user's is not ours to remove


def remove_folder():
    shutil.rmtree(os.environ[FOLDER], ignore_errors=True)


def free_place(taken):
    """The first place that none of the living processes has."""
    return next(str(number) for number in range(len(taken) + 1) if str(number) not in taken)


def process_ended(its_place):
    """What was true of a process while it lived, such as its pool, is forgotten; what it counted stays."""
    mark_process_dead(its_place)


def start():
    """Serves what this process, the worker, counts, from a thread."""
    listen(settings.METRICS_BIND_WORKER, REGISTRY)


def start_sums():
    """Serves what all processes of the server count, from a thread of the main one: also while all others are busy."""
    registry = CollectorRegistry()
    MultiProcessCollector(registry)
    listen(settings.METRICS_BIND, registry)


def listen(bind, registry):
    host, _, port = bind.rpartition(":")
    try:
        start_http_server(int(port), host.strip("[]"), registry)
    except OSError as error:
        sys.exit(f"Metrics cannot be served on {bind}: {error.strerror}.")
