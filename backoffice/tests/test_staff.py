"""Staff accounts: invited, changed, suspended; nobody changes their own role, and the last admin stays."""

import re
import threading

import pytest
from allauth.mfa.models import Authenticator
from django.core import mail
from django.core.exceptions import ValidationError
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from backoffice import invitations, staff
from backoffice.models import AuditEvent, Invitation, StaffSession, User
from backoffice.sign_in import cipher, mails
from backoffice.testing import make_user, sign_in
from backoffice.testing_crud import check_page, count_queries, form_values

GOOD = {"password1": "correct horse 9", "password2": "correct horse 9"}
NEW = {"email": "New@Example.test", "first_name": "Nora", "role": "Finance", "reason": "Joins"}


def page_of(name, user, *more):
    return reverse(f"backoffice:user_{name}", args=[user.pk, *more])


def invited(client, **data):
    """The account and the link, as the admin sees it."""
    response = client.post(reverse("backoffice:user_add"), NEW | data)
    check_page(response)
    (link,) = re.findall(r'<p class="mono">(\S+)</p>', response.content.decode())
    return User.objects.get(email="new@example.test"), link


def accept(link, **data):
    address, _, code = link.partition("#")
    assert address == "http://testserver/invitation/"
    return Client().post("/invitation/", {"code": code} | GOOD | data)


class TestInvitations:
    def test_a_link_sets_the_first_password_once(self, admin_client, caplog):
        user, link = invited(admin_client)
        assert not user.has_usable_password() and user.role == "Finance"
        assert accept(link, password2="other").status_code == 422
        weak = accept(link, password1="norapassword", password2="nora")
        assert weak.status_code == 422
        assert accept(link, password1="new@example.test", password2="new@example.test").status_code == 422
        response = accept(link)
        assert response.url == reverse("account_login")
        user.refresh_from_db()
        assert user.check_password(GOOD["password1"])
        client = Client()
        credentials = {"login": user.email, "password": GOOD["password1"]}
        assert client.post(reverse("account_login"), credentials).url == "/"
        assert accept(link).status_code == 422, "once"
        code = link.partition("#")[2]
        audit = str(AuditEvent.objects.values_list())
        assert code not in audit and invitations.hash_of(code) not in audit and code not in caplog.text
        event = AuditEvent.objects.get(table_name="backoffice.backoffice_invitation", action="update")
        assert (event.actor, event.reason) == (str(user), "Accepted the invitation")
        assert code not in admin_client.get(page_of("detail", user)).content.decode()

    def test_is_mailed_where_mail_is_set_up(self, admin_client, settings):
        _, link = invited(admin_client)
        (sent,) = mail.outbox
        assert sent.to == ["new@example.test"] and link in sent.body
        settings.EMAIL_BACKEND = "django.core.mail.backends.console.EmailBackend"
        user = User.objects.get(email="new@example.test")
        page = admin_client.post(page_of("reinvite", user), {"reason": "Lost"}).content.decode()
        assert "No mail was sent" in page and len(mail.outbox) == 1

    def test_a_mail_server_that_is_gone_is_said(self, admin_client, settings):
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 9
        page = admin_client.post(reverse("backoffice:user_add"), NEW).content.decode()
        assert "No mail was sent" in page and "/invitation/#" in page

    def test_inviting_again_makes_the_link_before_worthless(self, admin_client):
        user, first = invited(admin_client)
        page = admin_client.post(page_of("reinvite", user), {"reason": "Lost"}).content.decode()
        (second,) = re.findall(r'<p class="mono">(\S+)</p>', page)
        assert accept(first).status_code == 422
        assert accept(second).status_code == 302
        assert admin_client.post(page_of("reinvite", user), {"reason": "Lost"}).status_code == 422

    @pytest.mark.parametrize("why", ["withdrawn", "expired", "suspended", "unknown"])
    def test_a_link_that_does_not_hold_says_what_to_do(self, admin_client, why):
        user, link = invited(admin_client)
        if why == "withdrawn":
            assert admin_client.post(page_of("withdraw", user), {"reason": "x"}).status_code == 302
            assert admin_client.post(page_of("withdraw", user), {"reason": "x"}).status_code == 422
        elif why == "expired":
            Invitation.objects.update(expires_at=timezone.now())
        elif why == "suspended":
            assert admin_client.post(page_of("suspend", user), {"reason": "x"}).status_code == 302
        else:
            link += "x"
        response = accept(link)
        check_page(response, 422)
        assert "Ask an admin of your team for a new one" in response.content.decode()
        user.refresh_from_db()
        assert not user.has_usable_password()

    def test_a_password_set_by_an_admin_ends_it(self, admin_client):
        user, link = invited(admin_client)
        assert admin_client.post(page_of("password", user), GOOD | {"reason": "Here now"}).status_code == 302
        assert user.invitations.get().state == "withdrawn"
        assert accept(link).status_code == 422
        page = admin_client.get(reverse("backoffice:user_list"), {"state": "invited"}).content.decode()
        assert "new@example.test" not in page

    def test_another_address_ends_it(self, admin_client):
        """The code lies in the mailbox of the address before."""
        user, link = invited(admin_client)
        page = admin_client.get(page_of("edit", user)).content.decode()
        (opened,) = re.findall(r'name="opened" value="([^"]+)"', page)
        data = NEW | {"email": "right@example.test", "is_active": "on", "reason": "A typo", "opened": opened}
        assert admin_client.post(page_of("edit", user), data).status_code == 302
        assert user.invitations.get().state == "withdrawn"
        assert accept(link).status_code == 422

    def test_what_was_withdrawn_is_not_got_round_by_a_reset(self, admin_client, mailoutbox):
        user, _ = invited(admin_client)
        admin_client.post(page_of("withdraw", user), {"reason": "The wrong person"})
        mailoutbox.clear()
        Client().post("/accounts/password/reset/", {"email": user.email})
        mails.wait()
        assert not mailoutbox

    def test_the_same_address_twice_is_an_error_beside_the_field(self, admin_client):
        invited(admin_client)
        response = admin_client.post(reverse("backoffice:user_add"), NEW | {"first_name": "Other"})
        check_page(response, 422)
        page = response.content.decode()
        assert "has an account already" in page and 'value="Other"' in page


