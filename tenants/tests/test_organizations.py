"""Organizations: their pages, and creating one for a login that exists."""

import uuid
from decimal import Decimal

import pytest
from django.urls import reverse

from agents.tests.factories import make_agent
from backoffice import keyset
from backoffice.models import AuditEvent
from backoffice.testing_crud import CrudTests, check_page, form_values
from billing.models import CreditTransaction
from billing.tests.factories import make_posting
from tenants.models import Organization, UserProfile
from tenants.tests.factories import change, make_login, make_organization, make_profile


class TestOrganizationPages(CrudTests):
    model = Organization
    edit_data = {"name": "Meier & Söhne"}
    gone = 410
    their_data = {"name": "Meyer GmbH"}

    def make(self, n):
        return make_organization(name=f"Tenant {n:02}")

    def form_data(self):
        make_login("new.owner@example.test")
        return {"name": "Second shop", "login": "new.owner@example.test"}

    def block(self, obj):
        make_agent(obj)
        return "1 agent"


ADD = "/tenants/organizations/add/"


class TestCreatingATenant:
    @pytest.mark.parametrize("by", ["mail", "capitals", "id"])
    def test_login_is_found_by_mail_or_id(self, support_client, by):
        login = make_login("jane@example.test")
        typed = {"mail": " jane@example.test ", "capitals": "Jane@Example.TEST", "id": str(login).upper()}[by]
        response = support_client.post(ADD, {"name": "Jane's shop", "login": typed})
        assert response.status_code == 302
        organization = Organization.objects.get(name="Jane's shop")
        assert (organization.owner_id, organization.credits_balance) == (login, Decimal(0))
        assert not CreditTransaction.objects.filter(organization_id=organization.pk).exists()

    @pytest.mark.parametrize(
        "typed", ["nobody@example.test", "00000000-0000-0000-0000-000000000000", "jane", "%", "'"]
    )
    def test_without_a_login_the_page_says_how_to_make_one_in_supabase(self, support_client, typed):
        make_login("jane@example.test")
        response = support_client.post(ADD, {"name": "Kept name", "login": typed})
        html = check_page(response, 422)
        assert "Make one in Supabase first: Authentication, Users, Add user" in html
        assert 'id="id_login_error"' in html
        assert form_values(response)["name"] == "Kept name" and form_values(response)["login"] == typed

    def test_several_logins_with_one_mail_are_told_apart_by_id(self, support_client, owner):
        first = make_login("twice@example.test")
        second = make_login("other@example.test")
        owner(
            "update auth.users set email = 'twice@example.test', is_sso_user = true where id = %s", [second]
        )
        html = check_page(support_client.post(ADD, {"name": "Shop", "login": "twice@example.test"}), 422)
        assert str(first) in html and str(second) in html

    def test_a_balance_cannot_be_smuggled_in(self, support_client):
        make_login("jane@example.test")
        data = {
            "name": "Rich",
            "login": "jane@example.test",
            "credits_balance": "500",
            "owner": "x",
            "id": "x",
        }
        assert support_client.post(ADD, data).status_code == 302
        assert Organization.objects.get(name="Rich").credits_balance == 0

    @pytest.mark.parametrize("name", ["", "   ", "x" * 256])
    def test_a_name_has_1_to_255_characters(self, support_client, name):
        make_login("jane@example.test")
        html = check_page(support_client.post(ADD, {"name": name, "login": "jane@example.test"}), 422)
        assert 'id="id_name_error"' in html


class TestOrganizationPage:
    def test_says_what_calls_will_run_into(self, support_client):
        tenant = make_organization(credits_balance=None)
        html = check_page(support_client.get(tenant.get_absolute_url()))
        assert "The balance is not set: calls end in a server error" in html

    def test_an_owner_without_profile_is_named_as_such(self, support_client, owner):
        tenant = make_organization()
        owner("delete from user_profiles where id = %s", [tenant.owner_id])
        html = check_page(support_client.get(tenant.get_absolute_url()))
        assert "has no profile" in html and str(tenant.owner_id) in html
        assert "no profile" in check_page(support_client.get(reverse("tenants:organization_list")))

    def test_other_organizations_of_the_owner_are_linked(self, support_client):
        profile = make_profile()
        other = make_organization(owner=profile, name="Sister firm")
        first = profile.organizations.exclude(pk=other.pk).get()
        html = check_page(support_client.get(first.get_absolute_url()))
        assert other.get_absolute_url() in html and "Sister firm" in html

    def test_related_lists_are_narrowed_to_the_tenant_and_counted(self, support_client):
        tenant = make_organization()
        agents = [make_agent(tenant) for _ in range(3)]
        stranger = make_agent()
        response = support_client.get(tenant.get_absolute_url())
        (link,) = [link for link in response.context["related"] if link["label"] == "Agents"]
        assert link["count"] == 3
        listed = support_client.get(link["url"]).context["rows"]
        assert {row.pk for row in listed} == {agent.pk for agent in agents} and stranger not in listed

    def test_counting_related_rows_stops_at_a_thousand(self, support_client, owner):
        agent = make_agent()
        owner(
            "insert into usage_logs (agent_id, organization_id) select %s, %s from generate_series(1, 1100)",
            [agent.pk, agent.organization_id],
        )
        html = check_page(support_client.get(agent.organization.get_absolute_url()))
        assert "1,000+" in html and "1,100" not in html

    def test_only_finance_and_support_are_offered_to_adjust_credits(
        self, support_client, finance_client, manager_client
    ):
        tenant = make_organization()
        address = reverse("billing:post_credit", args=[tenant.pk])
        for client, offered in ((finance_client, True), (support_client, True), (manager_client, False)):
            assert (address in check_page(client.get(tenant.get_absolute_url()))) == offered

    def test_deletion_is_blocked_by_a_balance(self, admin_client):
        tenant = make_organization()
        make_posting(tenant, "5.00")
        html = check_page(admin_client.get(reverse("tenants:organization_delete", args=[tenant.pk])))
        assert "cannot be deleted" in html and "a credit balance other than zero" in html

    def test_history_shows_changes_from_outside_as_such(self, support_client):
        tenant = change(make_organization(), name="Changed in SQL")
        html = check_page(support_client.get(tenant.get_absolute_url()))
        assert "outside the back office, as postgres" in html


