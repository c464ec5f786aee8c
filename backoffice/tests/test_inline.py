"""Editing one field in place: the same form, rights, rules and conflict check as the whole form."""

import pytest
from django.urls import reverse
from psycopg.types.json import Json

from agents.tests.factories import make_agent
from backoffice import context
from backoffice.generic import inline
from backoffice.models import AuditEvent
from backoffice.testing import make_user
from backoffice.testing_client import set_column
from backoffice.testing_crud import Markup, check_page, count_queries, form_values
from telephony.models import PhoneNumber
from telephony.tests.factories import make_call, make_number, make_trunk
from tenants.models import Organization, UserProfile
from tenants.tests.factories import change, make_organization, make_profile

HTMX = {"HX-Request": "true", "HX-Current-URL": "http://testserver/agents/agents/?page=1"}


def url(obj, name):
    return reverse("inline_edit", args=[obj._meta.label_lower, obj.pk, name])


def open_form(client, obj, name):
    response = client.get(url(obj, name), headers=HTMX)
    assert response.status_code == 200
    assert Markup(response.content.decode()).blocked == []
    return form_values(response)


def send(client, obj, name, data):
    return client.post(url(obj, name), data, headers=HTMX)


def last(obj):
    return AuditEvent.objects.of(obj).first()


class TestWhoMayWhat:
    def test_pencils_are_those_of_the_whole_form(
        self, support_client, finance_client, manager_client, admin_client
    ):
        profile = make_profile()
        person, plan = {"email", "full_name"}, {"subscription_tier", "stripe_customer_id"}
        for client, offered in (
            (support_client, person),
            (finance_client, plan),
            (manager_client, set()),
            (admin_client, person | plan),
        ):
            html = check_page(client.get(profile.get_absolute_url()))
            for name in person | plan:
                assert (url(profile, name) in html) == (name in offered), (client.user, name)
                status = client.get(url(profile, name)).status_code
                assert status == (200 if name in offered else 403), (client.user, name)
                if name not in offered:
                    assert client.post(url(profile, name), {name: "x"}).status_code == 403

    def test_how_to_save_by_keyboard_is_told_as_the_field_takes_it(self, admin_client):
        profile = make_profile()
        for name, control in (("full_name", False), ("subscription_tier", True)):
            html = admin_client.get(url(profile, name), headers=HTMX).content.decode()
            assert ("Ctrl" in html) == control, name

    def test_a_call_is_corrected_by_finance_with_a_reason(self, finance_client, support_client, admin_client):
        call = make_call()
        for client in (support_client, admin_client):
            assert client.get(url(call, "cost")).status_code == 403
        data = open_form(finance_client, call, "cost")
        assert send(finance_client, call, "cost", {**data, "cost": "1.25"}).status_code == 422
        assert (
            send(finance_client, call, "cost", {**data, "cost": "1.25", "reason": "Bill"}).status_code == 200
        )
        assert last(call).new == {"cost": 1.25}

    @pytest.mark.parametrize(
        "name", ["id", "created_at", "credits_balance", "owner", "owner_id", "opened", "reason", "nonsense"]
    )
    def test_what_the_form_does_not_have_is_not_there(self, admin_client, name):
        assert admin_client.get(url(make_organization(), name)).status_code == 404

    @pytest.mark.parametrize("headers", [{}, HTMX])
    def test_an_answer_to_a_conflict_opens_no_field(self, finance_client, headers):
        profile = make_profile()
        for name, status in (("full_name", 403), ("tier", 404), ("created_at", 404)):
            data = {name: "x", f"keep_{name}": "theirs"}
            response = finance_client.post(url(profile, name), data, headers=headers)
            assert response.status_code == status, name

    def test_what_the_form_leaves_out_of_a_row_is_left_out_here(self, support_client):
        agent = make_agent(boosted_keywords={"a": 1})
        html = check_page(support_client.get(agent.get_absolute_url()))
        for name in ("boosted_keywords", "config", "custom_headers"):
            assert support_client.get(url(agent, name)).status_code == 404
            assert url(agent, name) not in html

    @pytest.mark.parametrize(
        "label", ["agents.agentmessage", "billing.usagelog", "backoffice.user", "no.model", "x"]
    )
    def test_models_without_an_edit_page_have_none(self, admin_client, label):
        path = f"/inline/{label}/00000000-0000-0000-0000-000000000000/content/"
        assert admin_client.get(path).status_code == 404

    def test_a_row_that_is_gone_is_404(self, support_client):
        missing = Organization(pk="00000000-0000-0000-0000-00000000abcd")
        assert support_client.get(url(missing, "name")).status_code == 404


