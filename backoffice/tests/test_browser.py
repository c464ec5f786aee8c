"""The few things that only a browser can tell: widths, colours, keys, and that nothing is blocked or broken."""

import json
import re
import time

import pytest
from playwright.sync_api import expect

from agents.tests.factories import make_agent, make_chat_message, make_message, make_session
from backoffice.testing import make_user
from backoffice.testing_browser import Looker
from billing.tests.factories import make_posting, make_usage
from telephony.tests.factories import make_call, make_number, make_trunk
from tenants.models import Organization
from tenants.tests.factories import make_item, make_note, make_organization

LONG = "Bundesarbeitsgemeinschaft-für-Rehabilitationsträger-" * 4
LISTS = [
    "/",
    "/tenants/organizations/",
    "/tenants/profiles/",
    "/tenants/notes/",
    "/tenants/attention/",
    "/tenants/erasures/",
    "/tenants/erasures/add/",
    "/agents/agents/",
    "/agents/sessions/",
    "/agents/messages/",
    "/agents/chats/",
    "/agents/chat-messages/",
    "/telephony/numbers/",
    "/telephony/trunks/",
    "/telephony/calls/",
    "/billing/usage/",
    "/billing/ledger/",
    "/billing/bulk-postings/",
    "/jobs/",
    "/audit/changes/",
    "/audit/readings/",
    "/me/",
    "/search/?q=bundes",
    "/lists/tenants:organization_list/columns/",
    "/lists/tenants:organization_list/views/add/",
    "/admin/",
    "/admin/telephony/",
    "/admin/tenants/organization/",
    "/admin/tenants/userprofile/",
]


def fill(live_app):
    """Rows with long words everywhere; gives the addresses of one record of each kind."""
    with live_app.platform():
        tenant = make_organization(name=LONG[:200])
        agent = make_agent(
            tenant,
            name=LONG[:200],
            system_prompt=LONG * 20,
            config={"key": LONG, "nested": {"list": [LONG] * 3}},
        )
        session = make_session(agent, external_id=LONG[:200])
        message = make_message(session, content=LONG * 5, audio_url="/demo/audio/hello.wav")
        make_message(session, role="assistant", content="Yes.", latency_ms=640)
        chat = make_chat_message(text=LONG).session
        number = make_number(agent=agent, provider_sid=LONG)
        rows = [
            tenant,
            tenant.owner,
            agent,
            session,
            message,
            chat,
            number,
            make_trunk(organization=tenant, sip_domain=LONG),
            make_call(phone_number=number, session_ref=LONG, caller_number=LONG[:60]),
            make_usage(agent, model_used=LONG[:90]),
            make_posting(tenant, reason=LONG),
            make_note(tenant, text=LONG * 3, ticket=f"https://tickets.example/{LONG}"),
            make_item(tenant, text=LONG),
        ]
        return [row.get_absolute_url() for row in rows]


def test_support_finds_a_tenant_and_renames_it(live_app, settings):
    with live_app.platform():
        tenant = make_organization(name="Lindgren Oy")
        for n in range(3):
            make_organization(name=f"Other {n}")
    settings.PASSWORD_HASHERS = [
        "django.contrib.auth.hashers.PBKDF2PasswordHasher"
    ]  # as the served app has it
    with live_app.database.django():
        make_user("support", password="a long enough password")
    page = live_app.page
    page.goto("/tenants/organizations/")
    page.fill("input[name=login]", "support@example.test")
    page.fill("input[name=password]", "a long enough password")
    page.keyboard.press("Enter")
    page.wait_for_url(f"{live_app.url}/tenants/organizations/")
    page.get_by_label("Search", exact=True).fill("lindgren")
    page.keyboard.press("Enter")
    page.wait_for_url("**q=lindgren**")
    assert "_pick" not in page.url
    page.get_by_role("link", name="Lindgren Oy").click()
    page.get_by_role("link", name="Edit", exact=True).click()
    page.get_by_label("Name", exact=True).fill("Lindgren Oyj")
    page.get_by_label(re.compile("^Reason")).fill("Now listed")
    page.get_by_role("button", name="Save").click()
    page.wait_for_url(f"**{tenant.get_absolute_url()}")
    expect(page.locator("#toasts")).to_contain_text("was saved")
    history = page.locator("#history").inner_text()
    assert "Support" in history and "Lindgren Oyj" in history and "Now listed" in history
    assert live_app.errors == []
    with live_app.database.django():
        assert Organization.objects.get(pk=tenant.pk).name == "Lindgren Oyj"


