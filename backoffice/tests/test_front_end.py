"""How much a browser loads with a page: stylesheets and scripts, compressed. docs/front-end.md has the limits."""

import gzip
import re

import pytest
from django.conf import settings
from django.contrib.staticfiles import finders
from django.contrib.staticfiles.storage import StaticFilesStorage
from django.shortcuts import render

from agents.models import Conversation
from agents.tests.factories import make_agent, make_conversation, make_message, make_sample, make_session
from backoffice.static_files import Storage
from tenants.tests.factories import make_organization

MOST_CSS = 15_000
MOST_SCRIPTS = 25_000
IMPORTED = re.compile(
    r'(?:^import "|\bfrom ")\./(\w+\.js)"', re.MULTILINE
)  # import(…) waits for somebody to do something


def loaded(html):
    """(stylesheets, scripts) of a page, by their names; with the modules that its scripts import."""
    styles = re.findall(r'<link rel="stylesheet" href="/static/([^"]+)"', html)
    scripts = re.findall(r'<script[^>]* src="/static/([^"]+)"', html)
    for script in scripts:
        source = read(script).decode()
        scripts.extend(
            name for found in IMPORTED.findall(source) if (name := f"backoffice/{found}") not in scripts
        )
    return set(styles), set(scripts)


def read(name):
    with open(finders.find(name), "rb") as file:
        return file.read()


def compressed(names):
    return sum(len(gzip.compress(read(name), 9)) for name in names)


def organization(user):
    return make_organization().get_absolute_url()


def transcript(user):
    session = make_session()
    make_message(session)
    return session.get_absolute_url()


def review(user):
    make_conversation()
    return f"/agents/samples/{make_sample(user, Conversation.objects.all()).pk}/review/"


PAGES = {
    "home": "/",
    "figures": "/figures/",
    "list": "/tenants/organizations/",
    "list with pickers": "/telephony/calls/",
    "columns": "/lists/tenants:organization_list/columns/",
    "form": "/agents/samples/add/",
    "search": "/search/?q=a",
    "transcript search": "/agents/search/",
    "health": "/health/",
    "settings": "/me/",
    "second factors": "/accounts/2fa/",
    "not found": "/nowhere/",
    "tenant": organization,
    "transcript": transcript,
    "review": review,
    "agent": lambda user: make_agent().get_absolute_url(),
    "versions": lambda user: f"{make_agent().get_absolute_url()}history/",
}


@pytest.mark.parametrize("page", PAGES)
def test_a_page_loads_little(page, manager, manager_client):
    address = PAGES[page] if isinstance(PAGES[page], str) else PAGES[page](manager)
    response = manager_client.get(address)
    assert response.status_code == (404 if page == "not found" else 200), address
    _, scripts = check(response)
    # The worst is no page by accident: what the limit is for is on it.
    assert page != "transcript" or {"backoffice/inline.js", "backoffice/conversation.js"} <= scripts


def test_the_pages_of_signing_in_and_of_errors_load_little(client, db):
    for address in ("/accounts/login/", "/invitation/", "/accounts/password/reset/"):
        _, scripts = check(client.get(address))
        assert not any("htmx" in script for script in scripts)
    for template in ("400", "403_csrf", "405", "413", "429", "500", "503"):
        _, scripts = check(render(None, f"{template}.html"))
        assert not scripts


@pytest.mark.parametrize("address", ["/", "/figures/", "/tenants/organizations/"])
def test_only_pages_of_charts_are_compressed_by_us(address, manager_client):
    response = manager_client.get(address, headers={"Accept-Encoding": "gzip"})
    assert response.headers.get("Content-Encoding") == (None if "tenants" in address else "gzip")


def check(response):
    styles, scripts = loaded(response.content.decode())
    assert "backoffice/app.css" in styles
    assert compressed(styles) <= MOST_CSS
    assert compressed(scripts) <= MOST_SCRIPTS
    return styles, scripts


def test_a_script_has_one_name_with_a_hash_whoever_imports_it(tmp_path):
    """Under two names it would run twice: each key would do everything twice."""
    ours = StaticFilesStorage(settings.BASE_DIR / "static", "/static/")
    names = [f"backoffice/{path.name}" for path in (settings.BASE_DIR / "static/backoffice").glob("*.js")]
    storage = Storage(tmp_path, "/static/")
    for name in names:
        storage.save(name, ours.open(name))
    made = storage.post_process({name: (storage, name) for name in names})
    done = {name: hashed for name, hashed, _ in made if not hashed.endswith(".gz")}
    imported = 0
    for name in names:
        kept = re.sub(r"//.*", "", (tmp_path / done[name]).read_text())
        for found in re.findall(r'["\']\./(.*?\.js)["\']', kept):
            assert f"backoffice/{found}" in done.values()
            imported += 1
    assert imported > 5
    assert all((tmp_path / f"{done[name]}.gz").exists() for name in names)