class TestSaving:
    def test_one_field_is_written_with_who_and_why(self, support_client, support):
        profile = make_profile(full_name="A", company_name="B")
        data = open_form(support_client, profile, "full_name")
        assert set(data) == {"csrfmiddlewaretoken", "full_name", "reason", "opened"}
        smuggled = {"company_name": "X", "subscription_tier": "pro"}
        response = send(
            support_client, profile, "full_name", {**data, **smuggled, "full_name": "C", "reason": "r"}
        )
        html = response.content.decode()
        assert response.status_code == 200 and "recordChanged" in response.headers["HX-Trigger-After-Settle"]
        assert (
            ">C</div>" in html
            and "was saved" in html
            and f"/audit/changes/{last(profile).pk}/revert/" in html
        )
        assert 'name="next" value="/agents/agents/?page=1"' in html
        assert last(profile).changes == {"full_name": ["A", "C"]}
        assert (last(profile).actor, last(profile).reason) == (str(support), "r")

    def test_untouched_writes_nothing(self, support_client):
        agent = make_agent(description=" odd \r\n", boosted_keywords=None, enable_backchannel=None)
        before = last(agent).pk
        for name in ("description", "boosted_keywords", "enable_backchannel", "temperature", "llm_provider"):
            assert (
                send(support_client, agent, name, open_form(support_client, agent, name)).status_code == 200
            )
        assert last(agent).pk == before

    def test_wrong_input_stays_with_its_error_beside_it(self, support_client):
        agent = make_agent()
        data = {**open_form(support_client, agent, "temperature"), "temperature": "9", "reason": "typed"}
        response = send(support_client, agent, "temperature", data)
        html = response.content.decode()
        assert response.status_code == 422 and "Choose a value from 0 to 2" in html
        assert 'id="id_inline_temperature_temperature_error"' in html
        again = form_values(response)
        assert (again["temperature"], again["reason"]) == ("9", "typed")

    def test_a_number_gets_only_an_agent_of_its_own_organization(self, support_client):
        number = make_number()
        mine, other = make_agent(number.organization), make_agent()
        data = open_form(support_client, number, "agent")
        response = send(support_client, number, "agent", {**data, "agent": str(other.pk)})
        assert response.status_code == 422 and "belongs to another organization" in response.content.decode()
        assert send(support_client, number, "agent", {**data, "agent": str(mine.pk)}).status_code == 200
        assert PhoneNumber.objects.get(pk=number.pk).agent_id == mine.pk
        # It is moved on a page of its own.
        assert support_client.get(url(number, "organization")).status_code == 404

    def test_the_pickers_plain_search_saves_nothing_and_keeps_what_was_opened(self, support_client):
        number = make_number()
        make_agent(number.organization, name="Anna")
        data = open_form(support_client, number, "agent")
        change(number, agent_id=make_agent(number.organization).pk)
        response = send(support_client, number, "agent", {**data, "_pick": "agent", "agent_search": "anna"})
        assert "Anna" in response.content.decode()
        assert form_values(response)["opened"] == data["opened"]

    def test_without_javascript_it_is_a_page_that_leads_back(self, support_client):
        tenant = make_organization(name="A")
        html = check_page(support_client.get(tenant.get_absolute_url()))
        link = f"{url(tenant, 'name')}?next={tenant.get_absolute_url()}"
        assert link in html
        response = support_client.get(link)
        assert "Edit name of A" in check_page(response)
        done = support_client.post(link, {**form_values(response), "name": "B"})
        assert (done.status_code, done.url) == (302, tenant.get_absolute_url())
        elsewhere = support_client.post(
            f"{url(tenant, 'name')}?next=https://evil.example/", form_values(response)
        )
        assert elsewhere.status_code in (302, 409) and "evil" not in elsewhere.headers.get("Location", "")

    def test_cancel_shows_the_value_again(self, support_client):
        tenant = make_organization(name="<b>A</b>")
        html = support_client.get(f"{url(tenant, 'name')}?shown", headers=HTMX).content.decode()
        assert "&lt;b&gt;A" in html and "<form" not in html


