"""SIP trunks: the password goes in and never comes out."""

import pytest
from django.core.exceptions import ValidationError
from django.db import ProgrammingError, connection, transaction
from django.urls import reverse

from agents.tests.factories import make_agent
from backoffice.models import AuditEvent
from backoffice.testing_crud import CrudTests, check_page, form_values
from telephony.models import SipTrunk
from telephony.services import set_trunk_password, trunks_with_password
from telephony.tests.factories import make_number, make_trunk
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

    def test_page_says_when_it_was_replaced_and_by_whom(self, support_client, support):
        trunk = make_trunk()
        assert "not on record" in check_page(support_client.get(trunk.get_absolute_url()))
        set_trunk_password(trunk, actor=support, reason="r", password=SECRET)
        html = check_page(support_client.get(trunk.get_absolute_url()))
        assert f"by {support}" in html and "not on record" not in html and SECRET not in html

    def test_is_removed_with_a_reason_once(self, support_client, support, owner):
        trunk = make_trunk(password=SECRET)
        url = reverse("telephony:siptrunk_remove_password", args=[trunk.pk])
        assert url in check_page(support_client.get(trunk.get_absolute_url()))
        assert 'id="id_reason_error"' in check_page(support_client.post(url, {}), 422)
        html = check_page(support_client.post(url, {"reason": "Compromised"}, follow=True))
        assert self.stored(owner, trunk) is None and "removed " in html and url not in html
        assert AuditEvent.objects.of(trunk).first().reason == "Compromised"
        assert "has no password" in check_page(support_client.post(url, {"reason": "again"}), 422)

    @pytest.mark.parametrize(
        ("password", "says"),
        [
            ("abc12", "8 characters or more"),
            ("line\nbreak in it", "no line breaks"),
            ("Trunk-User-1", "The password is the user name"),
            ("pasted-secret\u200b", "There are marks in it that nobody sees"),
        ],
    )
    def test_what_is_no_password_is_refused(self, support_client, owner, password, says):
        trunk = make_trunk(password="old secret", username="trunk-user-1")
        html = check_page(
            support_client.post(password_page(trunk), {"password": password, "reason": "r"}), 422
        )
        assert 'id="id_password_error"' in html and says in html and password not in html
        assert self.stored(owner, trunk) == "old secret"


SHAPES = (
    "sip:host", "host/path", "a b", "-x.example", "exa<mple", "host:", "host:0", "host:65536", "host:x", "a..b", "999.1.1.1",
    "user@host", "[::1", "[::1]x", "[zz]:5060", "x" * 64 + ".example", ".".join(["x" * 60] * 5), "müller.example", "host\u00a0x",
)  # fmt: skip


@pytest.mark.parametrize("domain", SHAPES, ids=range(len(SHAPES)))
def test_a_domain_that_is_none_is_refused(support_client, domain):
    response = support_client.post(
        reverse("telephony:siptrunk_add"), {"provider": "twilio", "sip_domain": domain}
    )
    assert 'id="id_sip_domain_error"' in check_page(response, 422)


@pytest.mark.parametrize("domain", ["http://sip.example.net", "sip:sip.example.net", "sip.example.net/x:y"])
def test_a_scheme_or_path_is_not_taken_for_a_port(support_client, domain):
    data = {"provider": "twilio", "sip_domain": domain}
    html = check_page(support_client.post(reverse("telephony:siptrunk_add"), data), 422)
    assert "without sip:, a user or a path" in html and "A port is" not in html


@pytest.mark.parametrize(
    "domain", ["sip.example.net", "sip.example.net:5061", "192.0.2.10:65535", "[2001:db8::1]:5060"]
)
def test_a_domain_with_or_without_port_is_taken(support_client, domain):
    data = {"provider": "twilio", "sip_domain": domain, "username": "desk"}
    assert support_client.post(reverse("telephony:siptrunk_add"), data).status_code == 302
    assert SipTrunk.objects.get().sip_domain == domain


@pytest.mark.parametrize("username", ["two words", "tab\there", "x" * 256, "sip:desk", "de\u200bsk"])
def test_a_user_name_that_is_none_is_refused(support_client, username):
    response = support_client.post(
        reverse("telephony:siptrunk_add"), {"provider": "twilio", "username": username}
    )
    assert 'id="id_username_error"' in check_page(response, 422)


def test_an_unknown_provider_is_refused_and_a_stored_one_stays(support_client):
    data = {"provider": "carrier pigeon", "sip_domain": "sip.example.net"}
    response = support_client.post(reverse("telephony:siptrunk_add"), data)
    assert 'id="id_provider_error"' in check_page(response, 422)
    trunk = make_trunk(provider="plivo", sip_domain="sip:old", username="two words")
    edit = reverse("telephony:siptrunk_edit", args=[trunk.pk])
    form = form_values(support_client.get(edit))
    assert support_client.post(edit, form | {"reason": "Nothing typed"}).status_code == 302
    trunk.refresh_from_db()
    assert (trunk.provider, trunk.sip_domain, trunk.username) == ("plivo", "sip:old", "two words")


def test_page_names_numbers_of_the_provider_and_second_copies_of_passwords(support_client):
    organization = make_organization()
    trunk = make_trunk(organization=organization, provider="telnyx")
    same, other = make_number(organization, provider="telnyx"), make_number(organization, provider="twilio")
    sip = {"sip": {"password": SECRET, "username": "u1"}}
    flat = make_agent(organization, name="Flat", config=sip)
    make_agent(organization, name="Wrapped", config={"config": {"config": sip}})
    make_agent(organization, name="Empty", config={"sip": {"password": ""}})
    make_agent(organization, name="Odd", config={"sip": [SECRET]})
    make_agent(name="Stranger", config=sip)
    html = check_page(support_client.get(trunk.get_absolute_url()))
    assert same.get_absolute_url() in html and other.get_absolute_url() not in html
    assert "config.sip.password" in html and "config.config.config.sip.password" in html
    assert flat.get_absolute_url() in html and SECRET not in html
    assert not any(name in html for name in ("Empty", "Odd", "Stranger"))


def test_a_trunk_without_organization_is_the_platforms_own(support_client):
    trunk = make_trunk(organization=None)
    assert "platform&#x27;s own" in check_page(support_client.get(trunk.get_absolute_url()))
    assert "platform's own" in check_page(support_client.get(reverse("telephony:siptrunk_list")))
