"""Measures what processes hold in memory, on the data set of make bench.

    python bench/memory.py                                  # --scale 1, --requests 10000
    python bench/memory.py --scale 0.1 --requests 1000      # some minutes
    python bench/memory.py --exports archive                # of at-once,csv,xlsx,archive; "" for none

One web worker as production runs it (gunicorn with its own settings, four threads) gets 10,000 requests for pages of
all kinds, as people of all roles, over four kept connections. Then it gives every list out as a download that begins
at once, the job worker exports every list in each format that there is and everything of the largest tenant, and the
web worker gives the files out. Printed are, in MB: RSS, all that a process has in memory; PSS, the same with what it
shares with others divided among them; USS, what is its own alone. The limit is on RSS, which counts what the worker
shares with its parent as if it were its own.
"""

import argparse
import random
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlencode

import database  # first: it puts the project on the path
import pages
import served

CLIENTS = 4
WANTED_MB = 150
EVERY_SECONDS = 5
WORKER = """
import django
django.setup()
from django.core.management import call_command
from backoffice import background
background.ROUNDS.clear()
call_command("worker", once=True)
"""


def arguments():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    served.add_place(parser)
    parser.add_argument("--requests", type=int, default=10_000, help="how many (10,000)")
    parser.add_argument(
        "--exports", default="all", help="at-once, archive, a format: which, with commas (all)"
    )
    return parser.parse_args()


def main():
    options = arguments()
    with served.opened(served.place_of(options)) as (server, folder):
        cookies = served.people()
        with server.connect(database.NAME) as owner:
            found = pages.pages(owner)
        with served.serve(server, folder, workers=1) as web:
            (worker,) = web.workers
            print(f"{len(found)} addresses of {len(pages.by_kind(found))} kinds; {served.load()}")
            print(f"{'web worker, MB':<38}{'RSS':>7}{'PSS':>7}{'USS':>7}")
            tell("at the beginning", worker.pid)
            ask_for_many(web, worker.pid, cookies, found, options.requests)
            most = export_all(options.exports, server, folder, web, worker.pid, cookies["admin"])
            largest = memory(worker.pid)["Rss"]
        print(f"RSS of the web worker in the end {largest:.0f} MB, wanted is less than {WANTED_MB}")
        if most:
            print(f"RSS of the job worker at the most {most:.0f} MB")
        print(served.load())


def memory(pid):
    """{"Rss", "Pss", "Uss"} in MB."""
    sizes = {}
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]:
        name, value = line.split()[:2]
        sizes[name.removesuffix(":")] = int(value) / 1024
    return {**sizes, "Uss": sizes["Private_Clean"] + sizes["Private_Dirty"]}


def tell(label, pid):
    sizes = memory(pid)
    print(f"{label:<38}{sizes['Rss']:>7.0f}{sizes['Pss']:>7.0f}{sizes['Uss']:>7.0f}", flush=True)


# Pages


def ask_for_many(web, pid, cookies, found, requests):
    """Kinds of pages at random, as often one as the other."""
    chance = random.Random(1)
    kinds = list(pages.by_kind(found).values())
    wanted = [chance.choice(chance.choice(kinds)) for _ in range(requests)]
    began, odd, local = time.perf_counter(), [], threading.local()

    def ask(page):
        if not hasattr(local, "people"):
            local.people = {role: served.person(web.port, cookie) for role, cookie in cookies.items()}
        status = local.people[page.role].ask(page.address, headers=page.headers).status
        if status != page.status:
            odd.append((status, page.address))

    with ThreadPoolExecutor(CLIENTS) as clients:
        for begin in range(0, requests, 1000):
            list(clients.map(ask, wanted[begin : begin + 1000]))
            tell(f"after {min(begin + 1000, requests):,} requests", pid)
    seconds = time.perf_counter() - began
    print(
        f"{requests:,} requests in {seconds:.0f} s, {len(odd)} answered otherwise than they should {odd[:5]}"
    )


# Exports


def export_all(wanted, server, folder, web, pid, cookie):
    """Has the web worker and the job worker export what is wanted; the most that the job worker held, in MB."""
    from backoffice.export import FORMATS

    kinds = (
        ["at-once", *FORMATS, "archive"] if wanted == "all" else [kind for kind in wanted.split(",") if kind]
    )
    person = served.person(web.port, cookie, timeout=600)
    if "at-once" in kinds:
        kinds.remove("at-once")
        began, lists = time.perf_counter(), list(open_lists())
        for name, label, _ in lists:
            body = urlencode({"format": "csv-at-once", "csrfmiddlewaretoken": served.TOKEN})
            fetch(person, f"/lists/{name}/export/", label, body)
        tell(f"after {len(lists)} lists at once, {time.perf_counter() - began:.0f} s", pid)
    if not kinds:
        return 0
    results, most = export(server, folder, kinds)
    for job in results:
        fetch(person, f"/jobs/{job.pk}/result/", job.title)
    tell(f"after giving out {len(results)} files", pid)
    return most


