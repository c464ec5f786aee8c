"""The filter bar: what a search finds, days, values nobody listed, and errors that keep the rest."""

import copy

import pytest
from django.db import connection
from django.forms import MultipleChoiceField
from django.forms.boundfield import BoundField
from django.http import QueryDict
from django.test.utils import CaptureQueriesContext

from agents.tests.factories import make_agent, make_message, make_session
from backoffice.filters import Query, field_html
from backoffice.generic import ListView
from backoffice.testing_crud import check_page
from backoffice.tests.site import patterns
from backoffice.widgets import whole_field
from billing.tests.factories import make_usage
from telephony.tests.factories import make_call, make_number
from tenants.tests.factories import change, make_organization, make_profile


def rows(client, url, **params):
    response = client.get(url, params)
    check_page(response)
    return response.context["rows"]


FILTERSETS = {
    view.filterset_class
    for _, _, pattern in patterns()
    if issubclass(view := getattr(pattern.callback, "view_class", object), ListView)
}


class TestBrokenValues:
    url = "/telephony/calls/"

    def test_show_their_error_and_keep_the_rest(self, support_client):
        call = make_call(caller_number="+14155550100")
        make_call()
        params = {"q": "+14155550100", "since": "2026-02-30", "status": "active", "organization": "nonsense"}
        response = support_client.get(self.url, params)
        html = check_page(response)
        assert response.context["rows"] == [call]
        assert 'id="id_since_error"' in html and 'id="id_organization_error"' in html
        assert 'value="+14155550100"' in html and 'value="2026-02-30"' in html
        assert response.context["reset_url"] == self.url

    def test_hidden_ones_show_theirs_too(self, support_client):
        html = check_page(support_client.get("/agents/messages/", {"session": "nonsense"}))
        assert 'id="id_session_error"' in html and "valid UUID" in html

    def test_survive_paging_and_sorting_links(self, support_client, monkeypatch):
        from backoffice.generic import lists

        monkeypatch.setattr(lists, "PAGE_SIZE", 1)
        make_call(), make_call()
        response = support_client.get(self.url, {"since": "nonsense", "status": "active"})
        assert (
            "since=nonsense" in response.context["next_url"]
            and "status=active" in response.context["next_url"]
        )

    def test_repeated_parameters_take_the_last(self, support_client):
        call = make_call(status="busy")
        response = support_client.get(f"{self.url}?status=active&status=busy")
        assert response.context["rows"] == [call]


class TestValuesNobodyListed:
    def test_filter_by_what_is_stored(self, support_client):
        odd = make_call(status="ringing")
        make_call()
        assert rows(support_client, "/telephony/calls/", status="ringing") == [odd]
        page = support_client.get("/telephony/calls/?status=ringing").content.decode()
        assert '<option value="ringing" selected>ringing</option>' in page
        assert (
            "ringing"
            not in support_client.get("/telephony/calls/?status=busy").content.decode().partition("<table")[0]
        )

    def test_not_set_is_a_value(self, support_client):
        none = make_call(status=None)
        make_call()
        assert rows(support_client, "/telephony/calls/", status="null") == [none]

    def test_a_parent_that_is_gone_is_an_error_beside_the_field(self, support_client):
        html = check_page(
            support_client.get("/telephony/calls/", {"agent": "00000000-0000-4000-8000-000000000000"})
        )
        assert 'id="id_agent_error"' in html


class TestDays:
    url = "/agents/sessions/"

    @pytest.mark.parametrize("day", ["0001-01-01", "0001-01-02", "9999-12-31", "9998-12-31"])
    def test_at_the_edge_of_the_calendar_are_no_error(self, support_client, support, day):
        type(support).objects.filter(pk=support.pk).update(time_zone="Pacific/Kiritimati")
        make_session()
        rows(support_client, self.url, since=day)
        rows(support_client, self.url, until=day)

    def test_change_of_the_clocks_is_counted(self, support_client, support):
        type(support).objects.filter(pk=support.pk).update(time_zone="Europe/Berlin")
        last = make_session(created_at="2026-03-29T21:59:59Z")  # 23:59:59 in summer time
        make_session(created_at="2026-03-29T22:00:00Z")
        first = make_session(created_at="2026-03-28T23:00:00Z")
        make_session(created_at="2026-03-28T22:59:59Z")
        assert rows(support_client, self.url, since="2026-03-29", until="2026-03-29") == [last, first]

    def test_rows_without_a_time_are_in_no_period(self, support_client):
        make_session(created_at=None)
        assert rows(support_client, self.url, until="2100-01-01") == []
        assert rows(support_client, self.url, since="1900-01-01") == []