class TestOrganizationFilters:
    url = "/tenants/organizations/"

    def names(self, client, **params):
        return {row.name for row in client.get(self.url, params).context["rows"]}

    def test_search_finds_by_name_mail_and_ids(self, support_client):
        profile = make_profile(email="Anna.Lind@example.test", full_name="Anna Lind")
        tenant = change(profile.organizations.get(), name="Lindström AB")
        make_organization(name="Another")
        for q in ("lindstr", "ANNA.LIND@", "anna lind", str(tenant.pk), str(profile.pk)):
            assert self.names(support_client, q=q) == {"Lindström AB"}, q

    def test_percent_and_underscore_are_no_wildcards(self, support_client):
        make_organization(name="100% Pure_Juice")
        make_organization(name="1000 Pure Juice")
        assert self.names(support_client, q="100% pure_j") == {"100% Pure_Juice", "1000 Pure Juice"}  # words
        assert self.names(support_client, q="1%0") == self.names(support_client, q="p_re") == set()
        assert self.names(support_client, q="\\") == set()

    @pytest.mark.parametrize("side", ["after", "before"])
    def test_a_place_beyond_the_end_is_the_beginning(self, support_client, side):
        make_organization(name="Plus")
        key = "-infinity" if side == "after" else "infinity"
        place = keyset.encode(key, uuid.UUID(int=0 if side == "after" else 2**128 - 1))
        response = support_client.get("/tenants/organizations/", {side: place, "q": "plus"}, follow=True)
        assert "does not exist any more" in response.content.decode()
        assert [row.name for row in response.context["rows"]] == ["Plus"]

    def test_balances_and_tiers(self, support_client):
        make_organization(name="Plus", credits_balance="1.00")
        make_organization(name="Zero", credits_balance="0.00")
        make_organization(name="Minus", credits_balance="-1.00")
        make_organization(name="Null", credits_balance=None)
        assert self.names(support_client, balance="positive") == {"Plus"}
        assert self.names(support_client, balance="zero") == {"Zero", "Minus"}
        assert self.names(support_client, balance="null") == {"Null"}
        change(UserProfile.objects.get(organizations__name="Plus"), subscription_tier="pro")
        assert self.names(support_client, tier="pro") == {"Plus"}
        change(UserProfile.objects.get(organizations__name="Zero"), subscription_tier="trial")
        assert self.names(support_client, tier="trial") == {"Zero"}, "a tier that nobody listed"

    def test_a_balance_that_is_no_number_is_not_above_zero(self, support_client, owner):
        tenant = make_organization(name="Odd")
        owner("alter table organizations disable trigger record_credit_change")
        owner("update organizations set credits_balance = 'NaN' where id = %s", [tenant.pk])
        owner("alter table organizations enable trigger record_credit_change")
        assert self.names(support_client, balance="positive") == set()
        assert self.names(support_client, balance="null") == {"Odd"}

    def test_days_are_those_of_the_readers_zone_and_included(self, support_client, support):
        type(support).objects.filter(pk=support.pk).update(time_zone="Asia/Tokyo")
        make_organization(name="Late", created_at="2026-03-01T15:30:00Z")  # 2 March in Tokyo
        make_organization(name="Early", created_at="2026-03-01T14:59:59Z")
        make_organization(name="Never", created_at=None)
        assert self.names(support_client, since="2026-03-02", until="2026-03-02") == {"Late"}
        assert self.names(support_client, until="2026-03-01") == {"Early"}
        assert "Never" in self.names(support_client)

    def test_nothing_yet_is_told_from_nothing_matches(self, support_client):
        assert "Nothing here yet" in check_page(support_client.get(self.url))
        make_organization(name="One")
        assert "Nothing matches" in check_page(support_client.get(self.url, {"q": "zzz"}))


def test_audit_of_an_edit_holds_only_the_name(support_client, support):
    tenant = make_organization(name="Before")
    url = reverse("tenants:organization_edit", args=[tenant.pk])
    data = form_values(support_client.get(url))
    assert set(data) == {"csrfmiddlewaretoken", "name", "reason", "opened"}
    support_client.post(url, {**data, "name": "After", "reason": "Renamed"})
    event = AuditEvent.objects.of(tenant).first()
    assert event.changes == {"name": ["Before", "After"]}
    assert (event.source, event.db_role, event.request_id != "") == ("app", "backoffice", True)
