"""Calls: looked at by everybody, corrected by finance, recordings for those who may read."""

import datetime
from decimal import Decimal

import pytest
from django.urls import reverse
from django.utils import timezone

from agents.tests.factories import make_agent, make_session
from backoffice.models import AuditEvent, ReadLog
from backoffice.testing_crud import PageTests, check_page, form_values
from billing.tests.factories import make_statement
from telephony.models import CallLog
from telephony.tests.factories import make_call, make_number
from tenants.tests.factories import change, make_organization


class TestCallPages(PageTests):
    model = CallLog

    def make(self, n):
        return make_call(phone_number=make_number(), caller_number=f"+1415555{n:04}")


@pytest.mark.parametrize("field", ["caller_number", "direction", "status", "recording_url"])
def test_a_text_of_a_megabyte_does_not_swell_the_pages(support_client, field):
    call = make_call(**{field: "x" * 1_000_000})
    for address in (page("detail", call), reverse("telephony:calllog_list")):
        assert len(support_client.get(address).content) < 200_000, address


def test_a_place_that_does_not_exist_leads_to_the_address_of_the_list(support_client):
    url = reverse("telephony:calllog_list")
    assert support_client.get(url, {"after": "zzz"}).url == url


def test_each_problem_is_offered_once(support_client):
    page = support_client.get(reverse("telephony:calllog_list")).content.decode()
    assert page.count(">Failed or busy</option>") == 1


def page(name, call):
    return reverse(f"telephony:calllog_{name}", args=[call.pk])


CORRECTION = {
    "duration_seconds": "95",
    "cost": "0.1234",
    "status": "completed",
    "reason": "Carrier's invoice",
}


def correct(client, call, follow=False, **values):
    """Opens the form and sends it with CORRECTION in it, or other values."""
    opened = form_values(client.get(page("correct", call)))
    return client.post(page("correct", call), {**opened, **CORRECTION, **values}, follow=follow)


class TestCorrection:
    def test_the_page_is_called_what_it_does(self, finance_client):
        call = make_call()
        assert finance_client.get(page("correct", call)).context["page_title"] == f"Correct {call}"

    def test_is_written_with_the_values_of_before(self, finance_client, finance):
        call = make_call()
        response = correct(finance_client, call, follow=True)
        assert "was saved." in check_page(response)
        event = AuditEvent.objects.of(call).first()
        assert event.changes == {
            "duration_seconds": [0, 95],
            "cost": [0, 0.1234],
            "status": ["active", "completed"],
        }
        assert (event.actor, event.reason) == (str(finance), "Carrier's invoice")

    def test_that_changes_nothing_is_refused(self, finance_client):
        call = change(make_call(), duration_seconds=95, cost="0.1234", status="completed")
        assert "Nothing would change" in check_page(correct(finance_client, call), 422)

    def test_of_one_value_leaves_the_others(self, finance_client):
        call = change(make_call(), cost=None, status="ringing")
        assert correct(finance_client, call, cost="", status="ringing").status_code == 302
        assert list(AuditEvent.objects.of(call).filter(source="app").first().changes) == ["duration_seconds"]

    def test_of_a_call_that_somebody_corrected_meanwhile_is_a_conflict(self, finance_client):
        call = make_call()
        opened = form_values(finance_client.get(page("correct", call)))
        assert correct(finance_client, call, duration_seconds="10").status_code == 302
        response = finance_client.post(page("correct", call), {**opened, **CORRECTION})
        check_page(response, 409)
        call.refresh_from_db()
        assert call.duration_seconds == 10

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("duration_seconds", "-1"),
            ("duration_seconds", "2147483648"),
            ("duration_seconds", "1.5"),
            ("cost", "-0.01"),
            ("cost", "0.12345"),
            ("cost", "1000000"),
            ("cost", "NaN"),
            ("cost", "Infinity"),
            ("cost", "x"),
            ("status", "active?"),
            ("reason", ""),
        ],
    )
    def test_wrong_input_is_refused_beside_its_field(self, finance_client, field, value):
        call = make_call()
        response = correct(finance_client, call, **{field: value})
        assert f'id="id_{field}_error"' in check_page(response, 422)
        assert {name: form_values(response)[name] for name in CORRECTION if name != field} == {
            name: typed for name, typed in CORRECTION.items() if name != field
        }
        assert not AuditEvent.objects.of(call).exists()

    def test_is_for_finance(self, support_client, manager_client):
        call = make_call()
        for client in (support_client, manager_client):
            html = check_page(client.post(page("correct", call), CORRECTION), 403)
            assert "telephony.correct_call" in html
            assert page("correct", call) not in check_page(client.get(call.get_absolute_url()))

    @pytest.mark.parametrize(
        "odd", [{"duration_seconds": None, "cost": None, "status": None}, {"status": "ringing", "cost": "-1"}]
    )
    def test_opens_over_odd_values(self, finance_client, odd):
        call = change(make_call(), **odd)
        assert correct(finance_client, call).status_code == 302


