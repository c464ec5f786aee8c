"""Breaks the database under load, and shows what people see meanwhile and what became of their postings.

    python bench/faults.py                  # var/bench-faults; --users, --pause, --place

So many people (100) look at pages and post credits over two web processes on loopback, while the database, a server of
the benchmark's own, is killed with SIGKILL and started again, frozen (SIGSTOP to the postmaster and its children),
made read-only and killed once more. Each line is a second: how many requests that were asked in it got which status,
and the longest time one of them took. A posting that meets a 503 is sent again as its page offers it. The exit status
is 1 if a status other than 200, 302, 409 (the balance moved) and 503 was seen, if a posting that was answered as done
is not in the ledger exactly once, or if a balance is not the sum of its postings.
"""

import argparse
import collections
import contextlib
import time
from pathlib import Path

import database  # first: it puts the project on the path

TENANTS = 20
SETTLE_SECONDS = 6
AWAY_SECONDS = 4


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    place = database.ROOT / "var" / "bench-faults"
    parser.add_argument("--place", type=Path, default=place, help="folder of the server (var/bench-faults)")
    parser.add_argument("--users", type=int, default=100, help="people at once (100)")
    parser.add_argument("--pause", type=float, default=3, help="seconds a person rests, on average (3)")
    options = parser.parse_args()
    import django

    django.setup()
    from backoffice.testing_faults import BreakableDatabase, Web
    from backoffice.testing_load import Load, new_tenants

    own = BreakableDatabase(options.place)
    own.server.destroy()
    try:
        own.prepare()
        tenants = new_tenants(own, TENANTS)
        files = options.place.with_name("bench-faults-files")
        files.mkdir(exist_ok=True)
        with Web(own, files, processes=2) as web:
            load = Load(web, own, options.users, tenants, pause=options.pause)
            load.start()
            windows = list(break_everything(own, load))
            time.sleep(SETTLE_SECONDS)
            load.stop()
            failed = report(load, windows)
    finally:
        own.thaw()
        own.server.destroy()
    raise SystemExit(failed)


def break_everything(own, load):
    """(what, from, until) of each time that the database was away, in seconds of the load."""
    for what, begin, end in (
        ("killed", own.kill, own.restart),
        ("frozen", own.freeze, own.thaw),
        ("read-only", lambda: own.set_read_only(True), lambda: own.set_read_only(False)),
        ("killed", own.kill, own.restart),
    ):
        time.sleep(SETTLE_SECONDS)
        begin()
        since = load.now()
        time.sleep(AWAY_SECONDS)
        end()
        yield what, since, load.now()


def report(load, windows):
    seconds = collections.defaultdict(list)
    for answer in load.answers:
        seconds[int(answer.asked_at)].append(answer)
    print("second  200/302/409  503  other  longest (ms)")
    for second, answers in sorted(seconds.items()):
        states = collections.Counter(
            "503" if a.status == 503 else "good" if a.status in (200, 302, 409) else "other" for a in answers
        )
        words = " ".join(what for what, since, until in windows if since - 1 < second < until)
        longest = max(answer.seconds for answer in answers) * 1000
        print(
            f"{second:>6}  {states['good']:>11}  {states['503']:>3}  {states['other']:>5}  {longest:>12.0f}  {words}"
        )
    for what, since, until in windows:
        away = [a for a in load.answers if since <= a.asked_at < until]
        refused = [a for a in away if a.status == 503]
        after = [a for a in load.answers if until <= a.asked_at < until + SETTLE_SECONDS / 2]
        back = min((a.asked_at + a.seconds - until for a in after if a.status in (200, 302)), default=None)
        last = max((a.asked_at - until for a in after if a.status == 503), default=0)
        print(
            f"{what}: {len(refused)} of {len(away)} requests asked meanwhile got 503, the slowest of these after "
            f"{max((a.seconds for a in refused), default=0):.2f} s; first page "
            f"{back if back is None else round(back, 1)} s after its end, last 503 asked {last:.1f} s after it"
        )
    done = sum(is_done for *_, is_done in load.postings.values())
    faults = load.faults_in_the_books()
    for odd in load.odd[:10]:
        print("odd:", odd)
    print(
        f"{len(load.answers)} requests, {done} postings answered as done; {'; '.join(faults) or 'the books are exact'}."
    )
    return bool(faults or load.odd)


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        main()
