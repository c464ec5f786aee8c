"""Notes on tenants: who writes, changes and finds them, and what a hostile text does to a page (nothing)."""

import re

import pytest
from django.db import connection
from django.urls import reverse

from backoffice.models import AuditEvent
from backoffice.templatetags.ui import linked, web_link
from backoffice.testing import make_user
from backoffice.testing_crud import (
    TIMES,
    CrudTests,
    check_page,
    client_of,
    count_queries,
    form_values,
    set_column,
)
from tenants.models import Note
from tenants.notes import MOST_PINNED, pin_note
from tenants.tests.factories import change, make_note, make_organization
from tenants.views import tab_pages


class TestNotePages(CrudTests):
    model = Note
    edit_data = {"text": "Called back.\nAll is well.", "ticket": "https://tickets.example/8"}
    their_data = {"text": "No answer.", "ticket": "https://tickets.example/9"}

    @pytest.fixture(autouse=True)
    def _one_row(self, db):
        self.author = make_user("support", email="author@example.test")
        self.obj = self.make(0)

    @pytest.fixture
    def editor(self):
        return client_of(self.author)

    def make(self, n):
        return make_note(author=self.author)

    def pages(self):
        """Editing and deleting are for the author, see below."""
        return [("list", "tenants.view_note"), ("detail", "tenants.view_note"), ("add", "tenants.add_note")]

    def form_data(self):
        return {"organization": make_organization().pk, "text": "Wants a new number."}

    def events(self, action, pk=None):
        found = AuditEvent.objects.of(self.obj if pk is None else Note(pk=pk))
        return found.filter(action=action, source="app")

    def empty_row(self):
        super().empty_row()
        self.odd(author_id=self.author.pk)  # nobody else's form opens

    def spread(self, rows, order):
        times = [moment or "2026-02-01" for moment in TIMES]  # never NULL
        for row, moment in zip(rows, times, strict=True):
            set_column(row, "created_at", moment)
        return "created_at"

    test_what_something_depends_on_cannot_be_deleted = None  # nothing refers to a note


def url(page, note):
    return reverse(f"tenants:note_{page}", args=[note.pk])


class TestWhoseNote:
    def test_ones_own_is_changed_by_oneself_and_by_admins_only(
        self, support_client, finance_client, manager_client, admin_client
    ):
        note = make_note(author=finance_client.user)
        for client, status in (
            (support_client, 403),
            (finance_client, 200),
            (manager_client, 403),
            (admin_client, 200),
        ):
            html = check_page(client.get(url("detail", note)))
            for page in ("edit", "delete"):
                check_page(client.get(url(page, note)), status)
                assert (url(page, note) in html) == (status == 200), (page, client.user)
        assert support_client.post(url("delete", note), {"reason": "Not mine"}).status_code == 403
        assert Note.objects.filter(pk=note.pk).exists()

    def test_author_and_tenant_are_written_beside_their_ids(self, manager_client):
        tenant = make_organization(name="Acme")
        data = {"organization": tenant.pk, "text": "Hello", "author": 1, "author_name": "Somebody else"}
        assert manager_client.post(reverse("tenants:note_add"), data).status_code == 302
        note = Note.objects.get()
        assert (note.author_id, note.author_name) == (manager_client.user.pk, str(manager_client.user))
        assert note.organization_name == "Acme"
        assert AuditEvent.objects.of(note).get().organization_id == tenant.pk

    def test_an_edit_is_marked_as_such(self, support_client):
        note = make_note(author=support_client.user, text="Before")
        data = form_values(support_client.get(url("edit", note)))
        support_client.post(url("edit", note), {**data, "text": "After"})
        note.refresh_from_db()
        assert note.text == "After" and note.edited_at > note.created_at

    def test_an_edit_that_changes_nothing_is_none(self, support_client):
        note = make_note(author=support_client.user, text="Before")
        support_client.post(url("edit", note), form_values(support_client.get(url("edit", note))))
        note.refresh_from_db()
        assert note.edited_at is None

    def test_deletion_keeps_the_text_in_the_audit(self, support_client):
        note = make_note(author=support_client.user, text="Owes us a call")
        assert support_client.post(url("delete", note), {"reason": "Twice"}).status_code == 302
        event = AuditEvent.objects.of(note).first()
        assert (event.action, event.reason, event.old["text"]) == ("delete", "Twice", "Owes us a call")

    def test_the_name_stays_when_the_tenant_is_gone(self, support_client, owner):
        note = make_note(make_organization(name="Gone Ltd"))
        owner("delete from organizations where id = %s", [note.organization_id])
        assert "Gone Ltd (closed)" in check_page(support_client.get(url("detail", note)))
        assert "Gone Ltd (closed)" in check_page(support_client.get(reverse("tenants:note_list")))


