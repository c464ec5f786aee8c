"""Requests that no browser of ours sends: answered with a page that tells nothing of the inside, and nothing is done."""

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from backoffice.testing_crud import check_page
from billing.bulk_postings.reading import MOST_BYTES
from billing.models import BulkPosting
from tenants.models import Organization

LIST = "/tenants/organizations/"
ADD = f"{LIST}add/"
INSIDE = ("Traceback", "psycopg", "site-packages", "DETAIL:", "DoesNotExist")


def check(response, status):
    html = check_page(response, status)
    assert [word for word in INSIDE if word in html] == []
    return html


def answering(user):
    """A client that answers a fault with the page that a person would get."""
    client = Client(raise_request_exception=False)
    client.force_login(user)
    return client


@pytest.fixture
def asked(admin):
    return answering(admin)


@pytest.mark.parametrize(
    "host", ["evil.example", "a b", "[", "localhost:x", "localhost/../x", "<script>", "\\", "x" * 5000, ""]
)
def test_a_host_that_is_not_ours_is_400(asked, host):
    html = check(asked.get(LIST, headers={"host": host or "."}), 400)
    assert "cannot read" in html and (len(host) < 4 or host not in html)


@pytest.mark.parametrize(
    ("path", "status"),
    [
        (f"{LIST}%00/", 404),
        (f"{LIST}%ff%fe/", 404),
        ("/%2e%2e/%2e%2e/etc/passwd", 404),
        ("/static/../../manage.py", 404),
        ("/static/%2e%2e/%2e%2e/manage.py", 404),
        (f"{LIST}?q=%00", 200),
        (f"{LIST}?q=%ff%fe%80", 200),
        (f"{LIST}?q=%F0%9F%92%A9%ED%A0%80", 200),
        (f"{LIST}?order=%00&after=%00&columns=%00&view=%00", 200),
        (f"{LIST}?after=%27%3B+drop+table+x%3B--", 200),
        (f"{LIST}?owner=%27+or+1%3D1&owner_search=%00", 200),
        ("/search/?q=%00%ff", 200),
        ("/pick/tenants.organization/?name=%00&%00_search=%00", 200),
        ("/pick/tenants.organization/?owner=%00", 200),
        ("/admin/tenants/organization/?q=%00&p=%00&o=%00", 200),
        ("/admin/tenants/organization/%00/change/", 404),
        ("/accounts/password/reset/key/1-%00/", 200),
    ],
)
def test_nul_and_wrong_encodings_in_an_address_are_no_fault(asked, path, status):
    response = asked.get(path)
    if response.status_code == 302 and status == 200:  # what cannot be read is left out
        response = asked.get(response.url)
    if "/pick/" in path:  # a part of a page
        assert response.status_code == status
    else:
        check(response, status)


@pytest.mark.parametrize("text", ["a\0b", "\ud800", "\x1b[31m", "\u202e" * 50], ids=ascii)
def test_what_no_text_can_hold_is_an_error_beside_the_field(asked, text):
    data = {"name": text.encode("utf-8", "surrogatepass").decode("latin-1"), "reason": "x"}
    response = asked.post(ADD, data)
    check_page(response, 422)
    assert not Organization.objects.exists()


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("application/x-www-form-urlencoded", b"name=%ff%fe&reason=\xff\xfe"),
        ("application/x-www-form-urlencoded; charset=utf-16", b"name=x"),
        ("application/x-www-form-urlencoded; charset=no-such", b"name=x"),
        ("application/json", b"[" * 100_000),
        ("text/xml", b"<!DOCTYPE x [<!ENTITY a 'b'>]><x>&a;</x>"),
        ("multipart/form-data; boundary=x", b"no boundary at all"),
        ("multipart/form-data", b"--x\r\n"),
        ("multipart/form-data; boundary=" + "x" * 500, b"--x\r\n"),
        ("multipart/form-data; boundary=x", b'--x\r\nContent-Disposition: form-data; name="name"\r\n'),
    ],
    ids=[
        "encoding",
        "utf-16",
        "no charset",
        "json",
        "xml",
        "no parts",
        "no boundary",
        "long boundary",
        "cut off",
    ],
)
def test_a_body_that_is_no_form_does_nothing(asked, kind, body):
    response = asked.generic("POST", ADD, body, kind)
    assert response.status_code in (400, 422)
    check_page(response, response.status_code)
    assert not Organization.objects.exists()


def test_huge_cookies_are_no_sign_in(client, db):
    client.cookies[settings.SESSION_COOKIE_NAME] = "x" * 7000
    client.cookies[settings.CSRF_COOKIE_NAME] = "\u0001" * 100
    client.cookies["backoffice-messages"] = "y" * 7000
    assert client.get(LIST)["Location"].startswith("/accounts/login/")
    check_page(client.get("/accounts/login/"))


class TestTooMuch:
    def test_too_many_fields(self, asked):
        fields = "&".join(f"f{n}=1" for n in range(settings.DATA_UPLOAD_MAX_NUMBER_FIELDS + 1))
        html = check(asked.post(ADD, fields, content_type="application/x-www-form-urlencoded"), 413)
        assert "Nothing was saved" in html

    def test_too_long_a_text(self, asked):
        text = "x" * (settings.DATA_UPLOAD_MAX_MEMORY_SIZE + 1)
        check(asked.post(ADD, f"name={text}", content_type="application/x-www-form-urlencoded"), 413)
        assert not Organization.objects.exists()

    def test_too_many_files(self, finance):
        files = {f"file{n}": SimpleUploadedFile("a.csv", b"x") for n in range(2)}
        check(answering(finance).post(reverse("billing:bulkposting_add"), files), 413)

    def test_a_file_larger_than_any_page_takes_is_refused_before_it_is_read(self, finance, monkeypatch):
        def read(*args):
            raise AssertionError("the body was read")

        monkeypatch.setattr("django.http.multipartparser.ChunkIter.__init__", read)
        file = SimpleUploadedFile("a.csv", b"x" * settings.UPLOAD_MAX_BYTES)
        check(answering(finance).post(reverse("billing:bulkposting_add"), {"file": file}), 413)

    def test_nobody_uploads_without_having_signed_in(self, db):
        client = Client(enforce_csrf_checks=True, raise_request_exception=False)
        client.get("/accounts/login/")
        file = SimpleUploadedFile("a.csv", b"x" * settings.UPLOAD_MAX_BYTES)
        check(client.post("/accounts/login/", {"file": file}), 413)

    @pytest.mark.parametrize(
        ("content", "sentence"),
        [
            (b"x" * (MOST_BYTES + 1), "larger than 2 MB"),
            (b"PK\x03\x04" + b"\0" * 1000, "This is a spreadsheet"),
            (b"\x1f\x8b\x08" + b"\0" * 1000, "NUL characters"),
            (b"organization,amount,reason\n" + b"a,1,b\n" * 5001, "more than 5,000 rows"),
            (b"organization,amount,reason\n" + b'"' * 100_000, "quotation mark"),
            (b"organization,amount,reason\n" + b"," * 1_000_000, "can be posted"),
            (b'"' + b"a" * 1_500_000, "cannot be read"),
        ],
        ids=["large", "zip", "gzip", "rows", "quotes", "cells", "open quote"],
    )
    def test_a_file_of_postings_that_cannot_be_one_is_said_beside_it(self, finance_client, content, sentence):
        data = {"file": SimpleUploadedFile("a.csv", content), "kind": "goodwill", "reason": "x"}
        html = check_page(finance_client.post(reverse("billing:bulkposting_add"), data), 422)
        assert sentence in html or "Nothing" in html
        assert not BulkPosting.objects.exists()
