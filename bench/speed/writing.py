"""Measures what is not only read: a form that is saved, a file that is exported."""

import os
from urllib.parse import urlencode

from bench.speed import exporting
from bench.speed.measure import Failed, Result, Times, begin, result
from bench.speed.pages import Page, address
from bench.speed.servers import OURS, STOCK_TOKEN

FIELD = "description"


def forms_reader():
    """The suite's reader of forms. Its module needs Django's settings, and asks no database."""
    import django

    os.environ.update(OURS)
    os.environ.setdefault("DATABASE_URL", "postgresql:///unused")
    django.setup()
    from backoffice.testing_crud import Forms

    return Forms


def form_of(server, page, path):
    """What the edit form would send."""
    Forms = forms_reader()
    answer = server.connection.ask(path)
    forms = (
        [form for form in Forms(answer.text).forms if FIELD in form["data"]] if answer.status == 200 else []
    )
    if not forms:
        raise Failed(f"{page.group}, {page.name}: {server.name} shows no such form ({answer.status}).")
    return forms[0]["data"]


def save(server, page, path, token, value):
    """One save, of which only the POST is measured. Returns the Answer and the value that stood there."""
    data = form_of(server, page, path)
    before = data[FIELD]
    body = urlencode({**data, FIELD: value, "csrfmiddlewaretoken": token}, doseq=True)
    answer = server.connection.ask(path, body)
    if answer.status != 302:
        raise Failed(f"{page.group}, {page.name}: {server.name} answers {answer.status} to the form.")
    return answer, before


def measure_saves(page, servers, token, rounds):
    """Two values take turns, so that every save is a change; in the end the first one is put back."""
    ours, floor, stock = servers
    tokens = {ours: (page.ours, token)}
    if stock:
        tokens[stock] = (page.stock, STOCK_TOKEN)
    original = form_of(ours, page, page.ours)[FIELD]
    times = {ours: Times(), floor: Times()} | ({stock: Times()} if stock else {})
    lines = []
    before = begin(times)
    try:
        for number in range(rounds + 2):
            for server in times:
                # Others than what any of the three wrote last.
                value = f"{page.changes[number % 2]} {len(server.name)}"
                if server is floor:
                    answer = floor.connection.ask(f"/{page.floor}&{urlencode({FIELD: value})}")
                else:
                    answer, _ = save(server, page, *tokens[server], value)
                if number > 1:
                    times[server].add(answer)
                    if server is ours:
                        lines.append(ours.told(answer.headers["x-request-id"]))
    finally:
        save(ours, page, *tokens[ours], original)
    measured = result(page, times, before, servers, lines)
    for figures in filter(None, (measured.ours, measured.floor, measured.stock)):
        figures["cpu"] = None  # the forms were asked for meanwhile, too
    return measured


def downloaded(server, params, token):
    """A list as CSV, sent as it is read: the figures of `exporting.watched`, over HTTP."""
    before, _ = begin([server])[server]
    body = {"query": params["query"], "format": "csv-at-once", "csrfmiddlewaretoken": token}
    answer = server.connection.ask(f"/lists/{params['list']}/export/", urlencode(body))
    peak = server.memory()[1]
    return {
        "total": answer.total,
        "first_byte": answer.first_byte,
        "grown": peak - before,
        "peak": peak,
        "cpu": None,
        "rows": answer.body.count(b"\n") - 1,
        "body": len(answer.body),
        "status": "succeeded" if answer.status == 200 else "failed",
        "message": f"it answers {answer.status}",
    }


def measure_exports(servers, exports, connection, token, rounds=exporting.ROUNDS):
    """Results of the files of 100,000 rows, one after the other; the three take turns. Figures are downloaded at once,
    what was said is a job.
    """
    ours, floor, stock = servers

    def run(kind, params):
        return downloaded(ours, params, token) if kind == "export" else exports.run(kind, params)

    for name, (kind, params, floors, wanted, admin) in exporting.kinds(connection).items():
        page = Page("Exports", name, "", address("export", **floors), f"/admin/{admin}/", wanted=wanted)
        figures = run(kind, params)  # warms up, and says how many rows there are
        if figures["status"] != "succeeded":
            raise Failed(f"{page.group}, {name}: it {figures['status']}: {figures['message']}")
        # A small world may have fewer messages than turns: some are only in the sessions' JSON, or in legacy chats.
        there_are = connection.execute(f"select count(*) from {exporting.TABLES[kind]}").fetchone()[0]
        paths = {floor: (f"/{page.floor}&rows={figures['rows']}", None)}
        if stock:
            paths[stock] = (page.stock, exported_by(stock, page))
        own, times = Times(), {server: Times() for server in paths}
        for _ in range(rounds):
            figures = run(kind, params)
            own.all.append(figures["total"])
            own.first_bytes.append(figures["first_byte"])
            own.body, own.wire, own.cpu = figures["body"], figures["body"], figures["cpu"]
            own.peak, own.grown = max(own.peak, figures["peak"]), max(own.grown, figures["grown"])
            for server, (path, body) in paths.items():
                before, _ = begin([server])[server]
                answer = server.connection.ask(path, body)
                rows = answer.body.count(b"\n")
                if server is floor and rows != min(figures["rows"], there_are):
                    raise Failed(
                        f"{page.group}, {name}: {figures['rows']:,} rows, {rows:,} in the floor's file."
                    )
                times[server].add(answer)
                times[server].peak = server.memory()[1]
                times[server].grown = max(times[server].grown, times[server].peak - before)
        yield Result(
            page.group,
            f"{name}, {figures['rows']:,} rows",
            wanted,
            own.figures(),
            times[floor].figures(),
            times[stock].figures() if stock else None,
            rows=figures["rows"],
        )


def exported_by(stock, page):
    """The form of the admin's list that exports all its rows; the action stops at 100,000."""
    from bench.speed import same

    listed = same.rows(stock.connection.ask(page.stock).text, "list", same.STOCK)
    return urlencode(
        {
            "action": "export_csv",
            "select_across": "1",
            "index": "0",
            "_selected_action": listed[0],
            "csrfmiddlewaretoken": STOCK_TOKEN,
        }
    )
