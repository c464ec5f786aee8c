"""A file of postings in the browser: checked by one, approved by another on a telephone, followed until it is posted."""

import csv
from decimal import Decimal
from threading import Thread

from django.db import connections
from playwright.sync_api import expect

from backoffice import jobs
from backoffice.models import Job
from backoffice.testing_browser import overflow
from billing.models import BulkPosting
from tenants.models import Organization
from tenants.tests.factories import make_organization


def test_checked_approved_and_followed_to_the_results(live_app, tmp_path):
    with live_app.platform():
        tenants = [make_organization(name=f"Tenant {n}", credits_balance="1.00") for n in range(3)]
    rows = [f"{tenant.pk},2.50,Calls failed,TICKET-{n}" for n, tenant in enumerate(tenants)]
    content = "\n".join(["organization,amount,reason,reference", *rows, "nobody@example.test,1,Who,"])
    file = {"name": "june.csv", "mimeType": "text/csv", "buffer": content.encode()}
    page, phone = (
        live_app.page,
        live_app.new_page(viewport={"width": 390, "height": 844}, color_scheme="dark"),
    )
    live_app.login("finance")
    live_app.login("manager", phone)
    page.goto("/billing/bulk-postings/")
    page.get_by_role("link", name="Check a file").click()
    page.get_by_label("Reason").fill("June")
    page.locator("input[type=file]").set_input_files({**file, "buffer": b"a,b\n1,2"})
    page.get_by_role("button", name="Check the file").click()
    expect(page.locator("#id_file_error")).to_contain_text("Missing: organization")
    expect(page.get_by_label("Reason")).to_have_value("June")
    page.locator("input[type=file]").set_input_files(file)
    page.get_by_role("button", name="Check the file").click()
    page.wait_for_url("**/bulk-postings/*-*/")
    address = page.url.removeprefix(live_app.url)
    expect(page.locator("#rows")).to_contain_text("Unknown organization")
    page.get_by_role("link", name="To post 3").click()
    expect(page.locator("#rows tbody tr")).to_have_count(3)

    phone.goto("/billing/bulk-postings/")
    phone.get_by_role("link", name="1 waiting for your decision").click()
    phone.get_by_role("link", name="june.csv").click()
    phone.wait_for_url(f"**{address}")
    assert overflow(phone) == 0
    phone.get_by_role("link", name="Approve").click()
    phone.get_by_label("Comment").fill("Agreed")
    phone.get_by_role("button", name="Approve").click()
    expect(phone.locator("#job")).to_contain_text("Queued")

    def work():
        jobs.run(str(Job.objects.get().pk))
        connections.close_all()

    with live_app.database.django():
        worker = Thread(target=work)
        worker.start()
        worker.join()
        assert BulkPosting.objects.get().status == "approved"
        assert {row.credits_balance for row in Organization.objects.all()} == {Decimal("3.50")}
    expect(phone.locator("#job")).to_contain_text("3 posted, 0 failed.")
    expect(phone.locator("#rows")).to_contain_text("Posting")
    with phone.expect_download() as download:
        phone.get_by_role("link", name="Results as CSV").click()
    download.value.save_as(tmp_path / "results.csv")
    with (tmp_path / "results.csv").open() as results:
        outcomes = [row["outcome"] for row in csv.DictReader(results)]
    assert outcomes == ["posted"] * 3 + ["left out: unknown"]

    page.goto("/billing/bulk-postings/add/")
    page.get_by_label("Reason").fill("June again")
    page.locator("input[type=file]").set_input_files({**file, "name": "other.csv"})
    page.get_by_role("button", name="Check the file").click()
    page.locator("#id_file_error").get_by_role("link", name="june.csv").click()
    page.wait_for_url(f"**{address}")
    assert [error for error in live_app.errors if "422" not in error] == []
