"""SIP trunks: the password goes in and never comes out."""

import pytest
from django.core.exceptions import ValidationError
from django.db import ProgrammingError, connection, transaction
from django.urls import reverse

from backoffice.models import AuditEvent
from backoffice.testing_crud import CrudTests, check_page
from telephony.models import SipTrunk
from telephony.services import set_trunk_password, trunks_with_password
from telephony.tests.factories import make_trunk
from tenants.tests.factories import make_organization

SECRET = "correct horse battery staple"


class TestSipTrunkPages(CrudTests):
    model = SipTrunk
    edit_data = {"sip_domain": "sip.example.net", "username": "desk"}
    their_data = {"sip_domain": "sip.example.org", "username": "front"}

    def make(self, n):
        return make_trunk(sip_domain=f"sip{n}.example.test", password=SECRET)

    def form_data(self):
        return {"organization": make_organization().pk, "provider": "telnyx", "sip_domain": "sip.new.example"}

    test_what_something_depends_on_cannot_be_deleted = None  # nothing refers to a trunk


def password_page(trunk):
    return reverse("telephony:siptrunk_password", args=[trunk.pk])


class TestPassword:
    def stored(self, owner, trunk):
        return owner("select password from sip_trunks where id = %s", [trunk.pk])[0][0]

    def test_is_replaced_with_a_reason_and_shown_nowhere(self, support_client, support, owner):
        trunk = make_trunk(password="old secret")
        check_page(support_client.get(password_page(trunk)))
        response = support_client.post(
            password_page(trunk), {"password": SECRET, "reason": "Rotated"}, follow=True
        )
        html = check_page(response)
        assert self.stored(owner, trunk) == SECRET
        event = AuditEvent.objects.of(trunk).first()
        assert (event.actor, event.reason, set(event.new)) == (str(support), "Rotated", {"password"})
        pages = [html, *(support_client.get(url).content.decode() for url in self.pages(trunk))]
        for secret in (SECRET, "old secret"):
            assert not any(secret in page for page in pages)
            assert owner("select count(*) from audit.event e where e::text like %s", [f"%{secret}%"]) == [
                (0,)
            ]

    def pages(self, trunk):
        names = ["siptrunk_detail", "siptrunk_edit", "siptrunk_delete", "siptrunk_password"]
        return [
            reverse("telephony:siptrunk_list"),
            *(reverse(f"telephony:{n}", args=[trunk.pk]) for n in names),
        ]

    def test_is_kept_as_typed_with_spaces(self, support, owner):
        trunk = set_trunk_password(make_trunk(), actor=support, reason="r", password=" pass word ")
        assert self.stored(owner, trunk) == " pass word "

    @pytest.mark.parametrize(
        "data",
        [
            {"password": SECRET},
            {"reason": "r"},
            {"password": SECRET, "reason": " "},
            {"password": "\0", "reason": "r"},
            {"password": "x" * 501, "reason": "r"},
        ],
    )
    def test_needs_both_and_is_not_sent_back(self, support_client, owner, data):
        trunk = make_trunk(password="old secret")
        html = check_page(support_client.post(password_page(trunk), data), 422)
        assert "field__error" in html and SECRET not in html
        assert self.stored(owner, trunk) == "old secret"

    def test_of_a_trunk_that_is_gone_is_refused(self, support, owner):
        trunk = make_trunk()
        owner("delete from sip_trunks where id = %s", [trunk.pk])
        with pytest.raises(ValidationError, match="not there any more"):
            set_trunk_password(trunk, actor=support, reason="r", password=SECRET)

    def test_cannot_be_read_by_any_query_of_ours(self, db):
        make_trunk(password=SECRET)
        with (
            pytest.raises(ProgrammingError, match="permission denied"),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute("select password from sip_trunks")

    def test_list_and_record_say_only_whether_there_is_one(self, support_client):
        with_, without, empty = make_trunk(password=SECRET), make_trunk(), make_trunk(password="")
        assert trunks_with_password([with_, without, empty]) == {with_.pk}
        assert "set, not readable" in check_page(support_client.get(with_.get_absolute_url()))
        assert "set, not readable" not in check_page(support_client.get(without.get_absolute_url()))

    def test_finance_and_managers_may_not_replace_it(self, finance_client, manager_client):
        trunk = make_trunk()
        for client in (finance_client, manager_client):
            check_page(client.post(password_page(trunk), {"password": SECRET, "reason": "r"}), 403)


@pytest.mark.parametrize("domain", ["sip:host", "host/path", "a b", "-x.example", "exa<mple", "host:"])
def test_a_domain_that_is_none_is_refused(support_client, domain):
    response = support_client.post(
        reverse("telephony:siptrunk_add"), {"provider": "twilio", "sip_domain": domain}
    )
    assert 'id="id_sip_domain_error"' in check_page(response, 422)


def test_a_trunk_without_organization_is_the_platforms_own(support_client):
    trunk = make_trunk(organization=None)
    assert "platform&#x27;s own" in check_page(support_client.get(trunk.get_absolute_url()))
    assert "platform's own" in check_page(support_client.get(reverse("telephony:siptrunk_list")))
