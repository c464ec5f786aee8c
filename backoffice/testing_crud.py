"""What the pages of every object have to do, brought along by one class per object.

    class TestPhoneNumberPages(CrudTests):
        model = PhoneNumber
        edit_data = {"provider_sid": "PN1"}
        ...

PageTests is for objects that are only looked at (list and record), CrudTests adds creating, editing and deleting.
Each test asks over HTTP and looks at the page and the row, with rows that the platform could have written.
"""

import pytest
from django.db import models

from backoffice.models import AuditEvent
from backoffice.testing import make_user
from backoffice.testing_client import (
    Forms,
    Markup,
    case,
    check_page,
    client_of,
    client_with,
    count_queries,
    everything_but,
    form_values,
    set_column,
    table,
)
from backoffice.testing_lists import AMOUNTS, TEXTS, TIMES
from backoffice.testing_pages import HOSTILE, MEGABYTE, PageTests

# What the tests of the apps import from here.
__all__ = [
    "AMOUNTS",
    "HOSTILE",
    "MEGABYTE",
    "TEXTS",
    "TIMES",
    "CrudTests",
    "Forms",
    "Markup",
    "PageTests",
    "check_page",
    "client_of",
    "client_with",
    "count_queries",
    "everything_but",
    "form_values",
    "set_column",
    "table",
]


