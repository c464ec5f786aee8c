"""What staff forms share: the signed values, reasons, the picker; conflicts and refusals are shown for every object."""

from decimal import Decimal

import pytest
from django.core import signing
from django.core.exceptions import ValidationError
from django.urls import reverse

from agents.tests.factories import make_agent
from backoffice import services
from backoffice.forms import PICKER_ROWS, AmountField, find_rows
from backoffice.models import AuditEvent
from backoffice.testing_crud import check_page, form_values
from tenants.forms import OrganizationForm
from tenants.models import Organization
from tenants.tests.factories import change, make_organization


def edit(tenant):
    return reverse("tenants:organization_edit", args=[tenant.pk])


class TestOpenedValues:
    def test_of_another_form_do_not_open_this_one(self, support_client):
        """Signed, but for other fields: the conflict check would look at nothing."""
        tenant, other = make_organization(name="One"), make_organization(name="Two")
        data = form_values(support_client.get(edit(tenant)))
        theirs = form_values(support_client.get(edit(other)))
        response = support_client.post(edit(tenant), {**data, "opened": theirs["opened"], "name": "New"})
        assert response.status_code == 409

    def test_signed_for_another_purpose_are_refused(self, support_client):
        tenant = make_organization()
        data = form_values(support_client.get(edit(tenant)))
        forged = signing.dumps({"name": f'"{tenant.name}"'}, salt="something else")
        assert "out of date" in check_page(support_client.post(edit(tenant), {**data, "opened": forged}), 422)

    def test_holds_the_fields_of_the_form_and_no_others(self, support):
        form = OrganizationForm(actor=support, instance=make_organization())
        assert set(signing.loads(form["opened"].value(), salt="opened")) == {"name"}

    def test_changes_of_other_columns_are_no_conflict(self, support_client):
        tenant = make_organization()
        data = form_values(support_client.get(edit(tenant)))
        change(tenant, credits_balance="5.00")
        assert support_client.post(edit(tenant), {**data, "name": "New"}).status_code == 302
        tenant.refresh_from_db()
        assert (tenant.name, tenant.credits_balance) == ("New", 5)

    def test_the_same_change_by_two_people_is_asked_about(self, support_client):
        tenant = make_organization()
        data = form_values(support_client.get(edit(tenant)))
        change(tenant, name="Same")
        assert support_client.post(edit(tenant), {**data, "name": "Same"}).status_code == 409

    def test_a_row_deleted_meanwhile_is_404(self, support_client, owner):
        tenant = make_organization()
        data = form_values(support_client.get(edit(tenant)))
        owner("delete from organizations where id = %s", [tenant.pk])
        check_page(support_client.post(edit(tenant), data), 404)


class TestConflictPage:
    def test_shows_before_now_mine_and_who(self, support_client, finance):
        tenant = make_organization(name="Before")
        data = {**form_values(support_client.get(edit(tenant))), "name": "<i>Mine</i>", "reason": "My reason"}
        theirs = Organization.objects.get(pk=tenant.pk)
        theirs.name = "Theirs"
        services.save(theirs, actor=finance, reason="Their reason")
        response = support_client.post(edit(tenant), data)
        html = check_page(response, 409)
        for text in ("Before", "Theirs", "&lt;i&gt;Mine&lt;/i&gt;", str(finance), "Their reason"):
            assert text in html, text
        again = form_values(response)
        assert (again["name"], again["reason"]) == ("<i>Mine</i>", "My reason")

    def test_without_a_choice_it_asks_again(self, support_client):
        tenant = make_organization(name="Before")
        data = {**form_values(support_client.get(edit(tenant))), "name": "Mine"}
        change(tenant, name="Theirs")
        response = support_client.post(edit(tenant), data)
        check_page(support_client.post(edit(tenant), form_values(response)), 409)
        tenant.refresh_from_db()
        assert tenant.name == "Theirs"

    def test_long_and_odd_values_are_shown(self, support_client):
        agent = make_agent(system_prompt="x" * 100_000)
        url = reverse("agents:agent_edit", args=[agent.pk])
        data = {
            **form_values(support_client.get(url)),
            "system_prompt": "<script>",
            "boosted_keywords": "a\r\nb",
        }
        change(agent, system_prompt=None, boosted_keywords=["c"], temperature=None)
        html = check_page(support_client.post(url, data), 409)
        assert "&lt;script&gt;" in html


class TestReason:
    @pytest.mark.parametrize("reason", ["", "Ünïcödé 日本", "x" * 500])
    def test_is_kept_as_typed_and_may_be_left_out(self, support_client, reason):
        tenant = make_organization()
        support_client.post(
            edit(tenant), {**form_values(support_client.get(edit(tenant))), "name": "New", "reason": reason}
        )
        assert (AuditEvent.objects.of(tenant).first().reason or "") == reason

    def test_of_one_request_is_not_borrowed_by_the_next(self, support):
        first, second = make_organization(), make_organization()
        first.name = second.name = "New"
        services.save(first, actor=support, reason="Only this one")
        services.save(second, actor=support)
        assert AuditEvent.objects.of(second).first().reason is None


