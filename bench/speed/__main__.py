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

from bench.speed import measure, report, same, servers, world
from bench.speed.pages import pages


def arguments():
    parser = argparse.ArgumentParser(
        prog="bench.speed", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--scale", type=float, default=1, help="a factor of the sizes (1)")
    parser.add_argument("--rounds", type=int, default=20, help="times that each page is asked for (20)")
    parser.add_argument(
        "--only", metavar="WORD", action="append", help="pages with that in their name; repeatable"
    )
    parser.add_argument("--no-stock", action="store_true", help="leave stock Django admin out")
    parser.add_argument(
        "--database-url", help="measure on this database, as role backoffice; nothing is loaded"
    )
    parser.add_argument("--owner-url", help="the same as its owner (user postgres of the same address)")
    return parser.parse_args()


def main():
    options = arguments()
    owner = options.owner_url or options.database_url.replace("//backoffice@", "//postgres@")
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        cookie, token = servers.sign_in(options.database_url)
        from backoffice.testing import collected_static

        found = world.look(owner)
        floor = stack.enter_context(servers.Floor(owner, folder))
        ours = stack.enter_context(servers.Ours(options.database_url, folder, cookie, collected_static()))
        stock = None if options.no_stock else stack.enter_context(servers.Stock(owner, folder))
        results, faults = run(pages(found), options, ours, floor, stock)
    for fault in faults:
        print(fault)
    raise SystemExit(bool(faults))


def run(table, options, ours, floor, stock):
    results, faults = [], []
    print(report.HEAD)
    for page in table:
        words = f"{page.group}, {page.name}".lower()
        if options.only and not any(word.lower() in words for word in options.only):
            continue
        if page.changes:
            continue
        try:
            results.append(measure.measure(page, ours, floor, stock, options.rounds))
            print(report.line(results[-1]), flush=True)
        except (measure.Failed, same.Different) as error:
            faults.append(str(error))
            print(f"FAULT {error}", flush=True)
    return results, faults


if __name__ == "__main__":
    main()
