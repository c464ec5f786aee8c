"""The table of `make bench` fits the site: what it costs is measured there, and fails nothing here."""

import re
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.urls import resolve

import bench.speed.stock
from backoffice.generic import ActionView
from bench.speed import document, report, same
from bench.speed.floor import HANDLERS
from bench.speed.loading import sizes
from bench.speed.measure import Result
from bench.speed.others import RECORDS
from bench.speed.pages import pages
from bench.speed.places import PLACES
from bench.speed.wanted import WANTED
from bench.speed.world import World

ONE = "00000000-0000-0000-0000-000000000001"
# Tables whose rows are counted up; all others have a uuid.
NUMBERED = (
    "backoffice.telephony_conflict", "public.credit_transactions", "audit.event", "audit.read_log",
    "backoffice.backoffice_user",
)  # fmt: skip
WORLD = World(
    places=dict.fromkeys(PLACES, ("x", "1", 7)),
    some={table: "1" if table in NUMBERED else ONE for _, table, *_ in RECORDS},
)
TABLE = list(pages(WORLD))
# What is not in the table, as the matrix of addresses has it.
NOT_MEASURED = {
    "probes, and no pages": r"/healthz|/readyz|/admin/jsi18n/|/demo/audio/.*",
    "files": r".*\.csv|.*/csv/|.*/content/|.*/messages/export/",
    "parts of pages, and dialogs": r"/inline/.*|/lists/.*|/views/.*|/pick/.*",
    "about rows that the data set has none of": (
        r"/tenants/(notes|erasures)/<.*|/agents/(settings/changes|labels|samples|notes|conversations)/<.*"
        r"|/billing/(adoptions|bulk-postings|requests|limits|reconciliation/checks|statements|prices)/<.*"
        r"|/billing/settlements/\w+/<.*|/health/findings/<.*|/jobs/<.*|/agents/agents/.*/history/<.*"
    ),
    "what was asked for in a list before": r"/health/<slug:section>/",
    "the tenant's view, which has to be begun": r".*/preview/.*",
    "the histories of one record and of one person: the list of changes, narrowed": r"/audit/(records|people)/.*",
    "the way in, and factors": r"/invitation/|/accounts/.*",
}


@pytest.mark.parametrize("page", TABLE, ids=lambda page: f"{page.group}, {page.name}")
def test_page_of_the_table_is_a_page_of_the_site(page):
    assert resolve(urlsplit(page.ours).path)
    assert page.wanted in WANTED
    assert not page.floor or urlsplit(page.floor).path in HANDLERS
    assert not page.rows or page.rows in same.MARKS


def asks_first(path):
    """Whether the page asks before something is done: all of these are one and the same page."""
    view = getattr(resolve(path).func, "view_class", None)
    return view is not None and (issubclass(view, ActionView) or view.__name__ == "RevertChange")


def test_every_page_of_the_site_is_in_the_table():
    matrix = Path(__file__).with_name("url_matrix.txt").read_text().splitlines()
    rows = [line.split() for line in matrix if not line.startswith("#")]
    opened = [address for address, method, *_, admin in rows if method == "GET" and admin == "200"]
    measured = {resolve(urlsplit(page.ours).path).route for page in TABLE}
    missing = []
    for address in opened:
        path = re.sub(r"<uuid:\w+>", ONE, re.sub(r"<int:\w+>", "1", address))
        if any(re.fullmatch(pattern, address) for pattern in NOT_MEASURED.values()):
            continue
        if resolve(path).route not in measured and not asks_first(path):
            missing.append(address)
    assert not missing
    for reason, pattern in NOT_MEASURED.items():
        assert any(re.fullmatch(pattern, address) for address in opened), reason


def test_stock_has_the_lists_that_it_is_asked_for():
    source = (Path(bench.speed.stock.__file__).parent / "admin.py").read_text()
    registered = {name.lower() for name in re.findall(r"register\(models\.(\w+)\)", source)}
    asked = {urlsplit(page.stock).path.split("/")[3] for page in TABLE if page.stock}
    assert asked and asked <= registered


def figures(milliseconds):
    return dict.fromkeys(
        ("median", "p95", "first_byte", "body", "wire", "peak", "grown", "cpu"), milliseconds
    )


def test_ratio_that_is_not_met_is_told_in_the_table_and_fails_nothing(tmp_path):
    met = Result("Lists", "quick", "list", figures(10), figures(1), figures(400))
    missed = Result("Lists", "slow", "list", figures(13), figures(1), figures(380))
    assert report.misses(met) == []
    assert report.misses(missed) == ["floor", "stock"]
    facts = dict.fromkeys(("date", "commit", "machine", "software", "messages"), "-")
    common = {"facts": facts, "took": {}, "load": ["0", "0"], "rounds": 1}
    before = Result("Lists", "slow", "list", figures(5), figures(1), None)
    path = tmp_path / "speed.md"
    document.write(
        path,
        [{"scale": 1, "results": [met, missed], **common}, {"scale": 0.1, "results": [before], **common}],
    )
    text = path.read_text()
    assert (
        "| slow | 1.0 | 380 | 13.0 | 13.0 | 13.0x | 29x | ≤ 12x floor, ≥ 30x stock | **missed**: floor, stock |"
        in text
    )
    assert "1 of 2 lines with something wanted are met." in text
    assert "| Lists: slow | 5.0 | 13.0 | 2.60x | ≤ 1.3x | **missed** |" in text


def test_other_rows_or_another_order_are_an_error():
    page = next(page for page in TABLE if page.rows == "list" and page.floor)
    same.check(page, ["1", "2"], ["1", "2"], "floor")
    for other in (["2", "1"], ["1"], []):
        with pytest.raises(same.Different):
            same.check(page, ["1", "2"], other, "floor")


def test_smaller_world_has_something_of_everything():
    assert sizes(1)["messages"] == 5_000_000 and sizes(0.1)["messages"] == 500_000
    assert min(sizes(0.0001).values()) == 20
