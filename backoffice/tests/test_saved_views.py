"""Saved views: what a list shows under a name, one's own or shared, opened first or not."""

import re

import pytest
from django.utils.html import escape

from backoffice import services
from backoffice.models import AuditEvent, ListChoice, SavedView
from backoffice.testing_crud import HOSTILE, check_page, client_with, form_values
from tenants.tests.factories import make_organization

LIST = "/tenants/organizations/"
NAME = "tenants:organization_list"
ADD = f"/lists/{NAME}/views/add/"
STATE = "q=acme&tier=pro&sort=name&columns=name,tier"


def save(client, name="Mine", query=STATE, **data):
    response = client.post(ADD, {"name": name, "query": query, **data})
    assert response.status_code == 302, response.content.decode()
    return SavedView.objects.latest("created_at")


def test_a_view_keeps_filters_order_and_columns(support_client):
    make_organization(name="Acme")
    view = save(support_client)
    assert (view.owner, view.list_name, view.query) == (
        support_client.user,
        NAME,
        "q=acme&tier=pro&sort=name",
    )
    assert view.columns == ["name", "tier"]
    html = check_page(support_client.get(LIST))
    address = re.search(r'href="\?([^"]+)"[^>]*><bdi>Mine</bdi>', html)[1].replace("&amp;", "&")
    assert address == f"{STATE}&view={view.pk}"
    opened = support_client.get(f"{LIST}?{address}")
    assert 'aria-current="page"><bdi>Mine</bdi>' in check_page(opened)
    assert opened.context["filterset"].form.cleaned_data["tier"] == "pro"
    assert support_client.get(view.get_absolute_url()).url == f"{LIST}?{address}"
    (event,) = AuditEvent.objects.filter(table_name="backoffice.backoffice_savedview")
    assert (event.action, event.actor_id) == ("insert", support_client.user.pk)


def test_the_form_is_what_the_list_shows(support_client):
    response = support_client.get(f"{ADD}?{STATE}&after=x&view=all")
    check_page(response)
    assert form_values(response)["query"] == STATE


def test_own_views_are_nobody_elses_and_shared_ones_everybodys(support_client, manager_client, admin_client):
    mine, shared = save(support_client, "Private one"), save(support_client, "Common one", shared="on")
    for client in (manager_client, admin_client):
        html = check_page(client.get(LIST))
        assert "Common one" in html and "Private one" not in html
        for page in ("", "edit/", "delete/"):
            assert client.get(f"/views/{mine.pk}/{page}").status_code == 404
            expected = (403,) if page == "delete/" and client is manager_client else (200, 302)
            assert client.get(f"/views/{shared.pk}/{page}").status_code in expected


def test_a_shared_view_is_changed_by_its_owner_and_by_admins(support_client, manager_client, admin_client):
    view = save(support_client, shared="on")
    html = check_page(manager_client.get(f"/views/{view.pk}/edit/"))
    assert 'name="name"' not in html and "Delete" not in html
    manager_client.post(f"/views/{view.pk}/edit/", {"name": "Taken over", "query": ""})
    assert manager_client.post(f"/views/{view.pk}/delete/").status_code == 403
    view.refresh_from_db()
    assert (view.name, view.shared) == ("Mine", True)
    assert admin_client.post(f"/views/{view.pk}/edit/", {"name": "Tidied", "shared": "on"}).status_code == 302
    view.refresh_from_db()
    assert (view.name, view.owner) == ("Tidied", support_client.user)
    withdrawn = admin_client.post(f"/views/{view.pk}/edit/", {"name": "Tidied"}, follow=True)
    assert withdrawn.status_code == 200
    view.refresh_from_db()
    assert not view.shared
    assert support_client.post(f"/views/{view.pk}/delete/").status_code == 302
    assert not SavedView.objects.exists()
    events = AuditEvent.objects.filter(table_name="backoffice.backoffice_savedview").order_by("id")
    assert [(e.action, e.actor_id) for e in events] == [
        ("insert", support_client.user.pk),
        ("update", admin_client.user.pk),
        ("update", admin_client.user.pk),
        ("delete", support_client.user.pk),
    ]


