"""Editing in the browser: in place by keyboard alone, two people at once, undo by one click, and without scripts."""

import json
import re

from django.utils import timezone
from playwright.sync_api import expect

from agents.tests.factories import make_agent
from backoffice import services
from backoffice.logs import request_id
from backoffice.models import AuditEvent
from backoffice.testing import make_user
from backoffice.testing_browser import Looker
from telephony.tests.factories import make_number
from tenants.models import Organization
from tenants.suspensions import suspend_tenant
from tenants.tests.factories import make_note, make_organization, make_profile

PENCIL = "a.pencil[title='Edit Name']"


def test_two_people_edit_one_field_in_place_by_keyboard(live_app):
    with live_app.platform():
        tenant = make_organization(name="Opened")
    page, other = live_app.page, live_app.new_page()
    live_app.login("support")
    live_app.login("admin", other)
    for one in (page, other):
        one.goto(tenant.get_absolute_url())
        one.locator(PENCIL).first.focus()
        one.keyboard.press("Enter")
        expect(one.locator("[data-inline-form] input[name=name]")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator("[data-inline-form]")).to_have_count(0)
    expect(page.locator(PENCIL).first).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("[data-inline-form] input[name=name]")).to_be_focused()
    other.keyboard.type("Theirs")
    other.keyboard.press("Enter")
    expect(other.locator("h1")).to_have_text("Theirs")
    page.keyboard.type("Mine")
    page.keyboard.press("Tab")
    page.keyboard.type("Why I did it")
    page.keyboard.press("Enter")
    banner = page.locator("[data-inline-focus]")
    expect(banner).to_contain_text("Admin changed this")
    expect(banner).to_contain_text("Theirs")
    expect(page.locator("[data-inline-form] input[name=name]")).to_have_value("Mine")
    expect(page.locator("[data-inline-form] input[name=reason]")).to_have_value("Why I did it")
    page.get_by_role("button", name="Replace it with mine").press("Enter")
    expect(page.locator("h1")).to_have_text("Mine")
    expect(page.locator("#history")).to_contain_text("Why I did it")
    page.locator(".toast").get_by_role("button", name="Undo").click()
    expect(page.locator("h1")).to_have_text("Theirs")
    expect(page.locator("#toasts")).to_contain_text("put back")
    assert [error for error in live_app.errors if "409" not in error] == []


def test_what_the_server_refuses_stays_typed_beside_the_reason(live_app, settings):
    with live_app.platform():
        agent = make_agent()
    live_app.login("support")
    page = live_app.page
    page.goto(agent.get_absolute_url())
    page.locator("a.pencil[title='Edit Temperature']").click()
    expect(page.locator("[data-inline-form] input[name=temperature]")).to_be_focused()
    page.keyboard.type("9")
    page.keyboard.press("Enter")
    form = page.locator("[data-inline-form]")
    field = form.locator("input[name=temperature]")
    expect(form).to_contain_text("Choose a value from 0 to 2")
    expect(field).to_be_focused()
    # Until htmx has settled, the new form is a plain one: Enter would leave the page.
    expect(page.locator(".htmx-added, .htmx-settling, .htmx-swapping")).to_have_count(0)
    page.route("**/inline/**", lambda route: route.fulfill(status=503, body="away"))
    field.press("Enter")
    expect(form.locator("> [role=alert]:last-child")).to_have_text(
        "The server could not do this (503). Nothing was saved; try again."
    )
    page.unroute("**/inline/**")
    page.context.clear_cookies(name=settings.SESSION_COOKIE_NAME)
    field.press("Enter")
    expect(form).to_contain_text("signed out")
    expect(field).to_have_value("9")


def test_pages_of_editing_fit_and_are_accessible(live_app):
    with live_app.platform():
        tenant = make_organization(name="Bundesarbeitsgemeinschaft" * 8)
        owner = make_profile(email=f"{'long' * 15}@example.test")
        make_number(agent=make_agent(tenant))
        make_note(
            tenant, text="x" * 4000, ticket=f"https://tickets.example/{'a' * 400}", pinned_at=timezone.now()
        )
        suspended = make_organization()
        make_number(suspended)
    with live_app.database.django():
        actor = make_user("support", email="actor@example.test")
        token = request_id.set("suspending")
        suspend_tenant(suspended, actor=actor, reason="Unpaid")
        request_id.reset(token)
        row = Organization.objects.get(pk=tenant.pk)
        row.name = "Short"
        services.save(row, actor=actor, reason="r")
        event = AuditEvent.objects.of(tenant).first()
        row.refresh_from_db()
        row.name = "Other"
        services.save(row, actor=actor, reason="r")
    page = live_app.page
    live_app.login("admin")
    home, gone = tenant.get_absolute_url(), suspended.get_absolute_url()
    looker = Looker(page)
    addresses = (
        f"/audit/changes/{event.pk}/revert/",
        f"{home}owner/",
        f"{home}owner/?login={owner.pk}",
        f"{home}suspend/",
        f"{gone}restore/",
        gone,
        f"{home}timeline/",
        f"{home}notes/",
        "/audit/batches/suspending/revert/",
        home,
    )
    for address in addresses:
        page.goto(address)
        if address == home:
            page.locator(PENCIL).first.click()
            page.wait_for_selector("[data-inline-form]")
        looker.look(address)
    assert not looker.faults and not live_app.errors, json.dumps(
        {"faults": looker.faults, "errors": live_app.errors}, indent=1
    )


def test_without_scripts_a_field_is_edited_and_undone(live_app):
    with live_app.platform():
        tenant = make_organization(name="Before")
    page = live_app.new_page(java_script_enabled=False)
    live_app.login("support", page)
    page.goto(tenant.get_absolute_url())
    page.locator(PENCIL).first.click()
    page.get_by_label("Name", exact=True).fill("After")
    page.get_by_role("button", name="Save").last.click()
    page.wait_for_url(re.compile(f"{tenant.get_absolute_url()}$"))
    expect(page.locator("h1")).to_have_text("After")
    page.locator("#toasts").get_by_role("button", name="Undo").click()
    expect(page.locator("h1")).to_have_text("Before")