class TestRecord:
    def test_session_is_linked_by_its_text_id(self, support_client):
        session = make_session(external_id="call-abc")
        html = check_page(support_client.get(make_call(session_ref="call-abc").get_absolute_url()))
        assert session.get_absolute_url() in html
        html = check_page(support_client.get(make_call(session_ref="other").get_absolute_url()))
        assert "none matches its session id" in html

    def test_a_conversation_is_joined_with_what_speaks_against_it(self, support_client):
        agent = make_agent(make_organization(name="Stranger Inc"), name="Their desk")
        make_session(agent, external_id="call-abc")
        call = make_call(session_ref="call-abc")
        for _ in range(2):
            make_call(session_ref="call-abc")
        html = check_page(support_client.get(call.get_absolute_url()))
        for words in (
            "unverified",
            "another tenant&#x27;s: Their desk of Stranger Inc.",
            "2 other calls name the same",
        ):
            assert words in html, words
        make_session(external_id="default")
        html = check_page(support_client.get(make_call(session_ref="default").get_absolute_url()))
        assert "callers of all tenants share" in html
        html = check_page(support_client.get(make_call(session_ref="").get_absolute_url()))
        assert "no session id" in html

    def test_numbers_are_readable_and_what_is_stored_is_told(self, support_client):
        number = make_number(e164="+442079460000")
        call = make_call(phone_number=number, caller_number="+14155550100")
        html = check_page(support_client.get("/telephony/calls/"))
        assert 'title="+14155550100">+1 415-555-0100<' in html and ">+44 20 7946 0000<" in html
        html = check_page(support_client.get(call.get_absolute_url()))
        assert "+1 415-555-0100" in html and 'data-copy="+14155550100"' in html
        odd = make_call(caller_number="anonymous <b>")
        assert "anonymous &lt;b&gt;" in check_page(support_client.get(odd.get_absolute_url()))

    def test_a_call_that_was_never_closed_is_named(self, support_client, settings):
        call = make_call()
        settings.MAX_CALL_MINUTES = -1
        assert "the platform never closed it" in check_page(support_client.get(call.get_absolute_url()))

    def test_search_is_by_whole_values(self, support_client):
        call = make_call(caller_number="+14155550100", session_ref="call-77")
        make_call()
        for q in ("+14155550100", "call-77", str(call.pk), str(call.organization_id)):
            assert support_client.get("/telephony/calls/", {"q": q}).context["rows"] == [call], q


class TestRecording:
    def test_is_played_by_those_who_may_read_and_logged(self, support_client, support):
        call = make_call(recording_url="/demo/audio/x.wav")
        assert page("recording", call) in check_page(support_client.get(call.get_absolute_url()))
        response = support_client.get(page("recording", call))
        assert (response.status_code, response.url) == (302, "/demo/audio/x.wav")
        entry = ReadLog.objects.get(kind="recording")
        assert (entry.actor, entry.row_id, entry.organization_id) == (
            str(support),
            str(call.pk),
            call.organization_id,
        )

    def test_is_not_for_finance(self, finance_client):
        call = make_call(recording_url="/demo/audio/x.wav")
        html = check_page(finance_client.get(call.get_absolute_url()))
        assert "<audio" not in html and "x.wav" not in html
        check_page(finance_client.get(page("recording", call)), 403)

    @pytest.mark.parametrize(
        "url",
        [
            None,
            "",
            "https://evil.example/a.wav",
            "//evil.example/a.wav",
            "javascript:alert(1)",
            "/\\evil.example/a.wav",
            "https://media.example.evil/x",
        ],
    )
    def test_elsewhere_is_not_played(self, support_client, url, settings):
        settings.MEDIA_HOSTS = ["https://media.example"]
        call = make_call(recording_url=url)
        assert "<audio" not in check_page(support_client.get(call.get_absolute_url()))
        assert support_client.get(page("recording", call)).status_code == 404
        assert not ReadLog.objects.exists()

    def test_at_an_allowed_host_is_played(self, support_client, settings):
        settings.MEDIA_HOSTS = ["https://media.example"]
        call = make_call(recording_url="https://media.example/a.wav")
        assert support_client.get(page("recording", call)).url == "https://media.example/a.wav"


