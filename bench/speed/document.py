"""docs/speed.md: the tables of a run, and how the cost grows from one scale to another."""

from bench.speed.report import misses, number, ratios, times, whole
from bench.speed.wanted import WANTED

INTRODUCTION = """# Speed

Written by `make bench` (bench/speed). Every page of the product over HTTP on loopback, with one process of ours, beside
the *floor* (bare psycopg with keyset pages and strings for HTML: no sign-in, no template, bench/speed/floor.py) and
*stock* Django admin over the same tables (bench/speed/stock). All three show the same rows in the same order, which
the command checks by the ids in the pages. Milliseconds are medians; the rounds of the three take turns. What is
wanted is in bench/speed/wanted.py. CPU is what the process used for a request; SQL and queries are from the access
log; first byte is of the body; wire is all that came in; peak is the resident memory of the process, and
grown how much of it came with the page.
"""
GROUPS = (
    "Lists", "Search", "Records", "Overviews", "Exports", "Django admin, ours", "Other lists", "Other pages",
)  # fmt: skip


def write(path, runs):
    """`runs`: [{"scale", "facts", "took", "load", "results"}], the largest first."""
    text = [INTRODUCTION]
    for run in runs:
        text.append(section(run))
    if len(runs) > 1:
        text.append(growth(runs[0], runs[-1]))
    path.write_text("\n".join(text))


def section(run):
    facts, results = run["facts"], run["results"]
    missed = [result for result in results if misses(result)]
    wanted = [result for result in results if str(WANTED[result.wanted]) != "–"]
    lines = [
        f"## Scale {run['scale']:g}: {facts['messages']} messages",
        "",
        f"{facts['date']}, commit {facts['commit']}; {facts['machine']}; {facts['software']}. Load average before"
        f" {run['load'][0]}, after {run['load'][1]}; {run['rounds']} rounds.",
        "",
    ]
    if run["took"]:
        took = ", ".join(f"{name} {seconds:.0f} s" for name, seconds in run["took"].items())
        lines += [f"The database: {took}.", ""]
    lines += [f"{len(wanted) - len(missed)} of {len(wanted)} lines with something wanted are met.", ""]
    for group in GROUPS:
        own = [result for result in results if result.group == group]
        if own:
            lines += [f"### {group}", "", *table(TIMES, own), "", *table(COSTS, own), ""]
    return "\n".join(lines)


def verdict(result):
    missed = misses(result)
    return (
        f"**missed**: {', '.join(missed)}" if missed else "met" if str(WANTED[result.wanted]) != "–" else ""
    )


def median(figures):
    return number(figures and figures["median"])


TIMES = {
    "page": lambda result: result.name,
    "floor, ms": lambda result: median(result.floor),
    "stock, ms": lambda result: median(result.stock),
    "ours, ms": lambda result: median(result.ours),
    "p95": lambda result: number(result.ours["p95"]),
    "to floor": lambda result: times(ratios(result)[0]),
    "faster than stock": lambda result: times(ratios(result)[1]),
    "wanted": lambda result: str(WANTED[result.wanted]),
    "": verdict,
}
COSTS = {
    "page": lambda result: result.name,
    "CPU, ms": lambda result: number(result.ours.get("cpu")),
    "queries": lambda result: whole(result.queries),
    "SQL, ms": lambda result: number(result.database_ms),
    "first byte, ms": lambda result: number(result.ours["first_byte"]),
    "KB": lambda result: f"{result.ours['body'] / 1024:,.0f}",
    "wire, KB": lambda result: f"{result.ours['wire'] / 1024:,.0f}",
    "stock, KB": lambda result: f"{result.stock['body'] / 1024:,.0f}" if result.stock else "–",
    "peak, MB": lambda result: number(result.ours["peak"]),
    "grown, MB": lambda result: number(result.ours["grown"]),
}


def table(columns, results):
    """Markdown; the first column to the left, figures to the right."""
    words = ("page", "wanted", "")
    return [
        f"| {' | '.join(columns)} |",
        f"|{'|'.join('---' if name in words else '---:' for name in columns)}|",
        *(f"| {' | '.join(cell(result) for cell in columns.values())} |" for result in results),
    ]


def growth(large, small):
    """What ten times the rows cost: the median of the larger over that of the smaller scale."""
    before = {(result.group, result.name.split(",")[0], key(result)): result for result in small["results"]}
    lines = [
        f"## From scale {small['scale']:g} to {large['scale']:g}",
        "",
        "| page | smaller, ms | larger, ms | growth | wanted | |",
        "|---|---:|---:|---:|---:|---|",
    ]
    for result in large["results"]:
        old = before.get((result.group, result.name.split(",")[0], key(result)))
        limit = WANTED[result.wanted].growth
        if old and limit:
            ratio = result.ours["median"] / old.ours["median"]
            told = "met" if ratio <= limit else "**missed**"
            lines.append(
                f"| {result.group}: {result.name} | {median(old.ours)} | {median(result.ours)} | {ratio:.2f}x"
                f" | ≤ {limit:g}x | {told} |"
            )
    return "\n".join([*lines, ""])


def key(result):
    """A deep page has another number in a smaller world."""
    return "deep" if ", page " in result.name else result.name