class TestConflict:
    def test_in_place_it_shows_what_was_what_is_and_keeps_mine(self, support_client, support):
        tenant = make_organization(name="Opened")
        data = {**open_form(support_client, tenant, "name"), "name": "Mine", "reason": "My reason"}
        change(tenant, name="Theirs")
        response = send(support_client, tenant, "name", data)
        html = response.content.decode()
        assert response.status_code == 409
        assert "Opened" in html and "Theirs" in html and "postgres changed this" in html
        again = form_values(response)
        assert (again["name"], again["reason"]) == ("Mine", "My reason")
        assert Organization.objects.get(pk=tenant.pk).name == "Theirs"
        assert send(support_client, tenant, "name", again).status_code == 200
        assert last(tenant).changes == {"name": ["Theirs", "Mine"]}

    def test_a_second_change_meanwhile_is_shown_again(self, support_client):
        tenant = make_organization(name="Opened")
        data = {**open_form(support_client, tenant, "name"), "name": "Mine"}
        change(tenant, name="Theirs")
        again = form_values(send(support_client, tenant, "name", data))
        change(tenant, name="Theirs, later")
        assert send(support_client, tenant, "name", again).status_code == 409

    def test_another_field_changed_meanwhile_is_no_conflict(self, support_client):
        profile = make_profile(full_name="A")
        data = {**open_form(support_client, profile, "full_name"), "full_name": "B"}
        change(profile, company_name="Theirs")
        assert send(support_client, profile, "full_name", data).status_code == 200
        profile.refresh_from_db()
        assert (profile.full_name, profile.company_name) == ("B", "Theirs")

    @pytest.mark.parametrize(("choice", "name"), [("mine", "Mine"), ("theirs", "Theirs")])
    def test_without_javascript_the_conflict_page_decides(self, support_client, choice, name):
        tenant = make_organization(name="Opened")
        data = {**form_values(support_client.get(url(tenant, "name"))), "name": "Mine"}
        change(tenant, name="Theirs")
        response = support_client.post(url(tenant, "name"), data)
        check_page(response, 409)
        done = support_client.post(url(tenant, "name"), {**form_values(response), "keep_name": choice})
        assert done.status_code == 302
        assert Organization.objects.get(pk=tenant.pk).name == name

    def test_a_form_that_we_did_not_hand_out_is_refused(self, support_client):
        tenant = make_organization(name="A")
        response = send(support_client, tenant, "name", {"name": "B"})
        assert response.status_code == 422 and "out of date" in response.content.decode()


@pytest.mark.parametrize("make", [make_organization, make_profile, make_number, make_agent, make_trunk])
def test_pencils_cost_no_query(make, support_client, manager_client, monkeypatch):
    monkeypatch.setattr(context, "COUNTS", {})  # each role has its own
    obj = make()
    page = obj.get_absolute_url()
    support_client.get(page)  # opening a tenant may bring its signs up to date
    with_pencils, without = (len(count_queries(client, page)) for client in (support_client, manager_client))
    assert with_pencils == without


def test_tier_is_inline_for_finance_on_the_tenant_page(finance_client, support_client):
    tenant = make_organization()
    owner = UserProfile.objects.get(pk=tenant.owner_id)
    assert url(owner, "subscription_tier") in check_page(finance_client.get(tenant.get_absolute_url()))
    html = check_page(support_client.get(tenant.get_absolute_url()))
    assert url(owner, "full_name") in html and url(tenant, "name") in html
    assert url(owner, "subscription_tier") not in html


@pytest.mark.parametrize("role", ["support", "finance", "manager", "admin"])
def test_what_may_be_edited_is_what_the_form_has(db, role):
    user = make_user(role)
    plain, odd = make_agent(), make_agent()
    set_column(odd, "pii_redaction_list", Json([["no", "texts"]]))
    rows = [plain, odd, make_organization(), make_profile(), make_number(), make_trunk(), make_call()]
    for row in rows:
        row = type(row).objects.get(pk=row.pk)
        view = inline.edit_page(type(row))
        form = view().get_form_class()(actor=user, instance=row)
        shown = {
            name for name in form.own_fields() if name in {each.name for each in row._meta.concrete_fields}
        }
        wanted = shown if view().may_open(user) else set()
        assert inline.editable_fields(row, user) == wanted, row
    odd.refresh_from_db()
    left_out = {"pii_redaction_list"} if user.has_perm("agents.change_agent") else set()
    assert inline.editable_fields(plain, user) - inline.editable_fields(odd, user) == left_out
