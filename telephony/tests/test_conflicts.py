"""Conflicts of numbers and trunks: each rule finds its fault once, clean data shows none, what is mended is gone."""

import datetime
import uuid

import pytest
from django.contrib.auth.models import AnonymousUser
from django.db import connection
from django.urls import reverse
from django.utils import timezone

from agents.tests.factories import make_agent
from backoffice.testing import platform
from backoffice.testing_crud import check_page, count_queries
from telephony import conflicts, services
from telephony.conflicts.needs import conflicts_that_wait
from telephony.models import Conflict, ConflictLook, PhoneNumber, SipTrunk
from telephony.tests.factories import make_call, make_number, make_trunk
from tenants.tests.factories import change, make_organization

pytestmark = pytest.mark.django_db
URL = "/telephony/conflicts/"


def ago(days):
    return timezone.now() - datetime.timedelta(days=days)


def tenant(balance="5.00", **fields):
    return make_organization(credits_balance=balance, **fields)


def clean_number(organization=None, **fields):
    """A number at which nothing is wrong."""
    agent = make_agent(organization or tenant(), is_published=True)
    return make_number(agent=agent, **fields)


def found():
    """[(rule, id of what has it)] after a look."""
    conflicts.look()
    return sorted(Conflict.objects.values_list("rule", "subject_id"))


def only(*pairs):
    """Holds the table to exactly these (rule, row)."""
    assert found() == sorted((rule, row.pk) for rule, row in pairs)


def test_clean_data_gives_none():
    number = clean_number()
    clean_number(number.organization, provider=None)
    make_trunk(organization=number.organization, provider="twilio")
    make_trunk(organization=None)  # the platform's own
    tenant(None)  # no credit, but no number either
    make_number(tenant(None), status="released")
    make_number(tenant("0.00"), status="suspended", agent=make_agent())
    called = clean_number(created_at=ago(400))
    make_call(phone_number=called, created_at=ago(59))
    only()
    assert set(conflicts.counts().values()) == {0}


def test_another_tenants_agent():
    number = change(clean_number(), agent=make_agent(tenant(name="Stranger"), is_published=True, name="Desk"))
    only(("foreign_agent", number))
    assert Conflict.objects.get().text == f"“Desk” of Stranger answers, and {number.organization} pays."


def test_no_agent():
    number = change(clean_number(), agent=None)
    only(("missing_agent", number))


def test_an_agent_that_does_not_exist():
    number = clean_number()
    with platform(), connection.cursor() as cursor:
        cursor.execute("alter table phone_numbers drop constraint phone_numbers_agent_id_fkey")
        cursor.execute("update phone_numbers set agent_id = %s", [uuid.uuid4()])
    only(("missing_agent", number))
    assert "does not exist any more" in Conflict.objects.get().text


@pytest.mark.parametrize("published", [False, None])
def test_an_unpublished_agent(published):
    number = clean_number()
    change(number.agent, is_published=published)
    only(("draft_agent", number))


@pytest.mark.parametrize(
    "stored",
    [
        "+1 415 555 0100",
        "4155550100",
        "",
        "+0123456789",
        "+12345",
        "+1234567890123456",
        "+１４１５５５５０１００",
    ],
)
def test_a_number_that_is_not_e164(stored):
    only(("not_e164", clean_number(e164=stored)))


def test_the_same_digits_in_two_forms_are_listed_once():
    clean_number(e164="+14155550100")
    other = clean_number(e164="001 (415) 555-0100")
    only(("same_digits", other), ("not_e164", other))
    assert Conflict.objects.get(rule="same_digits").text.startswith("The same digits as “+14155550100” of ")


def test_the_same_digits_without_any_in_e164_are_listed_against_the_first():
    clean_first = clean_number(e164="1 415 555 0100", created_at=ago(9))
    second = clean_number(e164="1-415-555-0100", created_at=ago(8))
    only(("same_digits", second), ("not_e164", clean_first), ("not_e164", second))


def test_few_digits_in_two_texts_are_no_number():
    first, second = clean_number(e164="desk 7"), clean_number(e164="call-centre 7")
    only(("not_e164", first), ("not_e164", second))


