"""The page of a conversation as somebody uses it: scrolling, finding, listening, copying, in a real browser."""

import datetime
import re
import time
from contextlib import suppress

import pytest
from django.utils import timezone
from playwright.sync_api import Error, expect

from agents.conversations import reveals
from agents.tests.factories import make_message, make_session
from backoffice.demo.audio import wav
from backoffice.sessions.store import SessionStore
from backoffice.testing_browser import Looker
from telephony.tests.factories import make_call
from tenants.tests.factories import change

BEGAN = datetime.datetime(2026, 1, 1, 10, tzinfo=datetime.UTC)
SECONDS_BETWEEN_LOOKS = 5  # of the page that is still going on: conversation_live.html
SHOWN = """
() => {
  const line = document.querySelector("%s").getBoundingClientRect();
  const box = document.querySelector(".transcript-box").getBoundingClientRect();
  return line.top >= box.top && line.bottom <= box.bottom && line.top >= 0 && line.bottom <= innerHeight;
}
"""

MOVED = """
window.moved = [];
new PerformanceObserver((list) => {
  for (const entry of list.getEntries())
    window.moved.push([entry.value, entry.sources.map(({ node }) => node?.id || node?.className)]);
}).observe({ type: "layout-shift", buffered: true });
"""


def wait_seen(page, selector):
    page.wait_for_function(SHOWN % selector)


def open_page(app, session, query="", role="manager", page=None, only_first_piece=False):
    app.login(role, page)
    page = page or app.page
    if only_first_piece:  # the next one comes by itself, before the turns have their height
        page.route("**/*first=*", lambda route: route.fulfill(status=204))
    page.goto(f"{session.get_absolute_url()}{query}")
    return page


@pytest.fixture
def long(live_app):
    with live_app.platform():
        session = make_session(started_at=BEGAN)
        for n in range(1, 401):
            make_message(
                session,
                role="user" if n % 2 else "assistant",
                content=f"Line {n}, said by hand",
                latency_ms=None if n % 2 else n,
                created_at=BEGAN + datetime.timedelta(seconds=n),
            )
    return session


def numbers(page):
    return page.evaluate(
        "[...document.querySelectorAll('#turns > .bubble')].map((line) => +line.dataset.number)"
    )


def test_pieces_come_while_one_scrolls_in_both_directions(live_app, long):
    page = open_page(live_app, long, "?turn=200")
    wait_seen(page, ".bubble[data-target]")
    assert numbers(page) == list(range(150, 300))
    page.hover(".transcript-box")
    page.mouse.wheel(0, 100_000)
    page.wait_for_selector("[data-number='400']")
    for _ in range(60):
        page.mouse.wheel(0, -1500)
        page.wait_for_timeout(100)
        if page.locator("[data-number='1']").count():
            break
    page.wait_for_selector("[data-number='1']")
    assert numbers(page) == list(range(1, 401))
    assert page.locator(".transcript__more").count() == 0
    assert live_app.errors == []


def test_find_goes_from_place_to_place_by_keyboard(live_app, long):
    page = open_page(live_app, long)
    page.fill("#find", "LINE 39")
    page.wait_for_selector(".find__status")
    status = page.locator(".find__status strong")
    assert (status.inner_text(), page.locator("mark[aria-current]").inner_text()) == ("1", "Line 39")
    page.keyboard.press("Enter")
    page.wait_for_selector("[data-number='390'] mark[aria-current]")
    assert status.inner_text() == "2"
    wait_seen(page, "mark[aria-current]")
    assert page.evaluate("document.activeElement.id") == "find"
    page.keyboard.press("Shift+Enter")
    page.wait_for_selector("[data-number='39'] mark[aria-current]")
    page.keyboard.press("Escape")
    assert page.locator("mark").count() == 0 and page.input_value("#find") == ""
    assert live_app.errors == []


AWAY = "The database does not answer"


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (lambda route: route.fulfill(status=500, body="broken"), "The server could not do this (500)."),
        (lambda route: route.fulfill(status=503, body=f"<p>{AWAY}</p>"), AWAY),
        (lambda route: route.abort(), "The server did not answer."),
    ],
    ids=["fails", "away", "silent"],
)
def test_a_place_that_does_not_come_is_told_and_can_be_asked_for_again(live_app, long, answer, words):
    page = open_page(live_app, long, only_first_piece=True)
    page.fill("#find", "LINE 39")
    status, told = page.locator(".find__status strong"), page.locator("#toasts > *")
    expect(status).to_have_text("1")
    asked = []
    page.route("**/*nth=*", lambda route: (asked.append(route.request.headers), answer(route)))
    for times in (1, 2):
        page.keyboard.press("Enter")
        page.wait_for_timeout(200)
        expect(told).to_have_count(1)
        expect(told).to_contain_text(words)
        expect(status).to_have_text("1")
        assert len(asked) == times and "x-unattended" not in asked[0]
    assert page.locator("#turns .bubble").count() == 150
    told.click()
    expect(told).to_have_count(0)
    page.unroute("**/*nth=*")
    page.press("#find", "Enter")
    page.wait_for_selector("[data-number='390'] mark[aria-current]")
    expect(status).to_have_text("2")


