"""Phone numbers: whose they are, who answers, releasing and taking back."""

import re
import sys

import phonenumbers
import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction
from django.urls import reverse

from agents.tests.factories import make_agent
from backoffice import services
from backoffice.models import AuditEvent
from backoffice.testing_crud import CrudTests, check_page, form_values
from telephony.countries import COUNTRIES
from telephony.dialling import country_of, readable
from telephony.models import PhoneNumber, PhoneNumberQuerySet
from telephony.services import reactivate_number, release_number
from telephony.tests.factories import make_call, make_number
from tenants.tests.factories import change, make_organization


class TestPhoneNumberPages(CrudTests):
    model = PhoneNumber
    edit_data = {"provider_sid": "PN0001", "provider": "telnyx"}
    their_data = {"provider_sid": "PN0002", "provider": "livekit"}

    def make(self, n):
        return make_number(make_organization(), agent=None, e164=f"+4420794600{n:02}")

    def form_data(self):
        return {"organization": self.obj.organization_id, "e164": "+14155550100", "provider": "twilio"}

    def block(self, obj):
        make_call(phone_number=obj)
        return "1 call log"


def page(name, number):
    return reverse(f"telephony:phonenumber_{name}", args=[number.pk])


class TestForm:
    add = "/telephony/numbers/add/"

    @pytest.mark.parametrize("typed", ["+1 (415) 555-0100", "001 415 555 0100", " +14155550100 "])
    def test_a_number_is_stored_as_the_platform_compares_it(self, support_client, typed):
        data = {"e164": typed, "organization": make_organization().pk, "provider": "twilio"}
        assert support_client.post(self.add, data).status_code == 302
        assert PhoneNumber.objects.get().e164 == "+14155550100"

    @pytest.mark.parametrize(
        "typed", ["415 555 0100", "+1", "+1415555010099999", "call me", "+999 1234567", ""]
    )
    def test_what_cannot_be_dialled_is_refused_and_kept(self, support_client, typed):
        data = {"e164": typed, "organization": make_organization().pk, "provider_sid": "PN1"}
        response = support_client.post(self.add, data)
        assert 'id="id_e164_error"' in check_page(response, 422)
        again = form_values(response)
        assert (again["e164"], again["organization"], again["provider_sid"]) == (
            typed,
            str(data["organization"]),
            "PN1",
        )

    def test_a_number_that_exists_is_refused_with_a_sentence(self, support_client):
        number = make_number()
        data = {"e164": number.e164, "organization": number.organization_id}
        html = check_page(support_client.post(self.add, data), 422)
        assert 'id="id_e164_error"' in html and "already exists" in html
        assert "A number of another organization is moved" not in html
        html = check_page(
            support_client.post(self.add, {**data, "organization": make_organization().pk}), 422
        )
        assert "A number of another organization is moved" in html

    def test_a_number_added_a_moment_ago_by_somebody_else_is_a_sentence_too(
        self, support_client, monkeypatch
    ):
        number = make_number()
        monkeypatch.setattr(PhoneNumberQuerySet, "same_digits_as", lambda *args: [])
        monkeypatch.setattr(PhoneNumber, "validate_unique", lambda *args, **kwargs: None)
        monkeypatch.setattr(PhoneNumber, "validate_constraints", lambda *args, **kwargs: None)
        data = {"e164": number.e164, "organization": number.organization_id}
        html = check_page(support_client.post(self.add, data), 422)
        assert "Another record has this value already; it must be unique." in html

    def test_another_tenants_agent_is_refused_beside_the_field(self, support_client):
        stranger = make_agent(make_organization(name="Stranger Inc"))
        data = {"e164": "+14155550100", "organization": make_organization().pk, "agent": stranger.pk}
        html = check_page(support_client.post(self.add, data), 422)
        assert 'id="id_agent_error"' in html and "belongs to another organization (Stranger Inc)" in html

    def test_the_database_refuses_another_tenants_agent_too(self, support):
        number, stranger = make_number(), make_agent()
        number.agent = stranger
        with pytest.raises(IntegrityError, match="another organization"), transaction.atomic():
            services.save(number, actor=support, reason="r")
        number.refresh_from_db()
        assert number.agent is None

    def test_the_form_of_a_number_does_not_move_it_and_the_database_refuses_to_part_it_from_its_agent(
        self, support_client, support
    ):
        number = make_number(agent=make_agent())
        other = make_organization()
        form = form_values(support_client.get(page("edit", number)))
        assert "organization" not in form
        data = {**form, "organization": other.pk, "provider_sid": "PN9"}
        assert support_client.post(page("edit", number), data).status_code == 302
        assert PhoneNumber.objects.get().organization == number.organization
        with (
            pytest.raises(IntegrityError),
            transaction.atomic(),
            services.acting(support),
            connection.cursor() as cursor,
        ):
            cursor.execute(
                "update phone_numbers set organization_id = %s where id = %s", [other.pk, number.pk]
            )

    @pytest.mark.parametrize(
        ("typed", "country", "stored"),
        [
            ("020 7946 0001", "UK", "+442079460001"),
            ("tel:+1-415-555-0100", "", "+14155550100"),
            ("tel:020-7946-0000;phone-context=+44", "", "+442079460000"),
            ("＋４４ ２０ ７９４６ ００００", "", "+442079460000"),
            ("\u202a+44 (0)20 7946\u00a00000\u202c", "", "+442079460000"),
            ("020 7946 0000", "gb", "+442079460000"),
            ("020 7946 0000", "+44", "+442079460000"),
            ("00442079460000", "US", "+442079460000"),
            ("0041 44 668 18 00", "", "+41446681800"),
        ],
    )
    def test_it_is_e164_whatever_was_typed(self, support_client, typed, country, stored):
        data = {"e164": typed, "country": country, "organization": make_organization().pk}
        response = support_client.post(self.add, data, follow=True)
        assert PhoneNumber.objects.get().e164 == stored
        assert f"Understood as {readable(stored)}" in check_page(response)

    def test_a_national_number_is_read_in_the_country_of_the_setting(self, support_client, settings):
        settings.PHONE_DEFAULT_REGION = "DE"
        data = {"e164": "030 123456", "organization": make_organization().pk}
        html = check_page(support_client.post(self.add, data, follow=True))
        assert PhoneNumber.objects.get().e164 == "+4930123456"
        assert "(Germany, read as a number of that country because no country code was typed)" in html

    @pytest.mark.parametrize(
        ("data", "field", "says"),
        [
            ({"e164": "+1 415 555 0100 ext. 12"}, "e164", "The extension “12” cannot be part of it"),
            ({"e164": "+1 555 0100"}, "e164", "The area code is missing"),
            ({"e164": "+1 415"}, "e164", "too few digits for a number of"),
            ({"e164": "020 7946 0000"}, "e164", "say which country it is of"),
            ({"e164": "020 7946 0000", "country": "Britain"}, "country", "two letters of a country"),
            ({"e164": "020 7946 0000", "country": "ZZ"}, "country", "two letters of a country"),
        ],
    )
    def test_what_is_missing_is_said_beside_the_field(self, support_client, data, field, says):
        data["organization"] = make_organization().pk
        response = support_client.post(self.add, data)
        html = check_page(response, 422)
        assert f'id="id_{field}_error"' in html and says in html
        assert form_values(response)["e164"] == data["e164"]

    def test_a_number_that_nobody_is_given_is_stored_and_said(self, support_client):
        data = {"e164": "+1 123 456 7890", "organization": make_organization().pk}
        html = check_page(support_client.post(self.add, data, follow=True))
        assert "no such number is given out there" in html and PhoneNumber.objects.count() == 1

    def test_how_it_was_read_is_said_beside_it_when_another_field_is_wrong(self, support_client):
        data = {"e164": "+442079460000", "organization": make_organization().pk, "agent": make_agent().pk}
        html = check_page(support_client.post(self.add, data), 422)
        assert "Understood as +44 20 7946 0000 (United Kingdom)." in html

    @pytest.mark.parametrize("stored", ["0044 20 7946 0000", "442079460000", "+44 (20) 7946-0000"])
    def test_the_same_digits_in_another_form_are_an_error_that_names_the_row(self, support_client, stored):
        other = change(make_number(make_organization(name="Holder")), e164=stored)
        data = {"e164": "+44 20 7946 0000", "organization": make_organization().pk}
        html = check_page(support_client.post(self.add, data), 422)
        assert "The same digits exist already" in html and stored in html and "of Holder" in html
        assert f'href="{other.get_absolute_url()}"' in html
        data = form_values(support_client.get(page("edit", other))) | {"e164": "+442079460000"}
        assert support_client.post(page("edit", other), data).status_code == 302  # itself is nobody else

    def test_only_agents_of_the_same_organization_are_offered(self, support_client):
        number = make_number(make_organization())
        own, stranger = make_agent(number.organization, name="Desk A"), make_agent(name="Desk B")
        html = check_page(support_client.get(page("edit", number)))
        picker = re.search(r'hx-get="(/pick/agents.agent/[^"]*)"', html)[1]
        found = support_client.get(f"{picker}&name=agent&agent_search=Desk").content.decode()
        assert str(own.pk) in found and str(stranger.pk) not in found
        data = {"_pick": "agent", "agent_search": "Desk"}
        found = check_page(support_client.post(page("edit", number), data))
        assert str(own.pk) in found and str(stranger.pk) not in found
        assert "organization" in picker and support_client.get("/pick/agents.agent/?organization=x").content

    def test_a_number_that_is_mismatched_already_can_still_be_edited(self, support_client):
        number = change(make_number(), agent=make_agent())
        data = form_values(support_client.get(page("edit", number)))
        response = support_client.post(page("edit", number), {**data, "provider_sid": "PN9", "reason": "r"})
        assert response.status_code == 302
        assert AuditEvent.objects.of(number).first().changes == {"provider_sid": [None, "PN9"]}

    def test_an_old_number_in_another_format_is_left_as_it_is(self, support_client):
        number = change(make_number(), e164="call-centre 7")
        data = form_values(support_client.get(page("edit", number)))
        assert support_client.post(page("edit", number), {**data, "provider_sid": "PN9"}).status_code == 302
        number.refresh_from_db()
        assert number.e164 == "call-centre 7"

    def test_unknown_stored_values_stay_choosable(self, support_client):
        number = change(make_number(), provider="carrier pigeon")
        response = support_client.get(page("edit", number))
        assert "carrier pigeon (not a known value)" in check_page(response)
        assert form_values(response)["provider"] == "carrier pigeon"