def test_a_silent_number():
    never = clean_number(created_at=ago(61))
    clean_number(created_at=ago(59))
    long_ago = clean_number(created_at=ago(300))
    make_call(phone_number=long_ago, created_at=ago(61))
    only(("silent", never), ("silent", long_ago))
    texts = dict(Conflict.objects.values_list("subject_id", "text"))
    assert texts[never.pk].startswith("Never called; added ")
    assert texts[long_ago.pk].startswith("The last call was on ")


def test_calls_without_a_time_or_of_a_time_to_come_are_no_sign_of_life():
    number = clean_number(created_at=None)
    make_call(phone_number=number, created_at=None)
    with platform(), connection.cursor() as cursor:
        cursor.execute(
            "insert into call_logs (organization_id, phone_number_id, session_id, direction, created_at) select"
            " organization_id, id, 'x', 'inbound', t::timestamptz from phone_numbers,"
            " unnest(array['infinity', '-infinity']) t"
        )
    only(("silent", number))
    change(number, created_at=datetime.datetime.max.replace(tzinfo=datetime.UTC))  # arrives as infinity
    assert found() == []


def test_a_trunk_without_numbers():
    organization = clean_number(provider="twilio").organization
    trunk = make_trunk(organization=organization, provider="telnyx")
    make_number(organization, provider="telnyx", status="released")
    only(("idle_trunk", trunk))
    make_number(organization, provider=" Telnyx", status="suspended")
    only()


@pytest.mark.parametrize(
    ("balance", "says"),
    [
        ("0.00", "The balance is 0.00"),
        ("-86.45", "The balance is −86.45"),
        (None, "The balance is not set"),
        ("NaN", "The balance is no number"),
    ],
)
def test_a_tenant_with_numbers_and_no_credit_is_listed_once(owner, balance, says):
    organization = clean_number().organization
    clean_number(organization)
    owner(
        "alter table organizations disable trigger record_credit_change"
    )  # it refuses NaN, older ones did not
    owner("update organizations set credits_balance = %s where id = %s", [balance, organization.pk])
    owner("alter table organizations enable trigger record_credit_change")
    only(("no_credit", organization))
    assert Conflict.objects.get().text == f"{says}, with 2 active numbers."


def test_two_faults_of_one_number_are_two_conflicts():
    number = change(clean_number(e164="hotline"), agent=make_agent())
    only(("draft_agent", number), ("foreign_agent", number), ("not_e164", number))


def test_a_second_look_changes_nothing_and_keeps_since_when():
    change(clean_number(), agent=None)
    conflicts.look()
    before = list(Conflict.objects.values())
    conflicts.look()
    assert list(Conflict.objects.values()) == before and conflicts.counts()["missing_agent"] == 1


class TestFollowing:
    """What changed after a look is seen by the next page, and nothing else is looked at again."""

    @pytest.fixture
    def mended(self, support, finance):
        """One of each, looked at; {rule: function that mends it}."""
        organization = tenant()
        foreign = change(clean_number(), agent=make_agent(tenant(), is_published=True))
        missing = change(clean_number(), agent=None)
        draft = clean_number()
        change(draft.agent, is_published=False)
        odd = clean_number(e164="+1 415 555 0100", created_at=ago(1))
        twin = clean_number(e164="+14155550100")
        silent = clean_number(created_at=ago(99))
        make_trunk(organization=organization)
        poor = clean_number(tenant("0.00"))
        conflicts.look()
        assert Conflict.objects.count() == 8

        return {
            "foreign_agent": lambda: change(foreign, agent=None, status="released"),
            "missing_agent": lambda: services.release_number(missing, actor=support, reason="r"),
            "draft_agent": lambda: change(draft.agent, is_published=True),
            "not_e164": lambda: change(odd, e164="+14155550101"),
            "same_digits": lambda: change(twin, e164="+14155550102"),
            "silent": lambda: make_call(phone_number=silent),
            "idle_trunk": lambda: clean_number(organization),
            "no_credit": lambda: change(poor.organization, credits_balance="5.00"),
        }

    @pytest.mark.parametrize("rule", list(conflicts.RULES))
    def test_what_is_mended_is_gone_at_the_next_look(self, support_client, mended, rule):
        assert support_client.get(URL, {"rule": rule}).context["rows"] != []
        mended[rule]()
        assert support_client.get(URL, {"rule": rule}).context["rows"] == []
        left = 6 if rule == "not_e164" else 7  # with one text put right, no two have the same digits either
        assert Conflict.objects.count() == left == sum(conflicts.counts().values())

    def test_a_new_fault_shows_at_the_next_look(self, support_client):
        number = clean_number()
        assert support_client.get(URL).context["rows"] == []
        change(number, agent=None)
        assert [row.rule for row in support_client.get(URL).context["rows"]] == ["missing_agent"]
        assert conflicts.counts()["missing_agent"] == 1

    def test_a_number_that_is_deleted_takes_its_conflicts_along(self, support_client, owner):
        number = change(clean_number(), agent=None)
        conflicts.look()
        owner("delete from phone_numbers where id = %s", [number.pk])
        assert support_client.get(URL).context["rows"] == []

    def test_more_than_can_be_followed_waits_for_the_next_look_and_is_said(self, support_client, monkeypatch):
        number = change(clean_number(), agent=None)
        conflicts.look()
        monkeypatch.setattr("telephony.conflicts.looking.MOST", 0)
        change(number, status="released")
        conflicts.follow()
        assert ConflictLook.objects.get().is_behind
        assert "has to come first" in check_page(support_client.get(URL))
        assert found() == [] and not ConflictLook.objects.get().is_behind