class TestSearch:
    def test_ids_of_parents_find_their_rows(self, support_client):
        number = make_number(agent=make_agent())
        call = make_call(phone_number=number)
        make_call()
        assert rows(support_client, "/telephony/calls/", q=str(call.agent_id).upper()) == [call]
        assert rows(support_client, "/agents/agents/", q=str(number.organization_id)) == [number.agent]

    def test_rows_of_a_parent_are_found_by_its_key_not_compared_with_it(self, manager_client):
        """Beside an id of the row itself, a condition on what is joined would be asked of every row there is."""
        message = make_message(make_session(external_id="embed-1"))
        make_message()
        with CaptureQueriesContext(connection) as queries:
            for text in ("embed-1", str(message.session_id)):
                assert rows(manager_client, "/agents/messages/", q=text) == [message]
        lists = [query["sql"] for query in queries if 'FROM "agent_messages"' in query["sql"]]
        assert lists and all('"agent_messages"."session_id" = any(ARRAY(' in text for text in lists)
        assert not any('"agent_sessions"."session_id" = ' in text for text in lists)
        assert not any('"agent_messages"."session_id" = \'' in text for text in lists), (
            "20,000 turns of one moment"
        )

    @pytest.mark.parametrize(
        "around", ["\u200e{}", "\u200f{}\u200e", "\u202a{}\u202c", " \u2068{}\u2069 ", "\ufeff{}\u200b"]
    )
    def test_what_nobody_sees_around_it_is_not_searched_for(self, support_client, around):
        call = make_call(caller_number="+14155550173")
        make_call()
        for text in ("+14155550173", str(call.pk), call.session_ref):
            assert rows(support_client, "/telephony/calls/", q=around.format(text)) == [call]
        assert len(rows(support_client, "/telephony/calls/", q=around.format(""))) == 2

    def test_an_id_is_no_name_of_a_model(self, support_client):
        usage = make_usage()
        with CaptureQueriesContext(connection) as queries:
            assert rows(support_client, "/billing/usage/", q=str(usage.pk)) == [usage]
        assert not any('"model_used" = ' in query["sql"] for query in queries)
        usage = make_usage(model_used="gpt-4o")
        assert rows(support_client, "/billing/usage/", q="gpt-4o") == [usage]

    def test_case_and_accents_are_taken_as_they_are_but_for_case(self, support_client):
        make_organization(name="ÅNGSTRÖM")
        (found,) = rows(support_client, "/tenants/organizations/", q="ångström")
        assert found.name == "ÅNGSTRÖM"

    def test_few_digits_are_no_number(self, support_client):
        # Names and mail of the factory have numbers in them, which a search would find.
        words = {"email": "ada@example.test", "full_name": "Ada", "company_name": "Acme"}
        profile = change(make_profile(), phone_number="+49 30 123", **words)
        assert rows(support_client, "/tenants/profiles/", q="30123") == [profile]
        assert rows(support_client, "/tenants/profiles/", q="12") == []


class TestHtmx:
    def test_gets_the_results_alone(self, support_client):
        make_organization(name="Only me")
        response = support_client.get(
            "/tenants/organizations/", {"q": "only"}, headers={"HX-Request": "true"}
        )
        html = response.content.decode()
        assert "Only me" in html and "<html" not in html and 'role="search"' not in html


def test_addresses_of_neighbours_keep_the_other_parameters():
    query = Query(QueryDict("q=a%26b&status=x&status=y&after=z"))
    assert str(query.without("after").with_(sort="-name")) == "?q=a%26b&status=x&status=y&sort=-name"
    assert str(Query(QueryDict(""))) == "?"
    assert str(query) == "?q=a%26b&status=x&status=y&after=z"


class TestFieldsThatAreNotUsed:
    """What a filter bar shows of a filter that nobody uses is kept; nothing of anybody's request may be in it."""

    @pytest.mark.parametrize(
        "filterset", sorted(FILTERSETS, key=str), ids=lambda filterset: filterset.__name__
    )
    def test_is_what_a_field_made_anew_shows(self, db, filterset):
        def bar(query):
            return filterset(QueryDict(query), queryset=filterset._meta.model._default_manager.none()).form

        names = list(bar("").fields)
        # Each with a broken value and words that were searched for, then without.
        bar("&".join(f"{name}=junk&{name}_search=osprey" for name in names)).as_p()
        single = [name for name in names if not isinstance(bar("").fields[name], MultipleChoiceField)]
        for form in (bar(""), bar("&".join(f"{name}=" for name in single))):
            assert not form.errors and form.idle == set(names)
            for field in form:
                kept = field_html(field), field_html(field)
                anew = BoundField(form, copy.deepcopy(field.field), field.name)
                for html in kept:  # a date that is said to be empty has this empty value
                    assert html.replace(' value=""', "") == whole_field(anew, plain=True).replace(
                        ' value=""', ""
                    )
                    assert "junk" not in html and "osprey" not in html

    def test_a_filter_of_several_values_is_used_by_any_of_them(self, finance_client):
        html = check_page(finance_client.get("/billing/ledger/?kind=topup&kind="))
        assert 'id="id_kind_error"' in html or 'value="topup"' in html

    def test_each_request_has_its_own(self, support_client):
        tenant = make_organization(name="Fairweather")
        url = "/telephony/calls/"
        plain = check_page(support_client.get(url))
        assert "Fairweather" in check_page(support_client.get(url, {"organization": tenant.pk}))
        assert "Fairweather" in check_page(support_client.get(url, {"organization_search": "fair"}))
        again = check_page(support_client.get(url))
        assert again.count("picker") == plain.count("picker") and "fair" not in again.lower()
