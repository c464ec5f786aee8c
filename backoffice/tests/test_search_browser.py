"""The palette and the search page in a browser: keys, widths, what a screen reader is told."""

from agents.tests.factories import make_agent
from backoffice.testing_browser import PHONE, Looker
from tenants.tests.factories import make_organization


def test_the_palette_finds_and_opens_by_keys_alone(live_app):
    from playwright.sync_api import expect

    with live_app.platform():
        tenant = make_organization(name="Riverbend Dental " + "Bundesarbeitsgemeinschaft" * 6)
        agent = make_agent(tenant, name="Riverside desk")
    page = live_app.page
    live_app.login("support")
    page.goto(agent.get_absolute_url())
    page.goto("/")
    page.keyboard.press("Control+k")
    palette = page.get_by_role("listbox", name="Records and pages")
    expect(palette.get_by_role("group", name="Opened lately").get_by_role("option")).to_contain_text(
        "Riverside desk"
    )
    page.keyboard.type("RIVER")
    expect(palette.get_by_role("group", name="Agents")).to_contain_text("Riverside desk")
    field = page.get_by_role("combobox", name="Go to a page or search")
    chosen = lambda: page.locator(f"#{field.get_attribute('aria-activedescendant')}")  # noqa: E731
    assert "Riverbend" in chosen().inner_text() and chosen().get_attribute("aria-selected") == "true"
    looker = Looker(page)
    looker.look("palette")
    assert page.locator("#palette").bounding_box()["width"] < PHONE["viewport"]["width"]
    while "Riverside" not in chosen().inner_text():
        page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**{agent.get_absolute_url()}")
    page.keyboard.press("Control+k")
    page.keyboard.press("Escape")
    expect(page.locator("#palette")).to_be_hidden()
    page.keyboard.press("/")
    page.keyboard.type("riv")
    page.keyboard.press("Enter")
    page.wait_for_url("**/search/?q=riv")
    looker.look("search")
    assert looker.faults == {} and live_app.errors == []


def test_the_search_works_without_javascript(live_app):
    with live_app.platform():
        tenant = make_organization(name="Riverbend Dental")
        make_organization(name="Riverside")
    page = live_app.new_page(java_script_enabled=False)
    live_app.login("support", page)
    page.goto("/")
    page.get_by_label("Search everything").fill("river")
    page.keyboard.press("Enter")
    page.get_by_role("link", name="Riverbend Dental", exact=True).click()
    page.wait_for_url(f"**{tenant.get_absolute_url()}*")
    page.get_by_label("Search everything").fill(str(tenant.pk))
    page.keyboard.press("Enter")
    page.wait_for_url(f"**{tenant.get_absolute_url()}")