class CrudTests(PageTests):
    """Creating, editing and deleting as well.

    `form_data()` fills the add form, `edit_data` changes the edit form of `self.obj`, `their_data` is what somebody
    else changes the same columns to meanwhile, `make_deletable()` gives a row that nothing depends on, `block(obj)`
    makes one that depends on it and returns the word by which the page calls it.
    """

    edit_data = {}
    their_data = {}
    odd_is_refused = ()  # fields whose odd values a form refuses even when they were there before
    role = "support"
    gone = 404  # what the address of a deleted row answers

    def form_data(self):
        raise NotImplementedError

    def block(self, obj):
        raise NotImplementedError

    def make_deletable(self):
        return self.make(99)

    @pytest.fixture
    def editor(self, db):
        return client_of(make_user(self.role, email="editor@example.test"))

    def edit_columns(self):
        return {self.model._meta.get_field(name).column for name in self.edit_data}

    def stored(self, pk=None):
        return self.model.objects.get(pk=pk or self.obj.pk)

    def events(self, action, pk=None):
        """Of one record and action, made here; newest first."""
        found = AuditEvent.objects.filter(table_name=self.model._meta.db_table, row_id=str(pk or self.obj.pk))
        return found.filter(action=action, source="app")

    # Creating

    def test_added_row_keeps_who_and_why(self, editor):
        response = editor.post(self.url("add"), {**self.form_data(), "reason": "Asked by phone"}, follow=True)
        html = check_page(response)
        added = self.stored(response.request["PATH_INFO"].rstrip("/").split("/")[-1])
        (event,) = self.events("insert", added.pk)
        assert (event.actor_id, event.actor, event.reason) == (
            editor.user.pk,
            str(editor.user),
            "Asked by phone",
        )
        assert "was added." in html and "Asked by phone" in html

    def test_an_empty_add_form_is_refused_beside_its_fields(self, editor):
        before = self.model.objects.count()
        html = check_page(editor.post(self.url("add"), {"reason": "kept <b>"}), 422)
        assert 'class="field__error"' in html and "kept &lt;b&gt;" in html
        assert self.model.objects.count() == before

    def test_what_was_typed_stays_when_the_add_form_is_refused(self, editor):
        data = {**self.form_data(), "reason": "x" * 600}
        response = editor.post(self.url("add"), data)
        check_page(response, 422)
        assert {name: form_values(response)[name] for name in data} == {
            name: str(value) for name, value in data.items()
        }

    # Editing

    def open_edit(self, editor):
        response = editor.get(self.url("edit"))
        check_page(response)
        return form_values(response)

    def test_a_form_saved_untouched_writes_nothing(self, editor):
        data = self.open_edit(editor)
        response = editor.post(self.url("edit"), data)
        assert response.status_code == 302, response.context["form"].errors
        assert not self.events("update").exists()

    def test_a_null_row_saved_untouched_writes_nothing(self, editor):
        self.empty_row()
        response = editor.post(self.url("edit"), self.open_edit(editor))
        assert response.status_code == 302, response.context["form"].errors
        assert not self.events("update").exists()

    def test_odd_texts_saved_untouched_stay_as_they_are(self, editor):
        columns = [
            f
            for f in self.fields(models.CharField, models.TextField)
            if f.null and f.name not in self.odd_is_refused
        ]
        for text in ("", " ", "two\nlines", " spaces around \r\n", "\ttab", "é\u202e"):
            with case(text):
                self.odd(**{field.attname: text for field in columns})
                response = editor.post(self.url("edit"), self.open_edit(editor))
                assert response.status_code == 302, response.context["form"].errors
                assert not self.events("update").exists()

    def test_edit_writes_only_the_columns_that_changed(self, editor):
        data = self.open_edit(editor)
        response = editor.post(
            self.url("edit"), {**data, **self.edit_data, "reason": "As agreed"}, follow=True
        )
        html = check_page(response)
        (event,) = self.events("update")
        assert set(event.new) == set(event.old) == self.edit_columns()
        assert (event.actor_id, event.actor, event.reason) == (editor.user.pk, str(editor.user), "As agreed")
        assert "was saved." in html and "As agreed" in html

    def test_a_change_made_meanwhile_is_a_conflict_and_mine_can_be_kept(self, editor):
        data = {**self.open_edit(editor), **self.edit_data, "reason": "Mine"}
        self.odd(**self.their_data)
        response = editor.post(self.url("edit"), data)
        html = check_page(response, 409)
        conflicts = {row["name"] for row in response.context["rows"] if row["conflict"]}
        assert conflicts == set(self.edit_data)
        for name in conflicts:
            assert f'name="keep_{name}" value="mine"' in html and f'name="keep_{name}" value="theirs"' in html
        assert not self.events("update").exists()
        choice = {f"keep_{name}": "mine" for name in conflicts}
        assert editor.post(self.url("edit"), {**form_values(response), **choice}).status_code == 302
        (event,) = self.events("update")
        assert set(event.new) == self.edit_columns()
        assert event.reason == "Mine"

    def test_a_change_made_meanwhile_can_be_left_as_it_is(self, editor):
        data = {**self.open_edit(editor), **self.edit_data, "reason": "Mine"}
        self.odd(**self.their_data)
        response = editor.post(self.url("edit"), data)
        choice = {f"keep_{name}": "theirs" for name in self.edit_data}
        assert editor.post(self.url("edit"), {**form_values(response), **choice}).status_code == 302
        assert not self.events("update").exists()
        assert {name: getattr(self.stored(), name) for name in self.their_data} == self.their_data

    def test_a_second_conflict_is_asked_about_again(self, editor):
        data = {**self.open_edit(editor), **self.edit_data}
        self.odd(**self.their_data)
        response = editor.post(self.url("edit"), data)
        original = {name: getattr(self.obj, name) for name in self.their_data}
        self.odd(**original)
        choice = {f"keep_{name}": "mine" for name in self.edit_data}
        check_page(editor.post(self.url("edit"), {**form_values(response), **choice}), 409)
        assert not self.events("update").exists()

    def test_a_form_that_we_did_not_hand_out_is_refused(self, editor):
        data = {**self.open_edit(editor), **self.edit_data}
        for opened in ("", "nonsense", "eyJhIjoxfQ:abc:def"):
            with case(opened):
                response = editor.post(self.url("edit"), {**data, "opened": opened})
                assert "out of date" in check_page(response, 422)
                assert not self.events("update").exists()

    def test_texts_that_no_column_can_hold_are_refused_on_the_form(self, editor):
        data = self.open_edit(editor)
        for name in self.edit_data:
            if not isinstance(self.model._meta.get_field(name), models.CharField | models.TextField):
                continue
            for text in ("\0", "a\0b"):
                check_page(editor.post(self.url("edit"), {**data, name: text}), 422)
        assert not self.events("update").exists()

    def test_those_who_only_look_are_offered_no_button(self):
        client = client_with(self.permission("view"))
        html = client.get(self.url("detail")).content.decode() + client.get(self.url("list")).content.decode()
        assert not any(self.url(page) in html for page in ("add", "edit", "delete") if self.url(page))

    # Deleting

    def test_what_something_depends_on_cannot_be_deleted(self, admin_client):
        obj = self.make_deletable()
        what = self.block(obj)
        html = check_page(admin_client.get(self.url("delete", obj.pk)))
        assert "cannot be deleted" in html and what in html and "<textarea" not in html
        response = admin_client.post(
            self.url("delete", obj.pk), {"reason": "Away with it", "confirm": str(obj)}
        )
        assert what.replace(" ", "_") in check_page(response, 422) or what in response.content.decode()
        assert self.stored(obj.pk)

    def test_a_deletion_needs_a_reason_and_leaves_an_entry(self, admin_client):
        obj = self.make_deletable()
        check_page(admin_client.get(self.url("delete", obj.pk)))
        check_page(admin_client.post(self.url("delete", obj.pk), {"reason": " ", "confirm": str(obj)}), 422)
        assert self.stored(obj.pk)
        response = admin_client.post(
            self.url("delete", obj.pk), {"reason": "Asked in writing", "confirm": str(obj)}, follow=True
        )
        assert "was deleted." in check_page(response)
        assert not self.model.objects.filter(pk=obj.pk).exists()
        event = self.table_event(obj)
        assert (event.action, event.actor, event.reason) == (
            "delete",
            str(admin_client.user),
            "Asked in writing",
        )
        check_page(admin_client.get(self.url("detail", obj.pk)), self.gone)

    def table_event(self, obj):
        return AuditEvent.objects.of(obj).first()
