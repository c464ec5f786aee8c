"""Measures many people at once, on the data set of make bench.

    python bench/crowd.py              # --scale, --place, --users, --workers, --seconds
    python bench/crowd.py --pause 0    # nobody reads: each asks for the next page as soon as there is one

Two web workers as production runs them (gunicorn with its own settings, four threads each) serve 64 people of all
roles, who ask for pages of all kinds over connections that are kept, and look at each for a second (half of it to one
and a half). Before that one person of each role alone asks for the same pages without a pause, for the median to which
the crowd's times are compared. Server, database and people share the machine: the people are threads of this process,
and what they take of a core is printed.

Without a pause 64 people on two cores wait 32 times as long as one alone at the best, whatever the server does: that
tells the throughput. With it, the times are those of people.
"""

import argparse
import os
import random
import statistics
import threading
import time
from collections import Counter, defaultdict
from dataclasses import dataclass
from itertools import cycle

import database  # first: it puts the project on the path
import memory
import pages
import served

WANTED = 20  # times the median of one person alone


def arguments():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    served.add_place(parser)
    parser.add_argument("--users", type=int, default=64)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=60, help="how long they ask (60)")
    parser.add_argument("--pause", type=float, default=1, help="seconds that each page is looked at (1)")
    return parser.parse_args()


def main():
    options = arguments()
    with served.opened(served.place_of(options)) as (server, folder):
        cookies = served.people()
        with server.connect(database.NAME) as owner:
            found = pages.pages(owner)
        with served.serve(server, folder, workers=options.workers) as web:
            print(served.load(), flush=True)
            visits = [Visit(web.port, *person, found, seed) for seed, person in enumerate(cookies.items())]
            for visit in visits:
                visit.warm_up()
            for visit in visits:
                visit.until(time.monotonic() + options.seconds / 16, pause=0)
            alone = together(visits)
            several = zip(range(options.users), cycle(cookies.items()), strict=False)
            many = crowd(
                web, [Visit(web.port, *person, found, 10 + seed) for seed, person in several], options
            )
            tell(alone.times, many, options)
            processes = [web.process.pid, *(worker.pid for worker in web.workers)]
            print(
                f"Memory of all web processes, PSS: {sum(memory.memory(pid)['Pss'] for pid in processes):.0f} MB"
            )


class Visit:
    """One person's way: kinds at random, as often one as the other, of those that are for this role."""

    def __init__(self, port, role, cookie, found, seed):
        self.person, self.chance = served.person(port, cookie), random.Random(seed)
        self.found = list(pages.by_kind(page for page in found if page.role == role).values())
        self.times = defaultdict(list)  # {kind: [seconds]}
        self.odd = Counter()  # {(status or error, kind): how often}

    def warm_up(self):
        """The first page of a kind takes longer; most kinds are of several roles, so both workers get one."""
        for kind in self.found:
            self.person.ask(kind[0].address, headers=kind[0].headers)

    def until(self, end, pause):
        if pause:
            time.sleep(self.chance.random() * pause)
        while time.monotonic() < end:
            self.ask(self.chance.choice(self.chance.choice(self.found)))
            if pause:
                time.sleep(pause * (0.5 + self.chance.random()))

    def ask(self, page):
        began = time.perf_counter()
        try:
            status = self.person.ask(page.address, headers=page.headers).status
        except OSError as error:
            status = type(error).__name__
        if status == page.status:
            self.times[page.kind].append(time.perf_counter() - began)
        else:
            self.odd[status, page.kind] += 1


@dataclass
class Seen:
    times: dict
    odd: Counter


def together(visits):
    seen = Seen(defaultdict(list), Counter())
    for visit in visits:
        seen.odd += visit.odd
        for kind, times in visit.times.items():
            seen.times[kind] += times
    return seen


def crowd(web, visits, options):
    """All at once for so long."""
    began, cpu, served_by = time.monotonic(), os.times(), processor(web)
    end = began + options.seconds
    threads = [threading.Thread(target=visit.until, args=[end, options.pause]) for visit in visits]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seconds, used, seen = time.monotonic() - began, os.times(), together(visits)
    count = sum(map(len, seen.times.values()))
    each = 1000 * (processor(web) - served_by) / count
    share = (used.user + used.system - cpu.user - cpu.system) / seconds
    print(
        f"{options.users} people on {options.workers} workers: {count:,} pages in {seconds:.0f} s,"
        f" {count / seconds:.0f} a second; the workers' processor time is {each:.1f} ms a page, the people themselves"
        f" took {share:.0%} of one core"
    )
    return seen


def processor(web):
    """Seconds that all workers have had of the processors."""
    return sum(sum(worker.cpu_times()[:2]) for worker in web.workers)


def tell(alone, many, options):
    flat = sorted(seconds for times in alone.values() for seconds in times)
    single = statistics.median(flat)
    print(f"\n{'ms':<26}{'alone':>8}{'p50':>8}{'p95':>8}{'p99':>8}{'pages':>8}")
    for kind in sorted(many.times):
        by_one = alone.get(kind)
        median = f"{1000 * statistics.median(by_one):.0f}" if by_one else "-"
        line(kind, median, many.times[kind])
    every = [seconds for times in many.times.values() for seconds in times]
    line("all", f"{1000 * single:.0f}", every)
    worst = quantile(every, 0.95)
    print(f"p95 is {worst / single:.1f} times the median of one person alone (wanted: under {WANTED})")
    print(
        f"Errors: {sum(many.odd.values())} {dict(many.odd.most_common(5)) if many.odd else ''}; {served.load()}"
    )


def line(label, alone, times):
    p50, p95, p99 = (f"{1000 * quantile(times, share):.0f}" for share in (0.5, 0.95, 0.99))
    print(f"{label:<26}{alone:>8}{p50:>8}{p95:>8}{p99:>8}{len(times):>8,}")


def quantile(values, share):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


if __name__ == "__main__":
    main()