class TestPins:
    def test_pin_and_unpin_are_one_click_with_undo(self, support_client):
        note = make_note()
        html = check_page(support_client.post(url("pin", note), follow=True))
        assert "was pinned" in html and f'action="{url("unpin", note)}"' in html
        note.refresh_from_db()
        assert note.pinned_at and AuditEvent.objects.of(note).first().actor == str(support_client.user)
        support_client.post(url("unpin", note))
        note.refresh_from_db()
        assert note.pinned_at is None

    def test_no_more_than_a_few_are_pinned(self, support_client, support):
        tenant = make_organization()
        notes = [make_note(tenant) for _ in range(MOST_PINNED + 1)]
        for note in notes[:-1]:
            pin_note(note, actor=support)
        html = check_page(support_client.post(url("pin", notes[-1])), 422)
        assert "unpin one of them first" in html
        pin_note(make_note(), actor=support)  # another tenant's do not count

    def test_next_leads_to_our_pages_only(self, support_client):
        note = make_note()
        for target, landed in (
            ("/tenants/notes/", "/tenants/notes/"),
            ("//evil.example", url("detail", note)),
        ):
            assert support_client.post(url("pin", note), {"next": target}).url == landed


class TestForm:
    @pytest.mark.parametrize(
        "ticket",
        [
            "javascript:alert(1)",
            "ftp://tickets.example/1",
            "http://",
            "https://user:secret@tickets.example/1",
            "1234",
            "https://tickets.example/a b",
            "data:text/html,x",
        ],
    )
    def test_a_ticket_that_is_no_address_is_refused_beside_its_field(self, support_client, ticket):
        data = {"organization": make_organization().pk, "text": "Kept", "ticket": ticket}
        response = support_client.post(reverse("tenants:note_add"), data)
        assert 'id="id_ticket_error"' in check_page(response, 422)
        assert form_values(response)["text"] == "Kept" and form_values(response)["ticket"] == ticket

    def test_a_number_is_a_ticket_where_a_setting_makes_addresses_of_numbers(self, support_client, settings):
        settings.TICKET_URL = "https://tickets.example/{}?x=1"
        data = {"organization": make_organization().pk, "text": "x", "ticket": "#OPS-12"}
        html = check_page(support_client.post(reverse("tenants:note_add"), data, follow=True))
        assert Note.objects.get().ticket == "OPS-12"
        assert 'href="https://tickets.example/OPS-12?x=1"' in html

    def test_length_is_bounded_and_counts_a_line_break_once(self, support_client):
        data = {"organization": make_organization().pk, "text": "a\r\n" * 2499 + "ab"}
        assert support_client.post(reverse("tenants:note_add"), data).status_code == 302
        assert Note.objects.get().text == "a\n" * 2499 + "ab"
        response = support_client.post(reverse("tenants:note_add"), {**data, "text": "x" * 5001})
        assert 'id="id_text_error"' in check_page(response, 422)
        assert len(form_values(response)["text"]) == 5001

    def test_a_browser_cuts_nothing_off(self, support_client):
        note = make_note(author=support_client.user)
        for page in (
            reverse("tenants:note_add"),
            reverse("tenants:note_edit", args=[note.pk]),
            reverse("tenants:organization_notes", args=[note.organization_id]),
        ):
            (box,) = re.findall(r"<textarea[^>]*>", check_page(support_client.get(page)))
            assert "maxlength" not in box, page


class TestSearch:
    def found(self, client, **params):
        return {row.text for row in client.get(reverse("tenants:note_list"), params).context["rows"]}

    def test_words_are_found_by_their_beginning_whatever_surrounds_them(self, support_client):
        make_note(text="Wants a refund, asked (twice)!")
        make_note(text="see refund_policy at https://docs.example/Lindström")
        make_note(text="Nothing of the kind", ticket="https://tickets.example/777")
        assert len(self.found(support_client, q="REFUND")) == 2
        assert self.found(support_client, q="refu twic") == {"Wants a refund, asked (twice)!"}
        assert len(self.found(support_client, q="Lindströ")) == 1
        assert self.found(support_client, q="777") == {"Nothing of the kind"}
        assert self.found(support_client, q="efund") == set()

    def test_words_are_read_as_everywhere(self, support_client):
        make_note(text="Straße in Łódź, Café; 電話番号を変更しました")
        for q in ("strasse", "lodz", "CAFE", "番号", "straß łód"):
            assert len(self.found(support_client, q=q)) == 1, q

    @pytest.mark.parametrize("before", [0, 1000, 1890, 1995, 2500, 3795, 3895, 4900])
    def test_every_part_of_a_long_note_is_found(self, support_client, before):
        make_note(text=f"{'x ' * (before // 2)} Zanzibar {'y ' * ((4980 - before) // 2)}")
        assert len(self.found(support_client, q="zanzibar")) == 1

    def test_an_index_answers(self, db):
        with connection.cursor() as cursor:
            # How few rows there are, and in which index their order stands, shall not decide.
            cursor.execute("set local enable_seqscan = off; set local enable_indexscan = off")
        assert "note_search" in Note.objects.matching("refund").order_by().explain()

    @pytest.mark.parametrize("q", ["'", "& | !", ":*", "(", "\\", "''; drop table x", "x" * 9000])
    def test_signs_of_the_query_language_are_only_text(self, support_client, q):
        make_note(text="Nothing")
        assert self.found(support_client, q=q) == set()

    def test_filters(self, support_client, support, finance):
        tenant = make_organization()
        make_note(tenant, author=support, text="mine", pinned_at="2026-01-02T00:00:00Z")
        change(make_note(author=finance, text="theirs"), created_at="2020-01-01T00:00:00Z")
        assert self.found(support_client, author=support.pk) == {"mine"}
        assert self.found(support_client, organization=tenant.pk) == {"mine"}
        assert self.found(support_client, pinned="no") == {"theirs"}
        assert self.found(support_client, since="2021-01-01") == {"mine"}