def test_no_page_is_wider_than_the_screen_or_reports_an_error(live_app):
    records = fill(live_app)
    page = live_app.page
    live_app.login("admin")
    forms = [
        address + "edit/"
        for address in records
        if any(part in address for part in ("organizations", "agents/agents", "numbers"))
    ]
    tenant = next(address for address in records if "/organizations/" in address)
    tabs = [
        f"{tenant}{slug}/"
        for slug in (
            "agents", "numbers", "conversations", "calls", "calls/check", "usage", "ledger", "timeline", "notes",
            "suspend", "owner", "snooze", "close", "archive",
        )
    ]  # fmt: skip
    page.goto("/telephony/numbers/")
    page.locator("[name=row]").first.check()
    page.get_by_role("button", name="Release…").click()
    page.wait_for_url("**/bulk/**")
    asked = page.url.removeprefix(live_app.url)
    looked_at = {*LISTS[:6], *LISTS[-6:], records[0], records[3], records[-1], forms[0], *tabs, asked}
    looker = Looker(page)
    for address in [*LISTS, *records, *forms, *tabs, asked, "/tenants/organizations/add/", "/nowhere/"]:
        page.goto(address)
        looker.look(address, axe=address in looked_at)
    errors = [error for error in live_app.errors if "404" not in error]
    assert not looker.faults and not errors, json.dumps({"faults": looker.faults, "errors": errors}, indent=1)


def test_a_picker_is_used_by_keyboard_alone(live_app):
    with live_app.platform():
        miller = make_organization(name="Miller & Sons")
        make_organization(name="Millbrook")
        make_organization(name="Another")
    live_app.login("support")
    page = live_app.page
    page.goto("/agents/agents/add/")
    page.locator("#id_organization").focus()
    # Typing would break a request still under way off, and htmx report it.
    expect(page.locator("#id_organization_found label")).to_have_count(3)
    page.keyboard.type("miller")
    expect(page.locator("#id_organization_found label")).to_have_count(1)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.locator("input[name=organization]:checked")).to_have_value(str(miller.pk))
    page.get_by_label("Name", exact=True).fill("Front desk")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/agents/agents/[0-9a-f-]{36}/$"))
    assert "Miller & Sons" in page.locator("main").inner_text()
    assert live_app.errors == []


def test_enter_in_a_picker_waits_for_what_its_text_finds(live_app):
    with live_app.platform():
        bank = make_organization(name="Northlight Bank")
        make_organization(name="Aardvark")
    live_app.login("support")
    page = live_app.page
    page.goto("/agents/agents/add/")
    field, chosen = page.locator("#id_organization"), page.locator("input[name=organization]:checked")
    field.focus()
    expect(page.locator("#id_organization_found label")).to_have_count(2)  # the first of all
    page.keyboard.type("northl")
    page.keyboard.press("Enter")
    expect(chosen).to_have_value(str(bank.pk))
    page.keyboard.type("zz")
    page.keyboard.press("Enter")
    expect(page.locator("#id_organization_found")).to_contain_text("Nothing matches")
    expect(chosen).to_have_value(str(bank.pk))
    expect(field).to_have_value("zz")
    field.fill("northl")
    page.keyboard.press("Enter")  # what is chosen is not found once more
    expect(field).to_have_value("")
    expect(chosen).to_have_value(str(bank.pk))
    assert live_app.errors == []


def test_lists_narrow_while_one_types_and_without_javascript(live_app, browser):
    with live_app.platform():
        make_organization(name="Alpha")
        make_organization(name="Beta")
    page = live_app.new_page(java_script_enabled=False)
    live_app.login("support", page)
    page.goto("/tenants/organizations/")
    page.get_by_label("Search", exact=True).fill("alp")
    page.get_by_role("button", name="Filter").click()
    expect(page.locator("#results")).not_to_contain_text("Beta")
    assert "Alpha" in page.locator("#results").inner_text()
    page.get_by_role("link", name="Alpha", exact=True).click()
    page.get_by_role("link", name="Edit", exact=True).click()
    page.get_by_label("Name", exact=True).fill("Alpha 2")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#toasts")).to_contain_text("was saved")


def test_what_was_typed_is_not_lost_by_leaving(live_app):
    with live_app.platform():
        tenant = make_organization(name="Alpha")
    live_app.login("support")
    page = live_app.page
    page.goto(tenant.get_absolute_url() + "edit/")
    page.get_by_label("Name", exact=True).press_sequentially("x")
    asked = []
    page.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.dismiss()))
    page.evaluate("setTimeout(() => { location.href = '/' })")
    page.wait_for_timeout(500)
    assert asked == ["beforeunload"] and page.url.endswith("/edit/")


