"""What every answer tells the browser, which cookies production sets, and forms without their token."""

import json
import os
import subprocess
import sys

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse

from backoffice.headers import DEFAULTS
from backoffice.models import Job
from backoffice.probes import PROBES
from backoffice.testing_crud import check_page
from backoffice.tests.test_url_matrix import address, patterns, rows, written  # noqa: F401

LIST = "/tenants/organizations/"
ALWAYS = {
    **{name: value for name, value in DEFAULTS.items() if name != "Cache-Control"},
    "Content-Security-Policy": None,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Request-ID": None,
}
REQUESTS = {
    "page": ("GET", LIST, 200),
    "admin": ("GET", "/admin/", 200),
    "redirect": ("GET", "/search/palette/", 302),
    "not found": ("GET", "/no/such/page/", 404),
    "no such record": ("GET", f"{LIST}00000000-0000-4000-8000-000000000000/", 404),
    "not allowed": ("GET", "/audit/changes/", 403),
    "another method": ("DELETE", LIST, 405),
    "not for GET": ("GET", "/me/theme/", 405),
    "wrong input": ("POST", f"{LIST}add/", 422),
    "broken": ("GET", "/tenants/attention/", 500),
}


class TestHeaders:
    @pytest.mark.parametrize("name", REQUESTS)
    def test_every_answer_has_them(self, support_client, monkeypatch, name):
        from tenants.views import AttentionList

        def breaks(self, request):
            raise RuntimeError

        monkeypatch.setattr(AttentionList, "get", breaks)
        support_client.raise_request_exception = False
        method, path, status = REQUESTS[name]
        response = support_client.generic(method, path)
        assert response.status_code == status
        self.check(response)

    @pytest.mark.parametrize(
        ("path", "headers", "status"),
        [("/", {}, 302), ("/accounts/login/", {}, 200), (LIST, {"host": "evil.example"}, 400)],
        ids=["to sign-in", "sign-in", "another host"],
    )
    def test_those_who_are_not_signed_in_get_them_too(self, client, db, path, headers, status):
        client.raise_request_exception = False
        response = client.get(path, headers=headers)
        assert response.status_code == status
        self.check(response)

    def test_static_files_are_kept_by_browsers_and_for_our_own_pages_alone(self, client):
        response = client.get("/static/backoffice/app.css")
        assert response.status_code == 200
        self.check(response, is_file=True)
        assert "public" in response["Cache-Control"]
        assert "Access-Control-Allow-Origin" not in response

    def check(self, response, *, is_file=False):
        for name, value in ALWAYS.items():
            assert value in (None, response.headers[name]), name
        kept = {part.strip() for part in response["Cache-Control"].split(",")}
        assert is_file or {"private", "no-store"} <= kept
        for name in ("X-Powered-By", "Server", "Via"):
            assert name not in response.headers
        policy = response.headers["Content-Security-Policy"]
        assert {part.strip() for part in policy.split(";")} == {
            "default-src 'self'",
            "img-src 'self' data:",
            "media-src 'self'",
            "object-src 'none'",
            "base-uri 'none'",
            "form-action 'self'",
            "frame-ancestors 'none'",
        }


PRODUCTION = """
import json, django
from django.conf import settings
django.setup()
from django.http import HttpResponse
from django.test import RequestFactory
from django.contrib.messages import constants
from django.utils.module_loading import import_string

from django.middleware.csrf import CsrfViewMiddleware, get_token
from django.contrib.sessions.middleware import SessionMiddleware

request = RequestFactory().get("/", secure=True)
def page(request):
    get_token(request)
    request.session["seen"] = 1
    storage = import_string(settings.MESSAGE_STORAGE)(request)
    storage.add(constants.INFO, "Saved")
    response = HttpResponse()
    storage.update(response)
    return response
class Kept(dict):
    accessed = modified = True
    session_key = "a" * 32
    def is_empty(self): return False
    def get_expire_at_browser_close(self): return True
    def save(self): pass
def with_session(request):
    request.session = Kept()
    middleware = SessionMiddleware(page)
    return middleware.process_response(request, CsrfViewMiddleware(page)(request))
response = with_session(request)
print(json.dumps({
    "cookies": {name: {key: value for key, value in dict(morsel).items() if value not in ("", None)}
                for name, morsel in response.cookies.items()},
    "settings": {name: getattr(settings, name) for name in (
        "DEBUG", "SECURE_SSL_REDIRECT", "SECURE_HSTS_SECONDS", "SECURE_HSTS_INCLUDE_SUBDOMAINS",
        "SESSION_COOKIE_DOMAIN", "CSRF_COOKIE_DOMAIN", "ALLOWED_HOSTS")},
}))
"""