def fetch(person, address, label, body=None):
    status = person.ask(address, body).status
    if status != 200:
        print(f"{label}: {status}")


def open_lists():
    """(url name, how its rows are called, state) of every list that has an address of its own."""
    from django.urls import URLPattern, get_resolver

    from backoffice.generic import ListView
    from backoffice.generic.lists import open_list

    def walk(resolver, spaces):
        for entry in resolver.url_patterns:
            if not isinstance(entry, URLPattern):
                yield from walk(entry, [*spaces, entry.namespace] if entry.namespace else spaces)
                continue
            view = getattr(entry.callback, "view_class", object)
            if issubclass(view, ListView) and not entry.pattern.regex.groups:
                yield ":".join([*spaces, entry.name]), view.model._meta.verbose_name_plural

    for name, label in walk(get_resolver(), []):
        try:
            yield name, label, open_list(name, admin()).state()
        except Exception as error:  # a list that needs something which this database lacks
            print(f"{name} is not exported: {error}")


def admin():
    from django.contrib.auth import get_user_model

    return get_user_model().objects.get(email="bench-admin@example.test")


def export(server, folder, kinds):
    """Has the job worker export all lists in these formats, and all of the largest tenant.

    Returns (the jobs that succeeded, the most that the worker held in MB).
    """
    from backoffice import jobs
    from backoffice.models import Job

    asked = []
    for kind in kinds:
        if kind == "archive":
            asked.append(archive(server, admin()))
            continue
        for name, label, query in open_lists():
            title = f"{label}, {kind.upper()}"
            asked.append(
                jobs.start("export", title=title, owner=admin(), list=name, query=query, format=kind)
            )
    most = watch(server, folder, asked)
    return list(Job.objects.filter(pk__in=[job.pk for job in asked], status="succeeded")), most


def archive(server, admin):
    from tenants.closing.archive import start_archive
    from tenants.models import Organization

    with server.connect(database.NAME) as owner:
        (largest,) = owner.execute(
            "select organization_id from backoffice.agents_conversation where organization_id is not null"
            " group by 1 order by count(*) desc limit 1"
        ).fetchone()
    return start_archive(Organization.objects.get(pk=largest), actor=admin, reason="Measuring memory")


def watch(server, folder, asked):
    """Runs the job worker until the queue is empty, and says what it holds beside how far its job is: the most of it.

    Without its rounds, which would first follow all that changed in the database since it was filled.
    """
    from backoffice.models import Job

    command = [sys.executable, "-c", WORKER]
    with (Path(folder) / "worker.log").open("w") as log:
        process = subprocess.Popen(
            command, env=served.environment(server, folder), cwd=database.ROOT, stdout=log, stderr=log
        )
    began, sizes, told = time.perf_counter(), [], set()
    print(f"\n{'job worker, MB':<52}{'s':>6}{'rows':>12}{'RSS':>7}{'PSS':>7}{'USS':>7}")
    while process.poll() is None:
        try:
            size = memory(process.pid)
        except (OSError, KeyError):  # it ended just now
            break
        sizes.append(size["Rss"])
        running = Job.objects.filter(pk__in=[job.pk for job in asked], status="running").first()
        if running and (running.pk not in told or len(sizes) % EVERY_SECONDS == 0):
            told.add(running.pk)
            line = (
                f"{running.title[:50]:<52}{time.perf_counter() - began:>6.0f}{running.done:>12,}"
                f"{size['Rss']:>7.0f}{size['Pss']:>7.0f}{size['Uss']:>7.0f}"
            )
            print(line, flush=True)
        time.sleep(1)
    process.wait()
    done = Job.objects.filter(pk__in=[job.pk for job in asked])
    for job in done.exclude(status="succeeded"):
        print(f"{job.title}: {job.status}. {job.message}")
    rows = sum(job.done for job in done)
    print(f"{len(done)} exports, {rows:,} rows, {time.perf_counter() - began:.0f} s\n")
    return max(sizes)


if __name__ == "__main__":
    main()