def slowly(route):
    time.sleep(0.3)
    with suppress(Error):  # the page wants it no more
        route.continue_()


def test_quick_steps_end_where_the_last_one_leads(live_app, long):
    page = open_page(live_app, long, only_first_piece=True)
    page.fill("#find", "LINE 39")
    status = page.locator(".find__status strong")
    expect(status).to_have_text("1")
    page.route("**/*nth=*", slowly)
    for _ in range(3):
        page.keyboard.press("Enter")
    page.wait_for_selector("[data-number='392'] mark[aria-current]")
    expect(status).to_have_text("4")
    expect(page.locator("mark[aria-current]")).to_have_count(1)
    wait_seen(page, "mark[aria-current]")
    page.keyboard.press("Shift+Enter")
    page.wait_for_selector("[data-number='391'] mark[aria-current]")
    assert [
        error for error in live_app.errors if not error.startswith("htmx:")
    ] == []  # those of what was replaced


def test_a_step_leads_nowhere_once_another_search_began(live_app, long):
    page = open_page(live_app, long, only_first_piece=True)
    page.fill("#find", "LINE 39")
    expect(page.locator(".find__status strong")).to_have_text("1")
    page.route("**/*nth=*", slowly)
    page.keyboard.press("Enter")
    page.keyboard.press("Escape")
    page.wait_for_timeout(600)
    assert page.get_attribute("#transcript", "data-hit") == "0" and page.locator("#hit").count() == 0
    page.fill("#find", "LINE 12")
    expect(page.locator("mark[aria-current]")).to_have_text("Line 12")
    expect(page.locator(".find__status strong")).to_have_text("1")
    assert [error for error in live_app.errors if not error.startswith("htmx:")] == []


def test_a_bar_and_a_link_lead_to_their_turn(live_app, long):
    page = open_page(live_app, long)
    page.wait_for_selector(".latency__drawing")
    page.click("[data-to-turn='20']", force=True)
    wait_seen(page, "[data-number='20'][data-target]")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.click("[data-number='20'] .bubble__number")
    link = page.evaluate("navigator.clipboard.readText()")
    page.goto(link)
    wait_seen(page, "[data-number='20'][data-target]")
    assert "#t-" in link
    assert live_app.errors == []


def test_the_whole_is_copied_masked(live_app):
    with live_app.platform():
        session = make_session()
        make_message(session, content="Call +1 415 555 0100")
    page = open_page(live_app, session)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.click("summary:has-text('Copy')")
    page.click("[data-copy-from]:has-text('As Markdown')")
    page.wait_for_selector("text=Copied")
    text = page.evaluate("navigator.clipboard.readText()")
    assert "Call \\[phone\\]" in text and "415 555" not in text
    assert live_app.errors == []


def test_a_line_plays_the_recording_from_there_and_is_marked(live_app, monkeypatch):
    with live_app.platform():
        session = make_session(channel="phone", started_at=BEGAN)
        for second in (0, 1, 2, 90):
            make_message(
                session,
                content=f"at {second}",
                created_at=BEGAN + datetime.timedelta(seconds=second),
                audio_url="/demo/audio/turn.wav" if second == 1 else None,
            )
        make_call(
            session.agent.organization,
            session_ref=session.external_id,
            recording_url="/demo/audio/call.wav",
            created_at=BEGAN,
        )
    live_app.page.route(
        "**/recording/", lambda route: route.fulfill(body=wav("call"), content_type="audio/wav")
    )
    page = open_page(live_app, session)
    current = page.locator(".bubble[aria-current]")
    page.click("[data-number='3'] [data-seek]")
    page.wait_for_selector("[data-number='3'][aria-current]")
    playing = "document.querySelector('audio[data-of-call]')"
    assert page.evaluate(f"{playing}.currentTime") > 1.9  # a player goes to the next piece of sound before
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("Space")
    page.wait_for_function(f"() => {playing}.paused")
    page.keyboard.press("ArrowLeft")
    assert page.evaluate(f"{playing}.currentTime") == 0
    page.wait_for_selector("[data-number='1'][aria-current]")
    page.select_option("[data-speed]", "1.5")
    page.keyboard.press("Space")
    page.wait_for_function(f"() => !{playing}.paused && {playing}.currentTime > 0")
    assert page.evaluate(f"{playing}.playbackRate") == 1.5
    page.evaluate("document.querySelector('audio[data-of-turn]').play()")
    page.wait_for_selector("[data-number='2'][aria-current]")
    assert page.evaluate(f"{playing}.paused") and current.count() == 1
    page.click("[data-number='4'] [data-seek]")
    page.wait_for_selector("text=was said 90 s after the call began")
    assert live_app.errors == []


