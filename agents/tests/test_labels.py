"""Labels: kept by managers, told apart by more than capitals, retired where they are used."""

import csv

import pytest
from django.core.exceptions import ValidationError
from django.urls import reverse

from agents.conversations.labels import delete_label, restore_label, retire_label
from agents.conversations.reviews import add_label
from agents.models import Label
from agents.tests.factories import make_conversation, make_label
from backoffice import jobs
from backoffice.models import AuditEvent, Job
from backoffice.testing import make_user
from backoffice.testing_crud import CrudTests, check_page, client_of, form_values, set_column
from tenants.tests.factories import change


class TestLabelPages(CrudTests):
    model = Label
    role = "manager"
    edit_data = {"name": "Wrong number", "meaning": "Wanted somebody else", "tone": "warn"}
    their_data = {"name": "Misdialled", "meaning": "Nobody wanted us", "tone": "bad"}

    @pytest.fixture(autouse=True)
    def _one_row(self, db):
        self.author = make_user("manager", email="author@example.test")
        self.obj = self.make(0)

    def make(self, n):
        return make_label(self.author)

    def form_data(self):
        return {
            "name": "Asked for a person",
            "tone": "neutral",
            "meaning": "Did not want to talk to an agent",
        }

    def events(self, action, pk=None):
        found = AuditEvent.objects.of(self.obj if pk is None else Label(pk=pk))
        return found.filter(action=action, source="app", actor_id__gt=self.author.pk)

    def block(self, obj):
        add_label(make_conversation(), actor=self.author, label=obj)
        return "1 use"

    def empty_row(self):
        """No column may be NULL."""

    def spread(self, rows, order):
        names = ["", " ", "a", "Ä", "ä1", "b", "Z", "z1", "日本", "ｂ", "_", "%"]
        for row, name in zip(rows, names, strict=True):
            set_column(row, "name", name)
        return "name"


def url(page, label):
    return reverse(f"agents:label_{page}", args=[label.pk])


class TestNames:
    @pytest.mark.parametrize("name", ["refund", "REFUND", " Refund "])
    def test_a_name_that_differs_in_capitals_is_refused_beside_its_field(self, manager_client, name):
        make_label(name="Refund")
        response = manager_client.post(
            reverse("agents:label_add"), {"name": name, "tone": "good", "meaning": "kept"}
        )
        html = check_page(response, 422)
        assert "There is a label “Refund” already." in response.context["form"].errors["name"]
        assert 'id="id_name_error"' in html and form_values(response)["meaning"] == "kept"
        assert Label.objects.count() == 1

    def test_capitals_of_a_name_can_be_put_right(self, manager_client):
        label = make_label(name="refund")
        data = form_values(manager_client.get(url("edit", label)))
        assert manager_client.post(url("edit", label), {**data, "name": "Refund"}).status_code == 302
        label.refresh_from_db()
        assert label.name == "Refund"

    def test_a_retired_name_is_taken_too(self, manager_client):
        make_label(name="Refund", is_retired=True)
        response = manager_client.post(reverse("agents:label_add"), {"name": "refund", "tone": "good"})
        assert "There is a retired label “Refund” already." in check_page(response, 422)


class TestRetiring:
    def test_is_done_with_a_reason_and_undone(self, manager_client, manager):
        label = make_label(name="Refund")
        html = check_page(manager_client.get(url("detail", label)))
        assert url("retire", label) in html and url("restore", label) not in html
        check_page(manager_client.post(url("retire", label), {"reason": ""}), 422)
        html = check_page(manager_client.post(url("retire", label), {"reason": "Never used"}, follow=True))
        assert "Refund was retired." in html and url("restore", label) in html
        event = AuditEvent.objects.of(label).first()
        assert (event.actor, event.reason, event.changes) == (
            str(manager),
            "Never used",
            {"is_retired": [False, True]},
        )
        check_page(manager_client.post(url("restore", label), {"reason": "Needed"}, follow=True))
        label.refresh_from_db()
        assert not label.is_retired

    def test_happens_once(self, manager):
        label = make_label()
        retire_label(label, actor=manager)
        with pytest.raises(ValidationError, match="is retired already"):
            retire_label(label, actor=manager)
        restore_label(label, actor=manager)
        with pytest.raises(ValidationError, match="is not retired"):
            restore_label(label, actor=manager)


class TestUses:
    def test_the_list_and_the_record_count_them(self, manager_client, manager):
        label = make_label(manager, name="Refund")
        for _ in range(3):
            add_label(make_conversation(), actor=manager, label=label)
        assert ">3</td>" in check_page(manager_client.get(reverse("agents:label_list")))
        html = check_page(manager_client.get(url("detail", label)))
        assert "3 uses" in html and f"/agents/conversations/?label={label.pk}" in html

    def test_what_is_used_is_not_deleted_by_the_service_either(self, admin):
        label = make_label(admin)
        add_label(make_conversation(), actor=admin, label=label)
        with pytest.raises(ValidationError, match="it has 1 use"):
            delete_label(label, actor=admin, reason="r")

    def test_support_and_finance_look_only(self, support_client, finance_client):
        label = make_label()
        for client in (support_client, finance_client):
            html = check_page(client.get(url("detail", label)))
            assert not any(url(page, label) in html for page in ("edit", "retire", "delete"))
            check_page(client.post(url("retire", label), {"reason": "r"}), 403)

    def test_a_hostile_name_is_text(self, manager_client, manager):
        label = change(make_label(manager), name="<script>alert(1)</script>", tone='"><b>')
        add_label(make_conversation(), actor=manager, label=label)
        for page in (reverse("agents:label_list"), url("detail", label), url("edit", label)):
            html = check_page(manager_client.get(page))
            assert "&lt;script&gt;" in html and "<script>alert" not in html and 'status--"><b>' not in html


def test_uses_are_a_column_of_the_exported_list(fresh_database, settings, tmp_path):
    settings.JOB_FILES_DIR = tmp_path
    with fresh_database.platform():
        conversation = make_conversation()
    with fresh_database.django():
        manager = make_user("manager")
        add_label(conversation, actor=manager, label=make_label(manager, name="Refund"))
        address = reverse("list_export", args=["agents:label_list"])
        assert client_of(manager).post(address, {"format": "csv", "query": ""}).status_code == 302
        jobs.run(str(Job.objects.get().pk))
        with Job.objects.get().result_path.open(newline="", encoding="utf-8") as file:
            assert list(csv.reader(file)) == [
                ["Label", "When to use it", "Uses", "Retired"],
                ["Refund", "", "1", "false"],
            ]
