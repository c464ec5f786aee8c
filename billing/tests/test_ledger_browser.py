"""The ledger in a browser: totals follow the filters while one types."""

from billing.tests.factories import make_outside, make_posting
from tenants.tests.factories import make_organization


def test_totals_come_by_themselves_and_follow_what_is_typed(live_app):
    with live_app.platform():
        tenant = make_organization()
        make_posting(tenant, "10.00", reason="Invoice 1")
        make_posting(tenant, "0.10", reason="Invoice 2")
        make_outside(tenant, "-3.33")
    live_app.login("finance")
    page = live_app.page
    page.goto("/billing/ledger/")
    assert "Sum up these postings" in page.locator("#totals").inner_text(), "the whole ledger only when asked"
    page.get_by_role("link", name="Sum up these postings").click()
    page.locator("#totals").get_by_text("+6.77").wait_for()
    assert page.url.endswith("/billing/ledger/")
    page.locator("#id_q").press_sequentially("invoice")
    page.locator("#totals").get_by_text("+10.10").first.wait_for()
    page.locator("#id_q").fill("invoice 2")
    page.locator("#totals").get_by_text("+0.10").first.wait_for()
    page.goto(f"/tenants/organizations/{tenant.pk}/ledger/")
    page.get_by_text("The sum of the ledger, 6.77 credits, is the balance.").wait_for()
    assert live_app.errors == []