def test_new_turns_appear_and_an_end_is_noticed(live_app):
    with live_app.platform():
        session = make_session()
        make_message(session, content="before")
    live_app.page.clock.install()
    page = open_page(live_app, session, role="support")
    with live_app.platform():
        make_message(session, content="<b>after</b>")
    page.clock.fast_forward(SECONDS_BETWEEN_LOOKS * 1000)
    page.wait_for_selector("text=<b>after</b>")
    assert numbers(page) == [1, 2]
    with live_app.platform():
        change(session, status="ended")
    page.clock.fast_forward(SECONDS_BETWEEN_LOOKS * 1000)
    page.wait_for_selector("text=no longer refreshed")
    assert live_app.errors == []


def test_what_was_revealed_is_masked_by_itself_when_its_time_is_over(live_app, settings):
    with live_app.platform():
        session = make_session(last_activity_at=timezone.now() - datetime.timedelta(days=1))
        make_message(session, content="Call +1 415 555 0100")
    live_app.page.clock.install()
    page = open_page(live_app, session, role="support")
    page.get_by_role("link", name="Reveal").click()
    page.get_by_label(re.compile("^Reason")).fill("Complaint 12")
    page.get_by_role("button", name="Reveal").click()
    page.wait_for_selector("text=415 555 0100")
    cookie = next(one for one in page.context.cookies() if one["name"] == settings.SESSION_COOKIE_NAME)
    with live_app.database.django():
        kept = SessionStore(cookie["value"])
        kept[reveals.SESSION_KEY] = dict.fromkeys(kept[reveals.SESSION_KEY], 1)  # as if it were over
        kept.save()
    page.clock.fast_forward("10:01")
    page.wait_for_selector("text=[phone]")
    assert page.locator("text=415 555").count() == 0
    assert live_app.errors == []


def test_the_page_is_accessible_and_fits(live_app):
    with live_app.platform():
        session = make_session(channel="phone", started_at=BEGAN)
        make_message(session, content='{"a": [1, 2]}', role="system")
        make_message(session, content="```\ncode " + "x" * 500 + "\n```", audio_url="/demo/audio/x.wav")
        make_message(session, content="w" * 5000, latency_ms=5, model_used="m" * 90, tokens_used=3)
        make_call(session_ref=session.external_id, recording_url="/demo/audio/x.wav", created_at=BEGAN)
    page = open_page(live_app, session, "?q=code")
    page.wait_for_selector(".latency__drawing")
    page.wait_for_selector("text=Every setting is as it was then")
    looker = Looker(page)
    looker.look("desk, then phone")
    looker.look("phone, then desk")
    assert looker.faults == {}


def test_nothing_moves_while_its_parts_come(live_app):
    with live_app.platform():
        session = make_session(channel="phone", started_at=BEGAN)
        for _ in range(3):
            make_message(session, content="short", latency_ms=400, created_at=BEGAN)
        make_call(
            session.agent.organization,
            session_ref=session.external_id,
            recording_url="/demo/audio/x.wav",
            created_at=BEGAN,
        )
    live_app.login("manager")
    page = live_app.page
    page.set_viewport_size({"width": 1280, "height": 1600})  # all of it is in sight
    page.add_init_script(MOVED)
    open_page(live_app, session)
    page.wait_for_selector(".latency__drawing")
    page.wait_for_selector("text=Every setting is as it was then")
    page.wait_for_selector(".comes--costs .stack")
    page.wait_for_selector(".comes--record .timeline")
    page.wait_for_timeout(400)  # until players show their controls
    assert page.evaluate("moved") == []
    assert live_app.errors == []


def test_it_reads_without_javascript(live_app, long):
    page = live_app.new_page(java_script_enabled=False)
    open_page(live_app, long, page=page)
    # Not by a click: turns get their own heights as they come into sight, and the link moves from under the pointer.
    page.locator("text=Later: turns from 151").press("Enter")
    page.locator(".bubble__number", has_text="#151").wait_for()
    page.wait_for_load_state()
    assert numbers_shown(page)[0] == "#151"
    page.fill("#find", "Line 399")
    page.click("main button:has-text('Find')")
    assert page.locator("mark").text_content() == "Line 399"
    wait_seen(page, "mark")
    page.click("text=Show the chart")
    assert page.locator("h1").inner_text().startswith("Latency by turn")


def numbers_shown(page):
    return page.locator("#turns .bubble__number").all_text_contents()
