"""User profiles: support changes the person, finance the plan, admins both."""

import pytest
from django.urls import reverse

from backoffice.models import AuditEvent
from backoffice.testing import platform
from backoffice.testing_crud import CrudTests, check_page, form_values
from tenants.models import UserProfile
from tenants.tests.factories import change, make_login, make_organization, make_profile

PERSON = {"email", "full_name", "company_name", "phone_number", "avatar_url"}
PLAN = {"subscription_tier", "stripe_customer_id", "stripe_subscription_id"}
ALWAYS = {"csrfmiddlewaretoken", "reason", "opened"}


def login_without_profile(email):
    login = make_login(email)
    with platform():
        UserProfile.objects.filter(pk=login).delete()
    return login


class TestUserProfilePages(CrudTests):
    model = UserProfile
    edit_data = {"full_name": "Zoë Quinn", "company_name": "Quinn Ltd"}
    their_data = {"full_name": "Zoe Q.", "company_name": "Other Ltd"}

    def make(self, n):
        return make_profile(email=f"person{n}@example.test")

    def form_data(self):
        login_without_profile("no.profile@example.test")
        return {"login": "no.profile@example.test", "email": "no.profile@example.test", "full_name": "Nora"}

    def make_deletable(self):
        profile = self.make(99)
        with platform():
            profile.organizations.all().delete()
        return profile

    def block(self, obj):
        make_organization(owner=obj)
        return "organization"


def edit(profile):
    return reverse("tenants:userprofile_edit", args=[profile.pk])


class TestWhoWritesWhat:
    def test_support_gets_the_person_and_not_the_plan(self, support_client):
        assert set(form_values(support_client.get(edit(make_profile())))) == PERSON | ALWAYS

    def test_finance_gets_the_plan_and_not_the_person(self, finance_client):
        assert set(form_values(finance_client.get(edit(make_profile())))) == PLAN | ALWAYS

    def test_admins_get_both(self, admin_client):
        assert set(form_values(admin_client.get(edit(make_profile())))) == PERSON | PLAN | ALWAYS

    def test_managers_get_neither(self, manager_client):
        assert "tenants.change_userprofile" in check_page(manager_client.get(edit(make_profile())), 403)

    @pytest.mark.parametrize("role", ["support_client", "finance_client"])
    def test_what_the_form_left_out_cannot_be_sent_along(self, request, role):
        client = request.getfixturevalue(role)
        profile = make_profile(full_name="Before", subscription_tier="free")
        data = form_values(client.get(edit(profile)))
        smuggled = {"full_name": "Smuggled", "subscription_tier": "pro", "stripe_customer_id": "cus_1"}
        assert client.post(edit(profile), {**data, **smuggled, "reason": "r"}).status_code == 302
        profile.refresh_from_db()
        if role == "support_client":
            assert (profile.full_name, profile.subscription_tier, profile.stripe_customer_id) == (
                "Smuggled",
                "free",
                None,
            )
        else:
            assert (profile.full_name, profile.subscription_tier, profile.stripe_customer_id) == (
                "Before",
                "pro",
                "cus_1",
            )

    def test_finance_changes_a_tier_with_its_audit(self, finance_client, finance):
        profile = make_profile()
        data = form_values(finance_client.get(edit(profile)))
        finance_client.post(edit(profile), {**data, "subscription_tier": "pro", "reason": "Contract 7"})
        event = AuditEvent.objects.of(profile).first()
        assert event.changes == {"subscription_tier": ["free", "pro"]}
        assert (event.actor, event.reason) == (str(finance), "Contract 7")

    def test_support_cannot_add_a_paying_profile(self, support_client):
        login_without_profile("new@example.test")
        data = {"login": "new@example.test", "email": "new@example.test", "subscription_tier": "enterprise"}
        assert support_client.post(reverse("tenants:userprofile_add"), data).status_code == 302
        assert UserProfile.objects.get(email="new@example.test").subscription_tier == "free"

    def test_edit_is_offered_to_those_who_may(self, support_client, finance_client, manager_client):
        profile = make_profile()
        for client, offered in ((support_client, True), (finance_client, True), (manager_client, False)):
            assert (edit(profile) in check_page(client.get(profile.get_absolute_url()))) == offered


class TestForm:
    def test_an_unknown_tier_stays_choosable_on_its_own_row(self, finance_client):
        profile = change(make_profile(), subscription_tier="founder")
        response = finance_client.get(edit(profile))
        assert "founder (not a known value)" in check_page(response)
        data = form_values(response)
        assert data["subscription_tier"] == "founder"
        assert finance_client.post(edit(profile), {**data, "stripe_customer_id": "cus_2"}).status_code == 302
        assert AuditEvent.objects.of(profile).first().changes == {"stripe_customer_id": [None, "cus_2"]}

    def test_a_tier_that_nobody_knows_is_refused_on_another_row(self, finance_client):
        profile = make_profile()
        data = form_values(finance_client.get(edit(profile)))
        html = check_page(finance_client.post(edit(profile), {**data, "subscription_tier": "founder"}), 422)
        assert 'id="id_subscription_tier_error"' in html

    def test_a_mail_address_that_is_taken_is_said_beside_the_field(self, support_client):
        make_profile(email="taken@example.test")
        profile = make_profile()
        data = form_values(support_client.get(edit(profile)))
        html = check_page(support_client.post(edit(profile), {**data, "email": "taken@example.test"}), 422)
        assert 'id="id_email_error"' in html and "already exists" in html

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("email", "no mail"),
            ("email", ""),
            ("avatar_url", "javascript:alert(1)"),
            ("full_name", "x" * 256),
            ("phone_number", "1" * 51),
        ],
    )
    def test_wrong_input_is_refused_beside_its_field_and_kept(self, support_client, field, value):
        profile = make_profile()
        data = {**form_values(support_client.get(edit(profile))), "reason": "typed", field: value}
        response = support_client.post(edit(profile), data)
        assert f'id="id_{field}_error"' in check_page(response, 422)
        again = form_values(response)
        assert {name: again[name] for name in PERSON | {"reason"}} == {
            name: data[name] for name in PERSON | {"reason"}
        }

    def test_an_emptied_field_becomes_null(self, support_client):
        profile = make_profile(company_name="Acme")
        data = form_values(support_client.get(edit(profile)))
        support_client.post(edit(profile), {**data, "company_name": ""})
        profile.refresh_from_db()
        assert profile.company_name is None

    def test_a_login_that_has_a_profile_is_refused(self, support_client):
        make_profile(email="has@example.test")
        data = {"login": "has@example.test", "email": "x@example.test"}
        html = check_page(support_client.post(reverse("tenants:userprofile_add"), data), 422)
        assert "This login has a profile already." in html and 'id="id_login_error"' in html


class TestRecord:
    def test_a_hostile_avatar_is_text_and_not_fetched(self, support_client):
        profile = change(make_profile(), avatar_url="https://evil.example/x.png")
        html = check_page(support_client.get(profile.get_absolute_url()))
        assert "https://evil.example/x.png" in html and 'src="https://evil' not in html

    def test_enterprise_is_explained(self, support_client):
        profile = change(make_profile(), subscription_tier="enterprise")
        html = check_page(support_client.get(profile.get_absolute_url()))
        assert "enterprise gets the free limit" in html

    def test_a_number_is_found_by_its_digits_in_any_format(self, support_client):
        profile = change(make_profile(), phone_number="+49 (30) 1234-567")
        make_profile()
        for q in ("0049301234567", "30 1234567", "+49 30 1234 567"):
            rows = support_client.get("/tenants/profiles/", {"q": q}).context["rows"]
            assert rows == [profile], q
