"""Lists in a browser: rows selected by keys, dialogs, the walk from record to record; and all of it without scripts."""

import json
import re

from backoffice import jobs
from backoffice.models import Job, SavedView
from backoffice.testing_browser import PHONE, Looker
from backoffice.testing_crud import HOSTILE
from telephony.models import PhoneNumber
from telephony.tests.factories import make_number
from tenants.tests.factories import make_organization

LIST = "/telephony/numbers/?sort=number"


def fill(live_app):
    with live_app.platform():
        tenant = make_organization()
        return [make_number(e164=f"+4420794602{n:02}", organization=tenant) for n in range(4)]


def run_jobs(live_app):
    with live_app.database.django():
        for job in Job.objects.filter(status="queued"):
            jobs.run(str(job.pk))


def test_rows_are_selected_by_keys_and_released_together(live_app):
    rows = fill(live_app)
    live_app.login("support")
    page = live_app.page
    page.goto(LIST)
    assert not page.locator("#bulk").is_visible()
    for key in "jxjjx":
        page.keyboard.press(key)
    assert page.locator("#bulk").is_visible() and "2 rows" in page.locator("#bulk").inner_text()
    page.keyboard.press("x")
    assert "1 row" in page.locator("#bulk").inner_text()
    page.get_by_label("Select all rows of this page").check()
    assert "4 rows" in page.locator("#bulk").inner_text()
    page.get_by_label("All 4 that match").check()
    page.get_by_label(f"Select {rows[0]}").uncheck()
    assert not page.get_by_label("All 4 that match").is_checked(), "a row taken out is not in “all”"
    page.get_by_role("button", name="Release…").click()
    page.get_by_role("heading", name="Release: 3 phone numbers").wait_for()
    page.get_by_label(re.compile("^Reason")).fill("Contract ended")
    page.get_by_role("button", name="Release 3").click()
    page.wait_for_url(re.compile("/jobs/"))
    run_jobs(live_app)
    page.get_by_text("3 changed, 0 skipped, 0 failed.").wait_for()
    assert page.get_by_role("link", name="Take it back").is_visible()
    with live_app.database.django():
        assert PhoneNumber.objects.filter(status="released").count() == 3
    assert live_app.errors == []


def test_a_row_that_was_searched_for_narrows_the_list(live_app):
    fill(live_app)
    with live_app.platform():
        other = make_number(organization=make_organization(name="Fairweather"))
    live_app.login("support")
    page = live_app.page
    page.goto(LIST)
    page.get_by_text("More filters").click()
    page.locator("[name=organization_search]").press_sequentially("fairw")
    page.locator(".picker__option", has_text="Fairweather").click()
    # What is searched for meanwhile is no page to come back to.
    page.wait_for_url(re.compile(rf"/telephony/numbers/\?.*organization={other.organization_id}"))
    for _ in range(2):
        page.get_by_role("link", name="Organization: Fairweather").wait_for()
        assert page.locator("a.row-link").count() == 1
        page.reload()
    page.go_back()
    page.wait_for_url(f"**{LIST}")
    assert page.locator("a.row-link").count() == 5
    assert live_app.errors == []


def test_going_back_shows_the_filters_of_then(live_app):
    fill(live_app)
    live_app.login("support")
    page = live_app.page
    page.goto(LIST)
    page.get_by_text("More filters").click()
    page.select_option("[name=status]", "released")
    page.wait_for_url(re.compile("status=released"))
    page.go_back()
    page.wait_for_url(f"**{LIST}")
    page.wait_for_load_state()
    assert page.locator("[name=status]").input_value() == ""
    page.fill("#id_q", "0200")
    page.wait_for_url(re.compile("q=0200"))
    assert "status" not in page.url
    assert live_app.errors == []


def test_the_open_tab_is_in_sight_on_a_phone(live_app):
    with live_app.platform():
        tenant = make_organization()
    live_app.login("support")
    page = live_app.page
    page.set_viewport_size(PHONE["viewport"])
    page.goto(f"{tenant.get_absolute_url()}notes/")
    tab = page.locator(".tabs [aria-current]").bounding_box()
    assert tab["x"] > 0 and tab["x"] + tab["width"] <= PHONE["viewport"]["width"]
    assert live_app.errors == []


def test_brackets_walk_the_records_of_the_list(live_app):
    rows = fill(live_app)
    live_app.login("support")
    page = live_app.page
    page.goto(LIST)
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**{rows[1].get_absolute_url()}")
    for key, row in (("]", rows[2]), ("]", rows[3]), ("[", rows[2]), ("[", rows[1])):
        page.keyboard.press(key)
        page.wait_for_url(f"**{row.get_absolute_url()}?in=*")
    page.get_by_role("link", name="Back to the list").click()
    page.wait_for_url(f"**{LIST}")
    assert live_app.errors == []