class TestHostileText:
    def test_addresses_become_links_and_nothing_else_does(self):
        html = linked(
            'See https://a.example/x?y=1&z="2" or (http://b.example/(c)). javascript:alert(1) <b>\n@x'
        )
        assert html.count("<a ") == 2
        assert 'href="https://a.example/x?y=1&amp;z="' in html
        assert 'href="http://b.example/(c)"' in html
        assert "&lt;b&gt;\n@x" in html and 'rel="noopener noreferrer nofollow"' in html

    def test_what_is_no_web_address_is_no_link(self):
        assert web_link("javascript:alert(1)", "<x>") == "&lt;x&gt;"

    def test_line_breaks_are_kept(self, support_client):
        note = make_note(text="one\ntwo\n\n<script>alert(1)</script>")
        html = check_page(support_client.get(url("detail", note)))
        assert "one\ntwo\n\n&lt;script&gt;" in html


class TestTenantsPage:
    def tab(self, tenant):
        return reverse("tenants:organization_notes", args=[tenant.pk])

    def test_a_note_is_added_right_there(self, finance_client):
        tenant = make_organization()
        data = form_values(finance_client.get(self.tab(tenant)))
        html = check_page(
            finance_client.post(reverse("tenants:note_add"), {**data, "text": "Pays on Friday"}, follow=True)
        )
        assert "Pays on Friday" in html and "Add the note" in html

    def test_what_is_refused_is_not_lost(self, support_client):
        tenant = make_organization(name="Acme")
        data = form_values(support_client.get(self.tab(tenant)))
        response = support_client.post(
            reverse("tenants:note_add"), {**data, "text": "A long story", "ticket": "x"}
        )
        html = check_page(response, 422)
        assert "A long story" in html and "Acme" in html and form_values(response)["ticket"] == "x"

    def test_pinned_ones_stand_on_top_and_in_every_head(self, support_client):
        tenant = make_organization()
        make_note(tenant, text="Elderberry", pinned_at="2026-01-02T00:00:00Z")
        make_note(tenant, text="Newtonian")
        make_note(text="Otherworldly", pinned_at="2026-01-02T00:00:00Z")
        response = support_client.get(self.tab(tenant))
        check_page(response)
        assert [note.text for note in response.context["pinned"]] == ["Elderberry"]
        assert [note.text for note in response.context["notes"]] == ["Newtonian"]
        html = check_page(support_client.get(tenant.get_absolute_url()))
        assert "Elderberry" in html and "Newtonian" not in html and "Otherworldly" not in html

    def test_pages_by_key_visit_every_note_once(self, support_client, monkeypatch):
        monkeypatch.setattr(tab_pages, "SHOWN", 3)
        tenant = make_organization()
        notes = [make_note(tenant, created_at="2026-01-02T00:00:00Z") for _ in range(7)]
        make_note(tenant, pinned_at="2026-01-02T00:00:00Z")
        address, seen = self.tab(tenant), []
        while address:
            response = support_client.get(address)
            seen += response.context["notes"]
            address = response.context["next_url"] and self.tab(tenant) + response.context["next_url"]
        assert len(seen) == 7 and set(seen) == set(notes)
        assert support_client.get(self.tab(tenant) + "?after=nonsense").url == self.tab(tenant)

    def test_costs_the_same_for_one_note_and_for_many(self, support_client):
        tenant = make_organization()
        make_note(tenant, author=support_client.user)
        support_client.get(self.tab(tenant))  # the first look at a tenant keeps what is wrong with it
        few = count_queries(support_client, self.tab(tenant))
        for _ in range(5):
            make_note(tenant, author=support_client.user)
        assert len(count_queries(support_client, self.tab(tenant))) == len(few)

    def test_only_ones_own_offer_to_edit(self, support_client, finance):
        tenant = make_organization()
        mine, theirs = make_note(tenant, author=support_client.user), make_note(tenant, author=finance)
        html = check_page(support_client.get(self.tab(tenant)))
        assert url("edit", mine) in html and url("edit", theirs) not in html