class TestRelease:
    def test_released_number_keeps_who_and_why(self, support):
        number = release_number(make_number(), actor=support, reason="Tenant left")
        event = AuditEvent.objects.of(number).first()
        assert event.changes == {"status": ["active", "released"]}
        assert (event.actor, event.reason) == (str(support), "Tenant left")

    def test_number_is_released_once(self, support):
        number = release_number(make_number(), actor=support, reason="r")
        with pytest.raises(ValidationError, match="already released"):
            release_number(number, actor=support, reason="again")
        assert AuditEvent.objects.of(number).filter(action="update").count() == 1

    def test_number_comes_back_once(self, support):
        number = change(make_number(), status="released")
        assert reactivate_number(number, actor=support, reason="r").status == "active"
        with pytest.raises(ValidationError, match="already active"):
            reactivate_number(number, actor=support, reason="again")

    @pytest.mark.parametrize("status", [None, "suspended", "ACTIVE"])
    def test_odd_statuses_can_be_released_and_reactivated(self, support, status):
        assert (
            release_number(change(make_number(), status=status), actor=support, reason="r").status
            == "released"
        )
        assert (
            reactivate_number(change(make_number(), status=status), actor=support, reason="r").status
            == "active"
        )

    def test_page_asks_for_a_reason_and_shows_the_refusal(self, support_client):
        number = make_number()
        check_page(support_client.get(page("release", number)))
        assert 'id="id_reason_error"' in check_page(support_client.post(page("release", number), {}), 422)
        number.refresh_from_db()
        assert number.status == "active"
        response = support_client.post(page("release", number), {"reason": "Tenant left"}, follow=True)
        assert f"{number} was released." in check_page(response)
        html = check_page(support_client.post(page("release", number), {"reason": "typed twice"}), 422)
        assert "is already released." in html and "typed twice" in html

    def test_only_the_verb_that_makes_sense_is_offered(self, support_client):
        number = make_number()
        html = check_page(support_client.get(number.get_absolute_url()))
        assert page("release", number) in html and page("reactivate", number) not in html
        change(number, status="released")
        html = check_page(support_client.get(number.get_absolute_url()))
        assert page("release", number) not in html and page("reactivate", number) in html