@pytest.fixture
def ada(db):
    return make_user("support", email="ada@example.test", first_name="Ada")


def signed_in(user):
    client = Client()
    sign_in(client, user)
    return client


class TestAccounts:
    def test_page_shows_role_sessions_invitation_and_history(self, admin_client, ada):
        client = signed_in(ada)
        client.get("/me/", HTTP_USER_AGENT="Mozilla Firefox/133.0 Windows")
        staff.suspend(ada, actor=admin_client.user, reason="On leave")
        staff.reactivate(ada, actor=admin_client.user, reason="Back again")
        signed_in(ada)
        page = admin_client.get(page_of("detail", ada))
        check_page(page)
        text = page.content.decode()
        for words in (
            "Support",
            "On leave",
            "Back again",
            "Sessions",
            "Suspend",
            f"/audit/people/{ada.pk}/",
            "gave the role Support",
        ):
            assert words in text, words
        assert text.count("sessions__one") == 1

    def test_list_says_role_and_state_with_steady_queries(self, admin_client, ada):
        url = reverse("backoffice:user_list")
        before = len(count_queries(admin_client, url))
        for n in range(5):
            make_user("manager", email=f"m{n}@example.test")
        assert len(count_queries(admin_client, url)) == before
        invited(admin_client)
        staff.suspend(ada, actor=admin_client.user, reason="x")
        page = admin_client.get(url, {"state": "suspended"}).content.decode()
        assert "ada@example.test" in page and "new@example.test" not in page
        page = admin_client.get(url, {"state": "invited", "role": "Finance"}).content.decode()
        assert "new@example.test" in page and "ada@example.test" not in page

    def test_role_is_given_with_a_reason_and_told(
        self, admin_client, ada, django_capture_on_commit_callbacks
    ):
        client = signed_in(ada)
        form = form_values(admin_client.get(page_of("edit", ada)))
        with django_capture_on_commit_callbacks(execute=True):
            assert admin_client.post(page_of("edit", ada), form | {"role": "Manager"}).status_code == 422
            data = form | {"role": "Manager", "reason": "Moves"}
            assert admin_client.post(page_of("edit", ada), data).status_code == 302
        assert User.objects.get(pk=ada.pk).role == "Manager"
        assert "ended=role" in client.get("/me/").url
        mails.wait()
        (sent,) = mail.outbox
        assert sent.to == [ada.email] and "Manager" in sent.body
        old = admin_client.post(page_of("edit", ada), data | {"role": "Finance"})
        assert old.status_code == 409

    def test_password_of_another_is_set_with_a_reason(self, admin_client, ada):
        client = signed_in(ada)
        url = page_of("password", ada)
        assert admin_client.post(url, GOOD).status_code == 422
        assert admin_client.post(url, GOOD | {"password2": "other", "reason": "Forgot"}).status_code == 422
        assert admin_client.post(url, GOOD | {"reason": "Forgot"}).status_code == 302
        assert User.objects.get(pk=ada.pk).check_password(GOOD["password1"])
        assert "ended=password" in client.get("/me/").url
        event = AuditEvent.objects.of(ada).get(action="update")
        assert (event.reason, event.new) == ("Forgot", {"password": "[secret, changed]"})

    def test_ones_own_password_keeps_the_browser_in_hand(self, admin_client):
        url = page_of("password", admin_client.user)
        assert admin_client.post(url, GOOD | {"reason": "Mine"}).status_code == 302
        assert admin_client.get("/me/").status_code == 200

    def test_suspended_and_back(self, admin_client, ada):
        client = signed_in(ada)
        for name, works in (("suspend", False), ("reactivate", True)):
            assert admin_client.post(page_of(name, ada), {}).status_code == 422, "a reason is needed"
            assert admin_client.post(page_of(name, ada), {"reason": "Leave"}).status_code == 302
            assert admin_client.post(page_of(name, ada), {"reason": "Leave"}).status_code == 422
            answer = Client().post("/accounts/login/", {"login": ada.email, "password": "password"})
            assert (answer.headers.get("Location") == "/") is works
        assert "ended=suspended" in client.get("/me/").url

    def test_sessions_end_one_by_one_and_all(self, admin_client, ada):
        clients = [signed_in(ada) for _ in range(3)]
        first = StaffSession.objects.filter(account=ada).earliest("started_at")
        url = page_of("session_end", ada, first.pk)
        check_page(admin_client.get(url))
        assert admin_client.post(url).status_code == 422
        assert admin_client.post(url, {"reason": "Strange address"}).status_code == 302
        assert [one.get("/me/").status_code for one in clients] == [302, 200, 200]
        assert admin_client.post(page_of("sessions_end", ada), {"reason": "All"}).status_code == 302
        assert [one.get("/me/").status_code for one in clients] == [302, 302, 302]
        assert AuditEvent.objects.of(first).get().reason == "Strange address"
        other = page_of("session_end", admin_client.user, first.pk)
        assert admin_client.post(other, {"reason": "x"}).status_code == 404

    def test_second_factor_is_reset_by_another_admin(self, admin_client, ada):
        for user in (ada, admin_client.user):
            Authenticator.objects.create(user=user, type="totp", data={"secret": cipher.encrypt("A" * 32)})
        client = signed_in(ada)
        sign_in(admin_client, admin_client.user, method="mfa")
        assert admin_client.post(page_of("reset_factors", ada), {"reason": "Lost phone"}).status_code == 302
        assert not ada.authenticator_set.exists()
        assert "ended=factors" in client.get("/me/").url
        own = admin_client.post(page_of("reset_factors", admin_client.user), {"reason": "x"})
        assert own.status_code == 422 and "another admin can" in own.content.decode()

    def test_nobody_changes_their_own_role_or_suspends_themselves(self, admin_client):
        make_user("admin", email="second@example.test")
        me = admin_client.user
        assert page_of("delete", me) not in admin_client.get(page_of("detail", me)).content.decode()
        form = form_values(admin_client.get(page_of("edit", me)))
        assert {"role", "is_active"}.isdisjoint(form)
        admin_client.post(page_of("edit", me), form | {"role": "Support", "reason": "x"})
        suspended = admin_client.post(page_of("suspend", me), {"reason": "x"})
        assert suspended.status_code == 422 and "another admin can" in suspended.content.decode()
        assert (User.objects.get(pk=me.pk).role, User.objects.get(pk=me.pk).is_active) == ("Admin", True)
        page = admin_client.get(page_of("detail", me)).content.decode()
        assert page_of("suspend", me) not in page

    def test_are_the_admins_business(self, clients_of_others, ada):
        names = (
            "detail",
            "edit",
            "delete",
            "reinvite",
            "password",
            "suspend",
            "sessions_end",
            "reset_factors",
        )
        for client in clients_of_others:
            for url in (reverse("backoffice:user_list"), *(page_of(name, ada) for name in names)):
                assert client.get(url).status_code == 403
                assert client.post(url, {"reason": "x", "role": "Admin"}).status_code in (403, 405)