class TestPicker:
    url = "/pick/tenants.organization/"

    def test_answers_with_radio_buttons(self, support_client):
        tenant = make_organization(name="<b>Miller</b>")
        response = support_client.get(self.url, {"name": "organization", "organization_search": "mill"})
        html = response.content.decode()
        assert f'<input type="radio" name="organization" value="{tenant.pk}">' in html
        assert "&lt;b&gt;Miller" in html and "<html" not in html

    def test_finds_by_id_and_says_when_there_are_more(self, support_client):
        tenants = [make_organization(name=f"Miller {n:02}") for n in range(PICKER_ROWS + 1)]
        ask = lambda text: support_client.get(self.url, {"name": "x", "x_search": text}).content.decode()  # noqa: E731
        assert ask(str(tenants[3].pk)).count("radio") == 1
        assert ask("miller").count("radio") == PICKER_ROWS and "There are more" in ask("miller")
        assert "Nothing matches" in ask("zzz")

    def test_rows_that_look_alike_are_told_apart_by_their_ids(self, support_client):
        alike = [make_organization(name="Miller"), make_organization(name="Miller")]
        other = make_organization(name="Miller & Sons")
        found = support_client.get(self.url, {"name": "x", "x_search": "miller"}).text
        assert all(found.count(str(tenant.pk)[:8]) == 2 for tenant in alike)
        assert found.count(str(other.pk)[:8]) == 1
        chosen = {"organization": alike[1].pk, "name": "", "reason": ""}
        refused = check_page(support_client.post("/agents/agents/add/", chosen), 422)
        assert f'<span class="picker__hint">{str(alike[1].pk)[:8]}</span>' in refused

    @pytest.mark.parametrize("text", ["%", "_", "\\", "\0", "x" * 5000, "'", "\u202e"])
    def test_any_text_is_answered(self, support_client, text):
        make_organization(name="Miller")
        response = support_client.get(self.url, {"name": '"><script>', '"><script>_search': text})
        assert response.status_code == 200 and b"<script>" not in response.content

    def test_search_is_no_pattern(self, db):
        make_organization(name="Miller")
        assert (
            find_rows(Organization.objects.all(), "M%r")
            == []
            == find_rows(Organization.objects.all(), "M_ller")
        )

    def test_models_that_are_not_picked_are_not_there(self, admin_client):
        for label in (
            "telephony.calllog",
            "backoffice.savedview",
            "auth.group",
            "nonsense",
            "tenants.nonsense",
        ):
            check_page(admin_client.get(f"/pick/{label}/"), 404)

    def test_colleagues_are_found_by_name_and_mail_in_every_role(self, finance_client, support, client):
        url = "/pick/backoffice.user/?name=author&author_search="
        for text in (support.first_name[:4].lower(), support.email):
            assert f'value="{support.pk}"' in finance_client.get(url + text).text
        assert "Nothing matches" in finance_client.get(url + "00000000-0000-0000-0000-000000000000").text
        assert client.get(url).status_code == 302


class TestAmountField:
    @pytest.mark.parametrize(
        ("typed", "amount"),
        [("12.5", "12.5"), ("1,250.50", "1250.50"), ("-3", "-3"), (" 7 ", "7"), ("−3", "-3")],
    )
    def test_reads_numbers_as_people_write_them(self, typed, amount):
        assert AmountField().clean(typed) == Decimal(amount)

    @pytest.mark.parametrize("typed", ["1e5", "1_000", "１２", "1,00", "0x1", "NaN", "--1", "1.", "1 000"])
    def test_refuses_other_notations(self, typed):
        with pytest.raises(ValidationError):
            AmountField().clean(typed)


def test_deletion_asks_for_the_name(admin_client):
    tenant = make_organization(name="Acme")
    url = reverse("tenants:organization_delete", args=[tenant.pk])
    response = admin_client.post(url, {"reason": "Left", "confirm": "Acne"})
    assert "This is not the name" in check_page(response, 422)
    assert Organization.objects.filter(pk=tenant.pk).exists()
    assert admin_client.post(url, {"reason": "Left", "confirm": " Acme "}).status_code == 302
    assert not Organization.objects.filter(pk=tenant.pk).exists()


def test_saving_without_a_change_says_so(support_client):
    tenant = make_organization()
    url = reverse("tenants:organization_edit", args=[tenant.pk])
    response = support_client.post(url, form_values(support_client.get(url)), follow=True)
    assert "Nothing was changed." in check_page(response)


def test_what_the_signed_in_see_stays_out_of_caches(support_client):
    assert support_client.get("/")["Cache-Control"] == "private, no-store"


def test_an_odd_stored_value_blocks_no_other_edit(support_client, owner):
    agent = make_agent()
    owner("update agents set temperature = 'NaN' where id = %s", [agent.pk])
    url = reverse("agents:agent_edit", args=[agent.pk])
    data = form_values(support_client.get(url)) | {"name": "New name"}
    assert support_client.post(url, data).status_code == 302
    agent.refresh_from_db()
    assert (agent.name, agent.temperature.is_nan()) == ("New name", True)