class TestListAndRecord:
    url = "/telephony/numbers/"

    def test_numbers_are_found_in_any_format(self, support_client):
        number = make_number(e164="+442079460000")
        make_number(e164="+14155550100")
        for q in ("+44 20 7946 0000", "0044 20 79460000", "020 7946 0000", "7946-0000", str(number.pk)):
            assert support_client.get(self.url, {"q": q}).context["rows"] == [number], q
        assert support_client.get(self.url, {"q": "no digits"}).context["rows"] == []

    def test_problems_are_found(self, support_client):
        alone = make_number()
        fine = make_number(agent=make_agent())
        wrong = change(make_number(), agent=make_agent())
        rows = lambda problem: support_client.get(self.url, {"problem": problem}).context["rows"]  # noqa: E731
        assert rows("unassigned") == [alone] and rows("mismatched") == [wrong]
        assert fine in support_client.get(self.url, {"agent": fine.agent_id}).context["rows"]
        assert "another tenant" in check_page(support_client.get(self.url))

    def test_what_callers_will_meet_is_said(self, support_client):
        number = change(make_number(), status="released")
        html = check_page(support_client.get(number.get_absolute_url()))
        assert "Not active: the platform answers 404" in html
        assert "No agent is assigned" in html and "answers 402 to calls" in html


@pytest.mark.parametrize(
    ("number", "country"),
    [
        ("+442079460000", "United Kingdom"),
        ("+14155550100", "United States"),
        ("+14165550100", "Canada"),
        ("+390236618300", "Italy"),
        ("+18005550100", "country code +1"),
        ("+80012345678", "country code +800"),
    ],
)
def test_the_country_of_a_number(number, country):
    assert country_of(phonenumbers.parse(number)) == country


def test_every_country_has_a_name_without_the_places_of_the_world():
    assert set(COUNTRIES) >= phonenumbers.SUPPORTED_REGIONS
    assert "phonenumbers.geodata" not in sys.modules, "98 MB of area codes, in every process"