@pytest.fixture(scope="module")
def production():
    """Settings and cookies as a process of its own has them with an environment of production."""
    environment = {
        **{name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG")},
        "DATABASE_URL": "postgresql://backoffice@localhost/postgres",
        "ALLOWED_HOSTS": "backoffice.example",
        "SECRET_KEY": "only-for-this-test-" * 3,
        "DJANGO_SETTINGS_MODULE": "backoffice.settings",
        "PYTHONPATH": str(settings.BASE_DIR),
    }
    done = subprocess.run(
        [sys.executable, "-c", PRODUCTION], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


class TestProduction:
    def test_no_other_host_can_set_or_read_the_cookies(self, production):
        cookies = production["cookies"]
        assert len(cookies) == 3 and all(name.startswith("__Host-backoffice-") for name in cookies)
        for name, cookie in cookies.items():
            assert cookie["path"] == "/" and "domain" not in cookie, name
            assert cookie["secure"] and cookie["httponly"] and cookie["samesite"] in ("Lax", "Strict"), name

    def test_browsers_come_by_https_alone(self, production):
        values = production["settings"]
        assert values.pop("SECURE_HSTS_SECONDS") >= 365 * 24 * 60 * 60
        assert values == {
            "DEBUG": False,
            "SECURE_SSL_REDIRECT": True,
            "SECURE_HSTS_INCLUDE_SUBDOMAINS": True,
            "SESSION_COOKIE_DOMAIN": None,
            "CSRF_COOKIE_DOMAIN": None,
            "ALLOWED_HOSTS": ["backoffice.example"],
        }


def test_a_post_without_its_token_does_nothing_anywhere(rows):  # noqa: F811
    """Every address, by whoever may most: a page that says so, and not one row."""
    admin = rows["staff"]["Admin"]
    rows["backoffice.job"] = Job.objects.create(kind="export", title="Export", owner=admin)
    client = Client(enforce_csrf_checks=True)
    client.force_login(admin)
    before = written()
    urls = {address(route, pattern, rows) for route, _, pattern in patterns()} - set(
        PROBES
    )  # they take no POST
    urls |= {reverse(f"admin:{name}") for name in ("index", "login", "logout", "password_change")}
    for url in sorted(urls - set(PROBES)):  # these take no POST at all
        response = client.post(url, {"reason": "x", "confirm": "x"})
        assert (response.status_code, b"This form is no longer valid" in response.content) == (403, True), url
    assert written() == before
    check_page(response, 403)


def test_a_token_of_somebody_else_is_refused(support, finance):
    other, client = Client(enforce_csrf_checks=True), Client(enforce_csrf_checks=True)
    other.force_login(finance)
    client.force_login(support)
    other.get(LIST)
    client.get(LIST)
    token = other.cookies[settings.CSRF_COOKIE_NAME].value
    assert client.post("/me/theme/", {"theme": "dark", "csrfmiddlewaretoken": token}).status_code == 403


def test_head_has_the_headers_of_get_and_no_body(support_client):
    head, get = (getattr(support_client, method)("/me/") for method in ("head", "get"))
    assert (
        head.status_code == 200
        and head.content == b""
        and abs(int(head["Content-Length"]) - len(get.content)) < 200
    )