def test_columns_are_moved_in_a_dialog_and_a_view_is_saved_in_one(live_app):
    fill(live_app)
    live_app.login("support")
    page = live_app.page
    page.goto(LIST)
    page.get_by_role("link", name="Columns").click()
    dialog = page.locator("dialog[open]")
    dialog.get_by_label("Provider", exact=True).uncheck()
    dialog.get_by_role("button", name="Move Status up").click()
    dialog.get_by_role("button", name="Move Status up").click()
    dialog.get_by_role("button", name="Move Status up").click()
    dialog.get_by_role("button", name="Show these columns").click()
    page.wait_for_url("**columns=**")
    assert page.locator("thead th").all_inner_texts()[1:4] == ["Number", "Status", "Organization"]
    page.get_by_role("link", name="Save view").click()
    page.locator("dialog[open]").get_by_label("Name").fill("By status")
    page.get_by_role("button", name="Save the view").click()
    page.wait_for_url("**view=**")
    assert page.get_by_role("navigation", name="Views").get_by_role("link", name="By status").is_visible()
    assert live_app.errors == []


def test_all_of_it_works_without_scripts(live_app):
    rows = fill(live_app)
    page = live_app.new_page(java_script_enabled=False)
    live_app.login("support", page)
    page.goto(LIST)
    page.get_by_role("link", name="Columns").click()
    page.get_by_label("Position of Status").fill("1")
    page.get_by_label("Provider", exact=True).uncheck()
    page.get_by_role("button", name="Show these columns").click()
    page.wait_for_url(re.compile(r"/numbers/\?.*columns="))
    headings = page.locator("thead th").all_inner_texts()
    assert "Provider" not in headings and headings.index("Status") < headings.index("Agent")
    page.get_by_role("link", name="Save view").click()
    page.get_by_label("Name").fill("Mine")
    page.get_by_role("button", name="Save the view").click()
    page.get_by_role("link", name="Mine").first.click()
    page.get_by_label(f"Select {rows[2]}").check()
    page.get_by_role("button", name="Release…").click()
    page.get_by_label(re.compile("^Reason")).fill("Contract ended")
    page.get_by_role("button", name="Release 1").click()
    page.wait_for_url(re.compile("/jobs/"))
    run_jobs(live_app)
    page.reload()
    assert "1 changed, 0 skipped, 0 failed." in page.locator("#job").inner_text()
    page.goto(LIST)
    page.get_by_text("Export", exact=True).click()
    page.get_by_role("button", name="CSV", exact=True).click()
    page.get_by_role("heading", name="Export of phone numbers (CSV)").wait_for()
    assert live_app.errors == []


def test_pages_of_lists_fit_and_are_accessible(live_app):
    rows = fill(live_app)
    page = live_app.page
    user = live_app.login("support")
    with live_app.platform():
        names = [HOSTILE, "W" * 80, "Late payers", "Ours"]
        views = [
            SavedView(owner_id=user.pk, list_name="telephony:phonenumber_list", name=name, shared=True)
            for name in names
        ]
        SavedView.objects.bulk_create(views)
    looker = Looker(page)
    every = "e164,organization,agent,provider,status,created_at,id,provider_sid"
    page.goto(f"{LIST}&columns={every}&status=active&nothing=1")
    page.locator("[data-check]").first.check()
    looker.look("list")
    page.get_by_role("link", name="Columns").click()
    page.locator("dialog[open]").wait_for()
    looker.look("columns in a dialog")
    for name in ("columns", "views/add"):
        page.goto(f"/lists/telephony:phonenumber_list/{name}/")
        looker.look(name)
    page.goto(f"/views/{views[0].pk}/edit/?status=active")
    looker.look("a view")
    page.goto(f"/views/{views[0].pk}/delete/")
    looker.look("deleting a view")
    page.goto(LIST)
    page.locator("[data-check]").first.check()
    page.get_by_role("button", name="Release…").click()
    page.get_by_role("heading", name="Release: 1 phone number").wait_for()
    looker.look("confirmation")
    page.get_by_label(re.compile("^Reason")).fill("r")
    page.get_by_role("button", name="Release 1").click()
    page.wait_for_url(re.compile("/jobs/"))
    run_jobs(live_app)
    page.reload()
    looker.look("outcome")
    page.goto(LIST)
    page.locator(".row-link").nth(1).click()
    page.wait_for_url(f"**{rows[1].get_absolute_url()}")
    looker.look("record")
    assert not looker.faults and live_app.errors == [], json.dumps(looker.faults, indent=1)
