"""Every page of the back office beside the bare query and stock Django admin, over the same rows.

    make bench                           # at scale 1 and at a tenth of it; SCALE=0.1 for smaller ones
    python -m bench.speed --scale 0.1 --only transcript --rounds 30 --no-stock

Loads a database for each scale unless it is there (var/bench-speed-<scale>), starts three servers with one process
each, and asks them in turn over a connection that is kept: the floor (floor.py), stock Django admin (stock/) and ours.
Ends with status 1 if they show different rows, or one of them fails; never because something took long.
"""

import argparse
import contextlib
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import psycopg

from bench.speed import (
    document,
    exporting,
    loading,
    machine,
    measure,
    report,
    same,
    servers,
    world,
    writing,
)
from bench.speed.pages import pages

DOCUMENT = servers.ROOT / "docs" / "speed.md"


def arguments():
    parser = argparse.ArgumentParser(
        prog="bench.speed", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--scale", type=float, action="append", help="a factor of the sizes (1); repeated, the growth is told"
    )
    parser.add_argument("--rounds", type=int, default=20, help="times that each page is asked for (20)")
    parser.add_argument(
        "--only", metavar="WORD", action="append", help="pages with that in group or name; repeatable"
    )
    parser.add_argument("--no-stock", action="store_true", help="leave stock Django admin out")
    parser.add_argument(
        "--database-url", help="measure on this database, as role backoffice; nothing is loaded"
    )
    parser.add_argument("--write", action="store_true", help=f"write {DOCUMENT.relative_to(servers.ROOT)}")
    return parser.parse_args()


def main():
    options = arguments()
    scales = sorted(options.scale or [1], reverse=True)
    faults, runs = [], []
    for scale in scales:
        with contextlib.ExitStack() as stack:
            if options.database_url:
                url, took = options.database_url, {}
                owner = url.replace("//backoffice@", "//postgres@")
            else:
                url, owner, took = stack.enter_context(loading.loaded(scale))
            run = measured(options, scale, url, owner, took)
        runs.append(run.as_dict())
        faults += run.faults
    if options.write:
        document.write(DOCUMENT, runs)
    print("\n".join(faults))
    raise SystemExit(bool(faults))


def measured(options, scale, url, owner, took):
    """The Run over one database."""
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        cookie, token = servers.sign_in(url)
        static = servers.collected_static(folder)
        found = world.look(owner)
        connection = stack.enter_context(psycopg.connect(owner, autocommit=True))
        facts = machine.facts(connection)
        floor = stack.enter_context(servers.Floor(owner, folder))
        ours = stack.enter_context(servers.Ours(url, folder, cookie, static))
        stock = None if options.no_stock else stack.enter_context(servers.Stock(owner, folder))
        exports = stack.enter_context(exporting.Exports(url, folder, servers.OURS))
        run = Run(options, scale, facts, took, (ours, floor, stock), token)
        run.pages(pages(found))
        run.exports(exports, connection)
        run.load.append(machine.load())
        return run


class Run:
    """Measures page by page, and prints each as it is done. `faults` are those that end the command with status 1."""

    def __init__(self, options, scale, facts, took, three, token):
        self.options, self.scale, self.facts, self.took = options, scale, facts, took
        self.three, self.token = three, token
        self.load, self.results, self.faults = [machine.load()], [], []
        print(f"Scale {scale:g}, {', '.join(facts.values())}, load {self.load[0]}\n{report.HEAD}")

    def as_dict(self):
        return {
            "scale": self.scale,
            "facts": self.facts,
            "took": self.took,
            "load": self.load,
            "rounds": self.options.rounds,
            "results": self.results,
        }

    def wants(self, words):
        return not self.options.only or any(word.lower() in words.lower() for word in self.options.only)

    def pages(self, table):
        for page in table:
            if self.wants(f"{page.group}, {page.name}"):
                with self.noting():
                    self.keep(self.measured(page))

    def measured(self, page):
        if page.changes:
            return writing.measure_saves(page, self.three, self.token, self.options.rounds)
        return measure.measure(page, *self.three, self.options.rounds)

    def exports(self, exports, connection):
        if self.wants("Exports"):
            with self.noting():
                for result in writing.measure_exports(self.three, exports, connection, self.token):
                    self.keep(result)

    def keep(self, result):
        self.results.append(result)
        print(report.line(result), flush=True)

    @contextlib.contextmanager
    def noting(self):
        try:
            yield
        except (measure.Failed, same.Different, OSError) as error:
            self.faults.append(str(error) or repr(error))
            print(f"FAULT {error}", flush=True)


if __name__ == "__main__":
    main()