def test_what_was_typed_into_a_refused_form_is_not_lost_by_leaving(live_app):
    live_app.login("support")
    page = live_app.page
    page.goto("/tenants/notes/add/")
    page.locator("form[data-unsaved] textarea").first.fill("A long story")
    page.get_by_role("button", name="Add").click()
    expect(page.locator(".error-summary")).to_be_focused()
    asked = []
    page.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.dismiss()))
    page.keyboard.press("Tab")  # a page that nobody has touched asks nothing
    page.evaluate("setTimeout(() => { location.href = '/' })")
    page.wait_for_timeout(500)
    assert asked == ["beforeunload"] and page.url.endswith("/add/")


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (lambda route: route.fulfill(status=500, body="broken"), "The server could not do this (500)."),
        (lambda route: route.abort(), "The server did not answer."),
    ],
)
def test_a_list_says_that_it_is_not_what_was_asked_for(live_app, answer, words):
    with live_app.platform():
        make_organization(name="Alpha")
    live_app.login("support")
    page = live_app.page
    page.goto("/tenants/organizations/")
    page.route("**/tenants/organizations/?*", answer)
    search, told = page.get_by_label("Search", exact=True), page.locator("#results [role=alert]")
    for text in ("bet", "beta"):
        with page.expect_request(f"**q={text}*"):
            search.fill(text)
        page.wait_for_timeout(100)
        expect(told).to_have_text(f"{words} What you see is from before; try again.")
    page.unroute("**/tenants/organizations/?*")
    search.fill("alp")
    expect(told).to_have_count(0)
    expect(page.locator("#results")).to_contain_text("Alpha")


def test_in_a_picker_escape_takes_back_and_tab_goes_on_with_what_the_arrow_keys_passed(live_app):
    with live_app.platform():
        tenants = [make_agent(organization=make_organization(name=f"Alpha {n}")).organization for n in (1, 2)]
        make_organization(name="Beta")
    live_app.login("support")
    page = live_app.page
    field, chosen = page.locator("#id_organization"), page.locator("input[name=organization]:checked")
    found = page.locator("#id_organization_found label")

    def pass_along():
        field.focus()
        page.keyboard.type("alpha")
        expect(page.locator("[data-picker][data-found-for=alpha]:not([data-closed])")).to_have_count(1)
        expect(found).to_have_count(2)
        page.keyboard.press("ArrowDown")
        page.keyboard.press("ArrowDown")
        expect(chosen).to_have_value(str(tenants[1].pk))

    page.goto("/agents/agents/")
    page.get_by_text("More filters").click()
    field.focus()
    expect(found).to_have_count(3)  # of nothing typed; to break that off would be reported
    pass_along()
    page.keyboard.press("Escape")
    expect(chosen).to_have_value("")
    expect(field).to_have_value("")
    pass_along()
    page.keyboard.press("Tab")
    page.wait_for_url(f"**/agents/agents/?organization={tenants[1].pk}")
    expect(page.locator("#results tbody tr")).to_have_count(1)
    # A choice that a search has pushed out of sight comes back, too.
    page.goto("/agents/agents/add/")
    field.focus()
    expect(found).to_have_count(3)
    page.keyboard.type("alpha 1")
    page.keyboard.press("Enter")
    expect(chosen).to_have_value(str(tenants[0].pk))
    page.keyboard.type("alpha 2")
    expect(found).to_have_count(1)
    expect(found).to_contain_text("Alpha 2")
    page.keyboard.press("ArrowDown")
    expect(chosen).to_have_value(str(tenants[1].pk))
    field.fill("alph")
    expect(page.locator("[data-picker][data-found-for=alph]")).to_have_count(1)
    expect(chosen).to_have_value(str(tenants[1].pk))
    page.keyboard.press("Escape")
    expect(chosen).to_have_value(str(tenants[0].pk))
    # What is found late takes away neither the focus nor what was passed along, and is no choice.
    page.goto("/agents/agents/")
    page.get_by_text("More filters").click()
    field.focus()
    expect(found).to_have_count(3)
    page.route("**/pick/**", lambda route: (time.sleep(0.5), route.continue_()))
    page.keyboard.type("alpha")
    page.keyboard.press("ArrowDown")
    expect(chosen).to_have_value(str(tenants[0].pk))
    expect(found).to_have_count(1)
    expect(chosen).to_be_focused()
    assert page.url.endswith("/agents/agents/")
    assert live_app.errors == []
