"""Columns of lists: chosen, ordered, remembered, and said in the address."""

import re
import uuid
from pathlib import Path

import pytest
from django.template.loader import get_template
from django.urls import URLPattern, get_resolver, reverse

from agents.tests.factories import make_agent, make_session
from backoffice import generic
from backoffice.models import ListChoice
from backoffice.testing import make_user
from backoffice.testing_crud import HOSTILE, check_page, client_of, client_with, count_queries
from tenants.tests.factories import make_item, make_organization

LIST = "/tenants/organizations/"
COLUMNS = "/lists/tenants:organization_list/columns/"


def headings(html):
    """The headings of the table, and the labels of its first row."""
    head = re.search(r"<thead>(.*?)</thead>", html, re.S)[1]
    row = re.search(r"<tbody><tr>(.*?)</tr>", html, re.S)[1]
    names = [re.sub(r"<[^>]+>", "", cell) for cell in re.findall(r"<th scope=\"col\"[^>]*>(.*?)</th>", head)]
    names = [name for name in names if name != "Select"]
    assert names == re.findall(r'<td data-label="([^"]*)"', row)
    return names


def list_views(patterns=None, prefix=""):
    for entry in patterns or get_resolver().url_patterns:
        namespace = f"{prefix}{entry.namespace}:" if getattr(entry, "namespace", None) else prefix
        if not isinstance(entry, URLPattern):
            if entry.namespace != "admin":
                yield from list_views(entry.url_patterns, namespace)
        elif "<" in str(entry.pattern):
            continue  # the list of one record's history has no address without it, and no columns of one's own
        elif issubclass(getattr(entry.callback, "view_class", object), generic.ListView):
            yield f"{namespace}{entry.name}", entry.callback.view_class


LISTS = dict(list_views())


@pytest.mark.parametrize("name", LISTS)
def test_every_list_offers_its_models_columns_but_no_secret(name, admin_client):
    view = LISTS[name]
    offered = view.table_class.offered(view.not_exported)
    plain = {
        field.name
        for field in view.model._meta.concrete_fields
        if not field.is_relation and field.get_internal_type() != "JSONField"
    }
    paths = {column.path for column in offered.values()} | set(offered)
    assert plain - paths <= set(view.not_exported)
    assert not any(re.search("webhook_url|prompt|recording_url|audio_url", name) for name in offered)
    html = check_page(admin_client.get(f"/lists/{name}/columns/"))
    first, *others = offered
    assert [value in html for value in (f'value="{column}"' for column in others)] == [True] * len(others)
    assert f'name="column" value="{first}"' not in html, "the first column is not for choosing"


@pytest.mark.parametrize("name", LISTS)
def test_the_rows_of_every_list_follow_the_chosen_columns(name):
    source = Path(get_template(LISTS[name].table_class.Meta.rows).origin.name).read_text()
    assert "{% rows %}" in source and "<td" not in source
    table = LISTS[name].table_class
    cells = re.findall(r'{% cell "(\w+)" %}', source)
    assert set(cells) <= set(table.offered()) and cells[0] == next(iter(table.offered()))
    assert "row-link" in source.split("{% endcell %}")[0]


def test_all_columns_of_a_list_cost_as_many_queries_as_the_usual_ones(support_client):
    for n in range(3):
        make_session(make_agent(name=f"Agent {n}"))
    for name in ("tenants:organization_list", "agents:agent_list", "agents:agentsession_list"):
        view = LISTS[name]
        every = ",".join(view.table_class.offered(view.not_exported))
        usual = count_queries(support_client, reverse(name))
        assert len(count_queries(support_client, f"{reverse(name)}?columns={every}")) == len(usual), name


@pytest.mark.parametrize(
    ("name", "make"), [("agents:agent_list", make_agent), ("tenants:attentionitem_list", make_item)]
)
def test_a_page_stays_light_with_every_column(name, make, support_client):
    tenant = make_organization()
    for _ in range(51):
        make(tenant)
    page = LISTS[name]
    for columns in ("", ",".join(page.table_class.offered(page.not_exported))):
        response = support_client.get(reverse(name), {"columns": columns})
        assert len(response.content) < 120_000, columns
        assert response.context["next_url"], "the rows that are left out are on the next page"