def test_changing_keeps_or_replaces_what_it_shows(support_client):
    view = save(support_client)
    edit = f"/views/{view.pk}/edit/"
    assert 'name="replace"' not in check_page(support_client.get(f"{edit}?{STATE}"))
    assert 'name="replace"' in check_page(support_client.get(f"{edit}?tier=free"))
    support_client.post(edit, {"name": "Renamed", "query": "tier=free"})
    view.refresh_from_db()
    assert (view.name, view.query) == ("Renamed", "q=acme&tier=pro&sort=name")
    support_client.post(edit, {"name": "Renamed", "query": "tier=free&columns=name,owner", "replace": "on"})
    view.refresh_from_db()
    assert (view.query, view.columns) == ("tier=free", ["name", "owner"])


def test_the_list_opens_with_the_default_and_all_is_one_click_away(support_client, manager_client):
    make_organization(name="Other")
    view = save(support_client, opens="on")
    response = support_client.get(LIST)
    assert (response.status_code, response.url) == (302, f"{LIST}?{STATE}&view={view.pk}")
    html = check_page(support_client.get(response.url))
    assert f'href="{LIST}?view=all"' in html
    every = support_client.get(f"{LIST}?view=all")
    assert [row.name for row in every.context["rows"]] == ["Other"]
    assert 'name="view" value="all"' in check_page(every), "filtering and clearing again stays with all"
    reset = support_client.get(response.url).context["reset_url"]
    assert "view=all" in reset and "tier=" not in reset
    assert manager_client.get(LIST).status_code == 200
    support_client.post(f"/views/{view.pk}/edit/", {"name": "Mine", "query": STATE})
    assert support_client.get(LIST).status_code == 200


def test_a_deleted_default_leaves_the_list_as_it_was(support_client):
    view = save(support_client, opens="on")
    support_client.post(f"/views/{view.pk}/delete/")
    assert support_client.get(LIST).status_code == 200
    assert ListChoice.objects.get().default_view is None


def test_a_view_that_names_what_is_gone_opens_and_says_so(support_client):
    make_organization(name="Acme")
    view = save(support_client)
    view.query, view.columns = "gone=1&sort=vanished&q=acme", ["name", "lost", "tier"]
    services.save(view, actor=support_client.user)
    response = support_client.get(view.get_absolute_url(), follow=True)
    html = check_page(response)
    assert [row.name for row in response.context["rows"]] == ["Acme"]
    assert response.context["ignored"] == ["filter “gone”", "order “vanished”", "column “lost”"]
    assert "column “lost”" in html


def test_a_view_that_is_not_there_any_more_is_named(support_client):
    assert support_client.get(LIST, {"view": "all"}).context["ignored"] == []
    assert support_client.get(LIST, {"view": "999999"}).context["ignored"] == ["view “999999”"]


def test_names_are_ones_own_and_used_once(support_client, manager_client):
    save(support_client, "Late payers")
    response = support_client.post(ADD, {"name": " LATE payers ", "query": STATE, "shared": "on"})
    html = check_page(response, 422)
    assert "There is a view called" in html and form_values(response)["query"] == STATE
    save(manager_client, "Late payers")
    other = support_client.post("/lists/agents:agent_list/views/add/", {"name": "Late payers", "query": ""})
    assert other.status_code == 302


@pytest.mark.parametrize("name", [HOSTILE, "</bdi><b>x", "日本 \u202e", "x" * 80, "?&=#%"])
def test_hostile_names_are_text(support_client, name):
    save(support_client, name, shared="on")
    html = check_page(support_client.get(LIST))
    assert escape(name.strip()) in html and "<script>alert" not in html


@pytest.mark.parametrize("name", ["", " ", "\0", "x" * 81])
def test_what_is_no_name_is_refused(support_client, name):
    check_page(support_client.post(ADD, {"name": name, "query": STATE}), 422)
    assert not SavedView.objects.exists()


def test_a_view_of_a_list_that_is_not_ones_own_stays_closed(support_client):
    view = save(support_client, shared="on")
    client = client_with("agents.view_agent")
    for page in ("", "edit/", "delete/"):
        check_page(client.get(f"/views/{view.pk}/{page}"), 404)  # as if there were none
    check_page(client.get(ADD), 403)