@pytest.fixture
def clients_of_others(support_client, finance_client, manager_client):
    return [support_client, finance_client, manager_client]


class TestTheLastAdmin:
    @pytest.mark.parametrize(
        "sql",
        [
            "update backoffice_user set is_superuser = false",
            "update backoffice_user set is_active = false",
            "delete from backoffice_user",
        ],
        ids=["demoted", "suspended", "deleted"],
    )
    def test_stays_even_where_python_is_wrong(self, admin, sql):
        with pytest.raises(DatabaseError, match="last active admin"), transaction.atomic():
            connection.cursor().execute(sql)
        assert User.objects.get(pk=admin.pk).is_superuser

    def test_a_second_one_may_go(self, admin):
        make_user("admin", email="second@example.test")
        User.objects.filter(pk=admin.pk).update(is_active=False)
        with pytest.raises(DatabaseError, match="last active admin"), transaction.atomic():
            User.objects.filter(email="second@example.test").update(is_superuser=False)

    @pytest.mark.parametrize("by_service", [True, False], ids=["service", "SQL"])
    def test_two_admins_who_demote_each_other_at_once_leave_one(self, fresh_database, by_service):
        with fresh_database.django():
            admins = [make_user("admin", email=f"{name}@example.test") for name in ("one", "two")]
            at_once, refused = threading.Barrier(2), []

            def demote(actor, other):
                try:
                    at_once.wait(10)
                    if by_service:
                        other.role = "Support"
                        staff.save_account(other, actor=actor, reason="At once")
                    else:
                        User.objects.filter(pk=other.pk).update(is_superuser=False)
                except (ValidationError, DatabaseError) as error:
                    refused.append(str(error))
                finally:
                    connection.close()

            threads = [threading.Thread(target=demote, args=pair) for pair in (admins, admins[::-1])]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(20)
            assert User.objects.filter(is_superuser=True).count() == 1
            assert len(refused) == 1 and "last active admin" in refused[0]