class TestPage:
    def test_the_list_says_rule_tenant_fault_and_the_way_to_mend_it(self, support_client):
        number = change(clean_number(tenant(name="Acme <b>")), agent=None)
        html = check_page(support_client.get(URL))
        assert "No agent is assigned." in html and "Acme &lt;b&gt;" in html
        assert reverse("telephony:phonenumber_edit", args=[number.pk]) in html

    def test_who_may_not_mend_gets_no_way(self, manager_client):
        number = change(clean_number(), agent=None)
        html = check_page(manager_client.get(URL))
        assert "No agent is assigned." in html
        assert reverse("telephony:phonenumber_edit", args=[number.pk]) not in html

    def test_its_own_page_leads_to_what_has_the_fault(self, manager_client):
        number = change(clean_number(e164="+442079460000"), agent=None)
        trunk = make_trunk(organization=tenant())
        poor = clean_number(tenant("0.00")).organization
        conflicts.look()
        for subject in (number, trunk, poor):
            conflict = Conflict.objects.get(subject_id=subject.pk)
            html = check_page(manager_client.get(conflict.get_absolute_url()))
            assert f'<a href="{subject.get_absolute_url()}">' in html, conflict.rule
        assert "+44 20 7946 0000: No agent is assigned." in check_page(
            manager_client.get(Conflict.objects.get(subject_id=number.pk).get_absolute_url())
        )

    def test_rules_and_tenants_filter(self, support_client):
        first, second = change(clean_number(), agent=None), change(clean_number(e164="x"), agent=None)
        rows = lambda **query: [row.subject_id for row in support_client.get(URL, query).context["rows"]]  # noqa: E731
        assert rows(rule="not_e164") == [second.pk]
        assert rows(organization=first.organization_id) == [first.pk]
        assert rows(q=first.e164) == [first.pk]
        assert set(rows(sort="tenant")) == set(rows(sort="-found")) == {first.pk, second.pk}

    def test_as_many_queries_for_many_as_for_one(self, support_client):
        organization = tenant()
        change(clean_number(organization), agent=None)
        conflicts.look()
        support_client.get(URL)
        few = len(count_queries(support_client, URL))
        for _ in range(9):
            change(clean_number(organization), agent=None)
        conflicts.look()
        support_client.get(URL)  # follows what changed shortly before the look, once
        assert len(count_queries(support_client, URL)) == few

    def test_the_dashboard_gets_counts_with_their_lists(self, support):
        change(clean_number(), agent=None)
        conflicts.look()
        (need,) = conflicts_that_wait(support)
        assert (need.label, need.count, need.url, need.tone) == (
            "Numbers: no agent",
            1,
            f"{URL}?rule=missing_agent",
            "bad",
        )
        assert conflicts_that_wait(AnonymousUser()) == []
        assert SipTrunk.objects.count() == 0 and PhoneNumber.objects.count() == 1


def test_data_health_says_how_old_the_look_is(manager_client):
    assert "Never looked." in check_page(manager_client.get("/health/ages/"))
    conflicts.look()
    page = check_page(manager_client.get("/health/ages/"))
    assert "Conflicts of numbers and trunks" in page and "Looked over everything in" in page
