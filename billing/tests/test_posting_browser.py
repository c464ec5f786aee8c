"""The form of a posting in the browser: before and after while typing, a double click, and without scripts."""

from decimal import Decimal

from django.urls import reverse
from playwright.sync_api import expect

from backoffice.testing import make_user
from backoffice.testing_browser import Looker
from billing.models import CreditLimit, CreditTransaction
from billing.tests.factories import make_posting, make_request
from tenants.models import Organization
from tenants.tests.factories import change, make_organization

LONG = "Bundesarbeitsgemeinschaft-für-Rehabilitationsträger-" * 4
SEND = "#posting-form .form__submit .button--primary"


def test_before_and_after_while_typing_and_a_double_click(live_app):
    with live_app.platform():
        tenant = make_organization(credits_balance="10.00")
    page = live_app.page
    live_app.login("finance")
    page.goto(reverse("billing:post_credit", args=[tenant.pk]))
    preview = page.locator("#posting-preview")
    expect(preview).to_contain_text("10.00")
    page.locator("#id_amount").press_sequentially("25.50")
    expect(preview).to_contain_text("35.50")
    expect(page.locator("#id_amount")).to_have_value("25.50")
    page.fill("#id_amount", "2500")
    expect(preview).to_contain_text("A second person has to approve this.")
    with live_app.platform():
        change(tenant, credits_balance="9.00")
    page.fill("#id_amount", "-2")
    expect(preview).to_contain_text("The balance moved from 10.00 to 9.00 since this form was opened.")
    expect(preview).to_contain_text("7.00")
    page.fill("[name=reason]", "Charged too little")
    page.locator(SEND).dblclick()
    expect(page.locator(".toast")).to_contain_text("was adjusted: 9.00 → 7.00 credits.")
    with live_app.platform():
        assert CreditTransaction.objects.filter(organization_id=tenant.pk, amount=-2).count() == 1
        assert Organization.objects.get(pk=tenant.pk).credits_balance == Decimal("7.00")
    assert live_app.errors == []


def test_without_scripts_a_button_shows_before_and_after_and_a_move_is_said(live_app):
    with live_app.platform():
        tenant = make_organization(credits_balance="10.00")
    page = live_app.new_page(java_script_enabled=False, viewport={"width": 390, "height": 844})
    live_app.login("finance", page)
    page.goto(reverse("billing:post_credit", args=[tenant.pk]))
    page.fill("#id_amount", "25.50")
    page.fill("[name=reason]", "Invoice 7")
    page.get_by_role("button", name="Show before and after").click()
    expect(page.locator("#posting-preview")).to_contain_text("35.50")
    with live_app.platform():
        change(tenant, credits_balance="9.00")
    page.locator(SEND).click()
    moved = page.locator(".banner", has_text="The balance moved from 10.00 to 9.00")
    expect(moved).to_be_visible()
    expect(page.locator("#id_amount")).to_have_value("25.50")
    page.locator(SEND).click()
    expect(page.locator("body")).to_contain_text("was adjusted: 9.00 → 34.50 credits.")


def test_the_pages_fit_the_screen_and_are_accessible(live_app):
    with live_app.platform():
        tenant = make_organization(name=LONG, credits_balance="10.00")
        posting = make_posting(tenant, "5.00", reason=LONG)
        limit = CreditLimit.objects.get(name="Finance")
    with live_app.database.django():
        request = make_request(make_user("manager"), tenant, reason=LONG, note=LONG, reference=LONG[:200])
    page, admin = live_app.page, live_app.new_page()
    live_app.login("finance")
    live_app.login("admin", admin)
    pages = (
        (page, reverse("billing:post_credit", args=[tenant.pk])),
        (page, posting.get_absolute_url()),
        (page, reverse("billing:credittransaction_reverse", args=[posting.pk])),
        (page, reverse("billing:creditrequest_list")),
        (page, request.get_absolute_url()),
        (page, limit.get_absolute_url()),
        (admin, reverse("billing:creditlimit_list")),
        (admin, reverse("billing:creditlimit_edit", args=[limit.pk])),
    )
    lookers = {page: Looker(page), admin: Looker(admin)}
    for one, address in pages:
        one.goto(address)
        lookers[one].look(address)
    assert [looker.faults for looker in lookers.values()] == [{}, {}] and live_app.errors == []
