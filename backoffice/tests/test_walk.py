"""Previous and next record of the list that a record was opened from."""

import pytest

from backoffice.generic import walk
from backoffice.testing_crud import check_page, count_queries
from telephony.tests.factories import make_number
from tenants.models import Organization
from tenants.tests.factories import make_organization, make_profile

LIST = "http://testserver/telephony/numbers/"


@pytest.fixture
def rows(db):
    tenant = make_organization()
    return [
        make_number(e164=f"+4420794600{n:02}", status="active" if n % 2 else "released", organization=tenant)
        for n in range(6)
    ]


def links(client, url, referer=""):
    """(previous, next, list) as the page links them."""
    response = client.get(url, headers={"Referer": referer} if referer else {})
    html = check_page(response)
    found = next((c["walk"] for c in response.context if c.get("walk")), None)
    if found is None:
        assert "data-walk" not in html
        return None
    for side in ("previous", "next"):
        assert not found[side] or (
            found[side]["url"] in html and f"in the list: {found[side]['label']}" in html
        )
    return [found[side] and found[side]["url"] for side in ("previous", "next")]


@pytest.mark.parametrize("sort", ["number", "-number"])
def test_a_filtered_list_is_walked_to_both_ends(support_client, rows, sort):
    active = rows[1::2] if sort == "number" else rows[1::2][::-1]
    before, after = links(
        support_client, active[1].get_absolute_url(), f"{LIST}?status=active&sort={sort}&after=x"
    )
    assert before.split("?")[0] == active[0].get_absolute_url()
    assert after.split("?")[0] == active[2].get_absolute_url()
    back, end = links(support_client, after)
    assert end is None and back.split("?")[0] == active[1].get_absolute_url()
    assert links(support_client, before)[0] is None


def test_nulls_and_equal_keys_are_all_visited(support_client):
    for balance in (None, "0.00", "5.00", "5.00", None):
        make_organization(credits_balance=balance)
    page = support_client.get("/tenants/organizations/", {"sort": "balance"})
    expected = [row.get_absolute_url() for row in page.context["rows"]]
    url, seen = expected[0], []
    referer = "http://testserver/tenants/organizations/?sort=balance"
    while url:
        seen.append(url.split("?")[0])
        _, url = links(support_client, url, referer)
        referer = ""
    assert seen == expected and Organization.objects.count() == len(seen)


def test_two_lists_are_walked_side_by_side(support_client, rows):
    one = links(support_client, rows[3].get_absolute_url(), f"{LIST}?status=active&sort=number")[1]
    other = links(support_client, rows[3].get_absolute_url(), f"{LIST}?sort=number")[1]
    assert other.split("?")[0] == rows[4].get_absolute_url()
    assert one.split("?")[0] == rows[5].get_absolute_url()
    assert links(support_client, one)[0].split("?")[0] == rows[3].get_absolute_url()
    assert links(support_client, other)[0].split("?")[0] == rows[3].get_absolute_url()


def test_after_an_edit_the_walk_goes_on(support_client, rows):
    url = rows[3].get_absolute_url()
    links(support_client, url, f"{LIST}?status=active&sort=number")
    found = links(support_client, url, f"http://testserver{url}edit/")
    assert found[1].split("?")[0] == rows[5].get_absolute_url()


@pytest.mark.parametrize(
    "referer",
    [
        "",
        "http://evil.example/telephony/numbers/?status=active",
        "http://testserver/agents/agents/",
        "http://testserver/telephony/numbers/add/",
        "http://testserver/nowhere/",
        "http://testserver/admin/telephony/phonenumber/",
        "nonsense",
        "http://[",
    ],
)
def test_who_comes_from_elsewhere_walks_nothing(support_client, rows, referer):
    assert links(support_client, rows[3].get_absolute_url(), referer) is None


@pytest.mark.parametrize(
    "query", ["status=%00", "sort=nonsense", "since=x&q=%25", "organization=zzz", "in=1", "x" * 4000]
)
def test_odd_lists_are_walked_as_they_are_shown(support_client, rows, query):
    check_page(support_client.get(rows[3].get_absolute_url(), headers={"Referer": f"{LIST}?{query}"}))


def test_an_unknown_key_walks_nothing(support_client, rows):
    assert links(support_client, rows[3].get_absolute_url() + "?in=12345678") is None


def test_it_costs_two_reads_wherever_in_the_list(support_client, rows):
    url = rows[3].get_absolute_url()
    plain = count_queries(support_client, url)
    _, after = links(support_client, url, f"{LIST}?sort=number")
    walked = count_queries(support_client, url + "?" + after.split("?")[1])
    assert len(walked) == len(plain) + 2
    assert not any("OFFSET" in query for query in walked)


def test_the_session_keeps_a_few_lists_only(support_client, rows):
    for n in range(walk.KEPT + 5):
        support_client.get(rows[0].get_absolute_url(), headers={"Referer": f"{LIST}?q={n}"})
    assert len(support_client.session[walk.SESSION_KEY]) == walk.KEPT


def test_names_are_escaped(support_client):
    profile = make_profile(email='a"><b>@example.test')
    make_profile(email="b@example.test")
    html = support_client.get(
        type(profile).objects.get(email="b@example.test").get_absolute_url(),
        headers={"Referer": "http://testserver/tenants/profiles/?sort=email"},
    ).content.decode()
    assert "in the list: a&quot;&gt;&lt;b&gt;" in html