def test_the_address_says_columns_and_their_order(support_client):
    make_organization()
    html = check_page(support_client.get(LIST, {"columns": "name,updated_at,credits_balance"}))
    assert headings(html) == ["Name", "Updated at", "Balance"]
    html = check_page(support_client.get(LIST, {"columns": "credits_balance,tier"}))
    assert headings(html) == ["Name", "Balance", "Tier"], "the first column, which opens the record, stays"


def test_what_was_chosen_is_remembered_for_the_person_and_the_list(support_client, manager_client):
    make_organization()
    usual = headings(check_page(support_client.get(LIST)))
    data = {
        "column": ["tier", "created_at"],
        "position_created_at": "1",
        "position_tier": "2",
        "query": "sort=name",
    }
    response = support_client.post(COLUMNS, data)
    assert (response.status_code, response.url) == (302, f"{LIST}?sort=name&columns=name,created_at,tier")
    assert headings(check_page(support_client.get(LIST))) == ["Name", "Created", "Tier"]
    assert headings(check_page(support_client.get(LIST, {"columns": "name,owner"}))) == ["Name", "Owner"]
    assert headings(check_page(manager_client.get(LIST))) == usual
    support_client.post(COLUMNS, {"reset": "1", "query": "sort=name&columns=name,tier"})
    assert headings(check_page(support_client.get(LIST))) == usual
    assert ListChoice.objects.count() == 1


@pytest.mark.parametrize(
    "columns", ["nonsense", ",,,", "\0", "__class__,owner__password", HOSTILE, "x" * 5000]
)
def test_columns_that_do_not_exist_are_ignored_and_named(support_client, columns):
    make_organization()
    html = check_page(support_client.get(LIST, {"columns": columns}))
    assert headings(html)[0] == "Name"
    assert ("Ignored" in html) == bool(columns.strip(","))
    assert "<script>alert" not in html


def test_a_remembered_column_that_is_gone_is_left_out(support_client):
    make_organization()
    choice = ListChoice(
        user=support_client.user, list_name="tenants:organization_list", columns=["name", "gone", "tier"]
    )
    choice.save()
    html = check_page(support_client.get(LIST))
    assert headings(html) == ["Name", "Tier"] and "Ignored" not in html


def test_columns_are_for_those_who_may_see_the_list(db):
    html = check_page(client_with("agents.view_agent").get(COLUMNS), 403)
    assert "tenants.view_organization" in html


@pytest.mark.parametrize(
    "name", ["nonsense", "home", "tenants:organization_add", "admin:index", "tenants:organization_detail"]
)
def test_what_is_no_list_has_no_columns(admin_client, name):
    check_page(admin_client.get(f"/lists/{name}/columns/"), 404)


def test_the_form_of_columns_works_in_a_dialog_and_as_a_page(db):
    client = client_of(make_user("support"))
    page = client.get(COLUMNS, {"columns": "name,tier"})
    assert ">Columns</h1>" in check_page(page)
    fragment = client.get(COLUMNS, {"columns": "name,tier"}, headers={"HX-Request": "true"}).content.decode()
    assert fragment.lstrip().startswith('<div class="dialog__head">') and "<h1" not in fragment
    assert 'name="position_tier" value="1"' in fragment


def test_choosing_columns_stays_in_the_open_view(support_client):
    view = str(uuid.uuid4())
    page = check_page(support_client.get(COLUMNS, {"columns": "name,tier", "tier": "pro", "view": view}))
    query = re.search(r'name="query" value="([^"]+)"', page)[1].replace("&amp;", "&")
    data = {"column": ["owner"], "query": query}
    assert support_client.post(COLUMNS, data).url == f"{LIST}?tier=pro&columns=name,owner&view={view}"
    assert support_client.post(COLUMNS, {**data, "reset": "1"}).url == f"{LIST}?tier=pro&view={view}"
