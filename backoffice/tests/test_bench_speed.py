"""The table of `make bench` fits the site: what it costs is measured there, and fails nothing here."""

import re
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.urls import resolve

import bench.speed.stock
from bench.speed import document, report, same
from bench.speed.floor import HANDLERS
from bench.speed.loading import sizes
from bench.speed.measure import Result
from bench.speed.pages import pages
from bench.speed.places import PLACES
from bench.speed.wanted import WANTED
from bench.speed.world import World

WORLD = World(places=dict.fromkeys(PLACES, ("x", "1", 7)))
TABLE = list(pages(WORLD))


@pytest.mark.parametrize("page", TABLE, ids=lambda page: f"{page.group}, {page.name}")
def test_page_of_the_table_is_a_page_of_the_site(page):
    assert resolve(urlsplit(page.ours).path)
    assert page.wanted in WANTED
    assert not page.floor or urlsplit(page.floor).path in HANDLERS
    assert not page.rows or page.rows in same.MARKS


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
