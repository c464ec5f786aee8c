"""Rounds over one page: ours, the floor and stock take turns, so that noise hits all alike."""

import statistics
from dataclasses import dataclass, field

from bench.speed import same

WARM_UP = 3
SLOW_MS, VERY_SLOW_MS = 500, 3_000  # pages of stock that take longer are asked for fewer times


@dataclass
class Times:
    """Of one server and one page; milliseconds."""

    all: list = field(default_factory=list)
    first_bytes: list = field(default_factory=list)
    body: int = 0  # bytes of HTML
    wire: int = 0
    peak: float = 0  # MB of the process
    grown: float = 0  # MB that the peak was above what it had before
    cpu: float | None = None  # of the process that answers, per request

    def add(self, answer):
        self.all.append(answer.total)
        self.first_bytes.append(answer.first_byte)
        self.body, self.wire = len(answer.body), answer.wire

    @property
    def median(self):
        return statistics.median(self.all)

    @property
    def p95(self):
        return sorted(self.all)[min(len(self.all) - 1, round(len(self.all) * 0.95))]

    def figures(self):
        return {
            "median": round(self.median, 3),
            "p95": round(self.p95, 3),
            "first_byte": round(statistics.median(self.first_bytes), 3),
            "rounds": len(self.all),
            "body": self.body,
            "wire": self.wire,
            "peak": round(self.peak, 1),
            "grown": round(self.grown, 1),
            "cpu": self.cpu and round(self.cpu, 2),
        }


@dataclass
class Result:
    """Of one page; what the report is made of, and what is kept as JSON."""

    group: str
    name: str
    wanted: str
    ours: dict
    floor: dict | None = None
    stock: dict | None = None
    queries: float | None = None
    database_ms: float | None = None
    rows: int = 0


class Failed(Exception):
    """A page that was not answered as it should be."""


def ask(server, page, path):
    answer = server.connection.ask(path, headers="HX-Request: true\r\n" if page.hx else "")
    if answer.status != 200:
        raise Failed(f"{page.group}, {page.name}: {server.name} answers {answer.status} to {path}.")
    return answer


def measure(page, ours, floor, stock, rounds):
    """The Result of a page that is only read. Raises Failed and same.Different."""
    seen = same.rows(ask(ours, page, page.ours).text, page.rows) if page.rows else []
    paths = [(ours, page.ours)]
    if page.floor:
        sized = f"{page.floor}{'&' if '?' in page.floor else '?'}size={len(seen)}" if seen else page.floor
        paths.append((floor, f"/{sized}"))
        if page.rows:
            same.check(page, seen, same.FLOOR.findall(ask(floor, page, f"/{sized}").text), "floor")
    limits = {ours: rounds, floor: rounds}
    if page.stock and stock:
        paths.append((stock, page.stock))
        first = ask(stock, page, page.stock)
        limits[stock] = 2 if first.total > VERY_SLOW_MS else 4 if first.total > SLOW_MS else rounds
        if page.rows:
            same.check(page, seen, same.rows(first.text, page.rows, same.STOCK), "stock")
    times = {server: Times() for server, _ in paths}
    for server, path in paths:
        for _ in range(WARM_UP if limits[server] == rounds else 0):
            ask(server, page, path)
    before = begin(times)
    lines = []
    for number in range(rounds):
        for server, path in paths:
            if number < limits[server]:
                answer = ask(server, page, path)
                times[server].add(answer)
                if server is ours:
                    lines.append(answer.headers.get("x-request-id"))
    return result(page, times, before, (ours, floor, stock), [ours.told(line) for line in lines], len(seen))


def begin(times):
    """Resets the peaks; {server: (MB it has now, ms of a processor it has used)}."""
    before = {}
    for server in times:
        server.reset_peak()
        before[server] = server.memory()[0], server.cpu_ms()
    return before


def result(page, times, before, servers, lines, rows=0):
    for server, own in times.items():
        own.peak = server.memory()[1]
        own.grown = max(0, own.peak - before[server][0])
        own.cpu = (server.cpu_ms() - before[server][1]) / len(own.all)
    figures = [times[server].figures() if server in times else None for server in servers]
    return Result(
        page.group,
        page.name,
        page.wanted,
        *figures,
        queries=statistics.median(line.get("queries", 0) for line in lines),
        database_ms=round(statistics.mean(line.get("database_ms", 0) for line in lines), 1),
        rows=rows,
    )
