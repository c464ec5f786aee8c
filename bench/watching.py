"""Measures what watching costs: the line of the access log, the metrics, the count of statements, the probes.

    python bench/watching.py --place var/postgres        # of a `make run` that runs, or ran; --rounds

In time of the processor, which does not depend on who else uses it: per request in microseconds, with the real
middleware around a view that does nothing and metrics counted in files as the server does; then the list of tenants
through Django's test client, with and without all of it.
"""

import argparse
import io
import logging
import os
import statistics
import tempfile
import time
from pathlib import Path

import database  # first: it puts the project on the path


def microseconds(function, rounds):
    """The median of five runs, per call."""
    found = []
    for _ in range(5):
        began = time.process_time()
        for _ in range(rounds):
            function()
        found.append((time.process_time() - began) / rounds * 1e6)
    return statistics.median(found)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--place", type=Path, default=database.ROOT / "var" / "postgres")
    parser.add_argument("--rounds", type=int, default=2000)
    options = parser.parse_args()
    os.environ["METRICS_BIND"] = "127.0.0.1:9464"
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = tempfile.mkdtemp()
    from prometheus_client import values

    values.ValueClass = values.MultiProcessValue()  # in files, as the server does

    from backoffice.embedded import EmbeddedPostgres

    with EmbeddedPostgres(options.place) as server:
        database.point_django_at(server)
        measure(options.rounds)


def measure(rounds):
    from django.conf import settings
    from django.contrib.auth import get_user_model
    from django.db import connection
    from django.http import HttpResponse
    from django.test import Client, RequestFactory
    from django.urls import resolve

    from backoffice.middleware import RequestIdMiddleware
    from backoffice.postgresql import tally

    settings.ALLOWED_HOSTS = ["*"]
    settings.LOG_LEVEL = "INFO"
    logging.root.setLevel(logging.INFO)
    logging.root.handlers[0].setStream(io.StringIO())
    request = RequestFactory().get("/tenants/organizations/")
    request.resolver_match = resolve("/tenants/organizations/")
    answered = RequestIdMiddleware(lambda request: HttpResponse("x"))
    bare = microseconds(lambda: HttpResponse("x"), rounds)

    def watched(log, metrics):
        logging.getLogger("backoffice.access").disabled = not log
        settings.METRICS_BIND = "127.0.0.1:9464" if metrics else ""
        return microseconds(lambda: answered(request), rounds) - bare

    print(f"per request, µs: id {watched(False, False):.0f}", end="")
    print(f", with the line {watched(True, False):.0f}, with line and metrics {watched(True, True):.0f}")
    with connection.cursor() as cursor:

        def statement():
            cursor.execute("select 1")

        counting = microseconds(statement, rounds)
        wrapper = connection.execute_wrappers.pop()
        print(f"per statement, µs: {counting:.0f}, {microseconds(statement, rounds):.0f} without the count")
        connection.execute_wrappers.append(wrapper)
    client = Client()
    client.get("/healthz")
    probe = microseconds(lambda: client.get("/healthz"), rounds // 10)
    print(f"/healthz through the test client, µs: {probe:.0f}")

    client.force_login(get_user_model().objects.get(email="support@example.test"))
    pages = {}
    for _ in range(3):  # in turns, since the machine has its moods
        for name, on in (("with all", True), ("without", False)):
            watched(on, on)
            if not on:
                connection.execute_wrappers.remove(tally.counted)
            pages.setdefault(name, []).append(
                microseconds(lambda: client.get("/tenants/organizations/"), 20) / 1000
            )
            if not on:
                connection.execute_wrappers.append(tally.counted)
    with_all, without = min(pages["with all"]), min(pages["without"])
    print(
        f"list of tenants, ms: {with_all:.1f} with all, {without:.1f} without: {with_all / without:.2f} times"
    )


if __name__ == "__main__":
    main()