class TestMarkStale:
    """Nothing closes a call on the platform; one that lasts longer than any call does is marked by hand."""

    def days_ago(self, days):
        return timezone.now() - datetime.timedelta(days=days)

    @pytest.mark.parametrize(
        ("status", "days", "may"),
        [("active", 3, True), ("active", 0, False), ("completed", 3, False), ("stale", 3, False)],
    )
    def test_only_what_nobody_closed_is_marked(self, support, support_client, status, days, may):
        call = change(make_call(), status=status, created_at=self.days_ago(days), cost="1.5000")
        html = check_page(support_client.get(call.get_absolute_url()))
        assert (page("mark_stale", call) in html) is may
        response = support_client.post(page("mark_stale", call), {"reason": "Ticket 7"})
        assert response.status_code == (302 if may else 422)
        call.refresh_from_db()
        assert call.status == ("stale" if may else status)
        if may:
            event = AuditEvent.objects.of(call).get()
            assert (event.changes, event.actor, event.reason) == (
                {"status": ["active", "stale"]},
                str(support),
                "Ticket 7",
            )

    def test_is_not_for_managers(self, manager_client):
        call = change(make_call(), created_at=self.days_ago(3))
        assert page("mark_stale", call) not in check_page(manager_client.get(call.get_absolute_url()))
        check_page(manager_client.post(page("mark_stale", call), {"reason": "r"}), 403)


class TestOriginal:
    def test_is_kept_and_shown_with_who_when_and_why(self, finance_client, support_client, finance):
        call = make_call(cost="1.2000", duration_seconds=30)
        html = check_page(support_client.get(call.get_absolute_url()))
        assert 'id="corrections"' not in html
        correct(finance_client, call, cost="0.8000", duration_seconds="30", reason="Carrier's invoice")
        correct(finance_client, call, cost="0.7500", duration_seconds="45", reason="Second look")
        response = support_client.get(call.get_absolute_url())
        html = check_page(response)
        assert [(change.name, change.old, change.new) for change in response.context["original"]] == [
            ("cost", Decimal("1.2"), Decimal("0.75")),
            ("duration_seconds", 30, 45),
        ]
        assert "Cost 1.2000 → 0.8000" in html and "Cost 0.8000 → 0.7500" in html
        assert "Carrier&#x27;s invoice" in html and str(finance) in html
        rows = check_page(support_client.get(reverse("telephony:calllog_list")))
        assert "was 1.2000" in rows and "was 0:30" in rows
        make_call()
        found = support_client.get(reverse("telephony:calllog_list"), {"problem": "corrected"})
        assert found.context["rows"] == [call]

    def test_that_was_not_set_is_said(self, finance_client):
        call = make_call(cost=None)
        correct(finance_client, call)
        assert "was <span" in check_page(finance_client.get(reverse("telephony:calllog_list")))

    def test_changes_of_the_platform_are_no_corrections(self, support_client):
        call = change(make_call(cost="1.0000"), cost="2.0000")
        assert 'id="corrections"' not in check_page(support_client.get(call.get_absolute_url()))

    def test_correction_of_a_closed_month_says_where_it_lands(self, finance_client):
        call = make_call(created_at=datetime.datetime(2025, 9, 30, 23, 59, tzinfo=datetime.UTC))
        assert "is closed." not in check_page(finance_client.get(page("correct", call)))
        change(call.organization, created_at=datetime.datetime(2025, 1, 1, tzinfo=datetime.UTC))
        statement = make_statement(call.organization, datetime.date(2025, 9, 1))
        make_statement(call.organization, datetime.date(2025, 10, 1))
        for url in (page("correct", call), call.get_absolute_url()):
            html = check_page(finance_client.get(url))
            assert "September 2025 is closed." in html and statement.get_absolute_url() in html
            assert "November 2025" in html

    def test_settled_call_says_so(self, finance_client, owner):
        call = make_call(cost="1.2000")
        assert "is settled" not in check_page(finance_client.get(page("correct", call)))
        settle_call(owner, call, "1.2000")
        for url in (page("correct", call), call.get_absolute_url()):
            html = check_page(finance_client.get(url))
            assert "This call is settled" in html and "the difference goes into the next settlement" in html
        correct(finance_client, call, cost="0.8000")
        html = check_page(finance_client.get(call.get_absolute_url()))
        assert "The difference to its cost now, −0.4000, goes into the next settlement" in html


def settle_call(owner, call, cost):
    """As the settlement of a day would have put it down."""
    day = datetime.date(2025, 9, 1)
    owner(
        "insert into billing.settlement_day (day, usage_rate, call_rate, with_estimates, actor)"
        " values (%s, 1, 1, false, 'x')",
        [day],
    )
    ((pk,),) = owner(
        "insert into billing.settlement (organization_id, organization_name, day, usage_cost, call_cost,"
        " estimated_cost, late_cost, amount) values (%s, 'x', %s, 0, %s, 0, 0, 1.20) returning id",
        [call.organization_id, day, cost],
    )
    owner(
        "insert into billing.settled_row (settlement_id, source, row_id, organization_id, day, cost, total,"
        " is_estimated, is_late) values (%s, 'call', %s, %s, %s, %s, %s, false, false)",
        [pk, call.pk, call.organization_id, day, cost, cost],
    )
