"""Reviews of conversations: outcome, labels, notes; who may, what others see, two reviewers at once."""

import threading

import pytest
from django.core.exceptions import ValidationError
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from agents.conversations import index
from agents.conversations.reviews import (
    Changed,
    add_label,
    add_note,
    delete_note,
    edit_note,
    panel,
    rate,
    rate_sentence,
    remove_label,
    set_outcome,
    turn_reviews,
)
from agents.models import Conversation, Label, LabelUse, Review, ReviewNote
from agents.tests.factories import (
    make_chat_message,
    make_conversation,
    make_label,
    make_session,
)
from backoffice.models import AuditEvent
from backoffice.testing import make_user
from backoffice.testing_crud import HOSTILE, check_page, client_of
from tenants.tests.factories import change

HTMX = {"HX-Request": "true", "HX-Current-URL": "http://testserver/agents/conversations/?sort=length"}


@pytest.fixture
def conversation(db):
    return make_conversation(["My mail is jane@example.com", "Thank you"])


@pytest.fixture
def other(db):
    return make_user("manager", email="other@example.test", first_name="Olga", last_name="Other")


def url(verb, conversation):
    return reverse(f"agents:review_{verb}", args=[conversation.pk])


def turns_of(conversation):
    """The keys of its turns, in order."""
    with connection.cursor() as cursor:
        cursor.execute(
            "select key from transcripts.session_turns(array[%s::uuid]) order by number",
            [conversation.source_id],
        )
        return [row[0] for row in cursor.fetchall()]


def row_of(conversation):
    return Conversation.objects.values("outcome", "labels", "reviewed_by").get(pk=conversation.pk)


class TestOutcome:
    def test_goes_into_the_list_with_who_and_when(self, conversation, manager):
        assert set_outcome(conversation, actor=manager, outcome="failed", reason="Hung up")
        review = Review.objects.get()
        assert (review.outcome, review.reviewer_id, review.reviewer_name) == (
            "failed",
            manager.pk,
            str(manager),
        )
        assert review.organization_id == conversation.organization_id
        row = Conversation.objects.get(pk=conversation.pk)
        assert (row.outcome, row.reviewed_by, row.reviewed_at) == (
            "failed",
            str(manager),
            review.reviewed_at,
        )
        event = AuditEvent.objects.of(review).get()
        assert (event.actor, event.reason, event.organization_id) == (
            str(manager),
            "Hung up",
            conversation.organization_id,
        )

    def test_the_last_one_counts_and_the_audit_has_the_others(self, conversation, manager, other):
        set_outcome(conversation, actor=manager, outcome="failed")
        set_outcome(conversation, actor=other, outcome="success", seen="failed")
        assert row_of(conversation) == {"outcome": "success", "labels": [], "reviewed_by": "Olga Other"}
        changes = AuditEvent.objects.of(Review.objects.get()).first().changes
        assert changes["outcome"] == ["failed", "success"]

    def test_is_taken_back(self, conversation, manager):
        set_outcome(conversation, actor=manager, outcome="unknown")
        assert set_outcome(conversation, actor=manager, outcome=None, seen="unknown")
        assert not Review.objects.exists()
        assert row_of(conversation) == {"outcome": None, "labels": [], "reviewed_by": None}

    def test_who_comes_second_sees_that_and_replaces_nothing(self, conversation, manager, other):
        set_outcome(conversation, actor=other, outcome="failed", seen=None)
        with pytest.raises(Changed, match="Olga Other set this to Failed after you opened it"):
            set_outcome(conversation, actor=manager, outcome="success", seen=None)
        assert Review.objects.get().outcome == "failed"
        set_outcome(conversation, actor=other, outcome=None)
        with pytest.raises(Changed, match="Somebody took the outcome back"):
            set_outcome(conversation, actor=manager, outcome="success", seen="failed")

    def test_the_same_from_two_is_no_conflict_and_stays_the_firsts(self, conversation, manager, other):
        set_outcome(conversation, actor=other, outcome="failed", seen=None)
        assert not set_outcome(conversation, actor=manager, outcome="failed", seen=None)
        assert Review.objects.get().reviewer_id == other.pk

    def test_survives_the_index_reading_the_conversation_again(self, conversation, manager):
        set_outcome(conversation, actor=manager, outcome="success")
        add_label(conversation, actor=manager, label=make_label(manager))
        before = row_of(conversation)
        index.refresh(conversation.store, [conversation.source_id])
        assert row_of(conversation) == before and before["labels"]

    def test_of_a_conversation_that_is_gone_is_refused(self, conversation, manager):
        Conversation.objects.filter(pk=conversation.pk).delete()
        with pytest.raises(ValidationError, match="not there any more"):
            set_outcome(conversation, actor=manager, outcome="success")
        assert not Review.objects.exists()

    def test_of_a_legacy_chat(self, manager):
        conversation = make_conversation(record=make_chat_message().session)
        set_outcome(conversation, actor=manager, outcome="success")
        assert row_of(conversation)["outcome"] == "success"


def test_two_reviewers_at_the_same_moment_do_not_overwrite(fresh_database):
    with fresh_database.platform():
        conversation = make_conversation()
    with fresh_database.django():
        users = [make_user("manager", email=f"m{n}@example.test") for n in range(6)]
        results, start = [], threading.Barrier(len(users))

        def review(n, user):
            start.wait()
            try:
                results.append(
                    set_outcome(
                        conversation, actor=user, outcome=["success", "failed", "unknown"][n % 3], seen=None
                    )
                )
            except Changed:
                results.append("conflict")
            finally:
                connection.close()

        threads = [threading.Thread(target=review, args=pair) for pair in enumerate(users)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        # The first wins, who says the same agrees, the others are told.
        assert sorted(map(str, results)) == ["False", "True", *["conflict"] * 4]
        assert Review.objects.count() == 1
        assert row_of(conversation)["outcome"] == Review.objects.get().outcome


def test_reviewing_waits_while_the_index_writes(fresh_database):
    """What the index read before would else replace what the reviewer said."""
    with fresh_database.platform():
        conversation = make_conversation()
    with fresh_database.django():
        manager = make_user("manager")
        holder = fresh_database.connect(autocommit=False)
        holder.execute("select pg_advisory_xact_lock(%s)", [index.LOCK])

        def review():
            set_outcome(conversation, actor=manager, outcome="success")
            connection.close()

        thread = threading.Thread(target=review)
        thread.start()
        thread.join(0.5)
        assert thread.is_alive() and row_of(conversation)["outcome"] is None
        holder.commit()
        thread.join(30)
        holder.close()
        assert row_of(conversation)["outcome"] == "success"


class TestOutcomeForm:
    def test_leads_back_to_the_page_it_stood_on(self, manager_client, conversation):
        data = {"outcome": "success", "seen": "", "next": "/agents/conversations/?sort=length"}
        response = manager_client.post(url("outcome", conversation), data)
        assert (response.status_code, response.url) == (302, "/agents/conversations/?sort=length#review")
        assert row_of(conversation)["outcome"] == "success"
        response = manager_client.post(
            url("outcome", conversation), {**data, "seen": "success", "next": "//evil.example"}
        )
        assert response.url == f"{conversation.get_absolute_url()}#review"

    def test_answers_htmx_with_its_part_alone(self, manager_client, conversation):
        response = manager_client.post(
            url("outcome", conversation), {"outcome": "success", "seen": ""}, headers=HTMX
        )
        html = response.content.decode()
        assert response.status_code == 200 and "<html" not in html and 'id="review-turns"' in html
        assert 'data-outcome="success" aria-pressed="true"' in html and 'name="seen" value="success"' in html
        assert 'name="next" value="/agents/conversations/?sort=length"' in html

    @pytest.mark.parametrize("headers", [{}, HTMX], ids=["plain", "htmx"])
    def test_a_conflict_is_told_and_can_be_answered(self, manager_client, conversation, other, headers):
        set_outcome(conversation, actor=other, outcome="failed")
        response = manager_client.post(
            url("outcome", conversation), {"outcome": "success", "seen": ""}, headers=headers
        )
        html = response.content.decode()
        assert response.status_code == 422 and "Olga Other set this to Failed" in html
        assert row_of(conversation)["outcome"] == "failed"
        if headers:
            assert 'name="seen" value="failed"' in html
        manager_client.post(url("outcome", conversation), {"outcome": "success", "seen": "failed"})
        assert row_of(conversation)["outcome"] == "success"

    def test_is_a_page_of_its_own_too(self, manager_client, conversation):
        html = check_page(manager_client.get(url("outcome", conversation)))
        assert "Not reviewed" in html
        check_page(manager_client.post(url("outcome", conversation), {"outcome": "perfect"}), 422)

    def test_is_for_managers_and_admins(self, support_client, finance_client, admin_client, conversation):
        for client in (support_client, finance_client):
            for verb in ("outcome", "label", "label_off", "note", "turn"):
                for method in (client.get, client.post):
                    html = check_page(method(url(verb, conversation)), 403)
                    assert "agents.review_conversation" in html
        assert admin_client.post(url("outcome", conversation), {"outcome": "success"}).status_code == 302


class TestLabels:
    def test_on_conversation_and_turns_are_one_list_in_the_row(self, conversation, manager):
        refund, angry = make_label(manager, name="Refund"), make_label(manager, name="Angry")
        first, second = turns_of(conversation)
        for label, turn in ((refund, ""), (refund, first), (angry, second), (refund, "")):
            add_label(conversation, actor=manager, label=label, turn=turn)
        assert LabelUse.objects.count() == 3
        assert row_of(conversation)["labels"] == sorted([refund.pk, angry.pk])
        remove_label(conversation, actor=manager, label=refund)
        assert row_of(conversation)["labels"] == sorted([refund.pk, angry.pk]), "it is on a turn still"
        remove_label(conversation, actor=manager, label=refund, turn=first)
        remove_label(conversation, actor=manager, label=refund, turn=first)
        assert row_of(conversation)["labels"] == [angry.pk]
        events = AuditEvent.objects.filter(table_name="backoffice.agents_labeluse")
        assert [event.action for event in events] == ["delete", "delete", "insert", "insert", "insert"]
        assert {event.organization_id for event in events} == {conversation.organization_id}

    @pytest.mark.parametrize("turn", ["h99", "nonsense", "00000000-0000-0000-0000-000000000000"])
    def test_a_turn_that_is_not_there_is_refused(self, conversation, manager, turn):
        with pytest.raises(ValidationError) as caught:
            add_label(conversation, actor=manager, label=make_label(manager), turn=turn)
        assert "no such turn" in caught.value.message_dict["turn"][0]
        with pytest.raises(ValidationError):
            add_note(conversation, actor=manager, text="x", turn=turn)
        assert not LabelUse.objects.exists() and not ReviewNote.objects.exists()

    def test_entries_of_the_json_are_turns(self, manager):
        history = [{"role": "user", "content": "Hello"}, {"role": "assistant", "content": "Good day"}]
        conversation = make_conversation(record=make_session(conversation_history=history))
        add_label(conversation, actor=manager, label=make_label(manager), turn="h2")
        assert LabelUse.objects.get().turn == "h2"

    def test_another_conversations_turn_is_refused(self, conversation, manager):
        (foreign, _) = turns_of(make_conversation())
        with pytest.raises(ValidationError):
            add_label(conversation, actor=manager, label=make_label(manager), turn=foreign)

    @pytest.mark.parametrize("typed", ["Wrong number", "wrong NUMBER", "wro", " Wrong "])
    def test_are_found_by_name_or_beginning(self, manager_client, manager, conversation, typed):
        make_label(manager, name="Wrong number")
        make_label(manager, name="Refund")
        assert manager_client.post(url("label", conversation), {"label": typed}).status_code == 302
        assert LabelUse.objects.get().label.name == "Wrong number"

    def test_a_whole_name_is_meant_though_others_begin_with_it(self, manager_client, manager, conversation):
        for name in ("Refund", "Refund refused"):
            make_label(manager, name=name)
        manager_client.post(url("label", conversation), {"label": "refund"})
        assert LabelUse.objects.get().label.name == "Refund"

    @pytest.mark.parametrize(
        ("typed", "said"),
        [
            ("nothing", "No label is called “nothing”"),
            ("re", "Several labels begin with “re”: Refund, Repeated."),
            ("old", "No label is called “old”"),
            ("", "This field is required"),
            ("x" * 41, "at most 40 characters"),
        ],
    )
    @pytest.mark.parametrize("headers", [{}, HTMX], ids=["plain", "htmx"])
    def test_what_is_not_found_is_said_beside_the_field(
        self, manager_client, manager, conversation, typed, said, headers
    ):
        for name in ("Refund", "Repeated"):
            make_label(manager, name=name)
        make_label(manager, name="Old", is_retired=True)
        response = manager_client.post(url("label", conversation), {"label": typed}, headers=headers)
        html = response.content.decode()
        assert response.status_code == 422 and said in html and f'value="{typed}"' in html
        assert "label-error" in html or "label_error" in html
        assert not LabelUse.objects.exists()

    def test_a_retired_one_is_not_put_on_by_the_service(self, conversation, manager):
        label = make_label(manager)
        change(label, is_retired=True)
        with pytest.raises(ValidationError, match="is retired"):
            add_label(conversation, actor=manager, label=Label(pk=label.pk, name="Old"))

    def test_is_taken_off_by_its_cross(self, manager_client, manager, conversation):
        label, turn = make_label(manager), turns_of(conversation)[0]
        for key in ("", turn):
            add_label(conversation, actor=manager, label=label, turn=key)
        response = manager_client.post(
            url("label_off", conversation), {"label": label.pk, "turn": turn}, headers=HTMX
        )
        assert f'id="review-{turn}"' in response.content.decode()
        assert LabelUse.objects.get().turn == ""
        manager_client.post(url("label_off", conversation), {"label": label.pk})
        assert not LabelUse.objects.exists()


class TestNotes:
    def test_keep_author_and_text_and_are_audited(self, conversation, manager):
        note = add_note(
            conversation, actor=manager, text="Call back <b>today</b>", turn=turns_of(conversation)[1]
        )
        assert (note.author_id, note.author_name, note.text) == (
            manager.pk,
            str(manager),
            "Call back <b>today</b>",
        )
        edit_note(note, actor=manager, text="Called", seen="Call back <b>today</b>")
        events = AuditEvent.objects.of(note)
        delete_note(note, actor=manager)
        assert [event.action for event in events] == ["delete", "update", "insert"]
        assert events[0].old["text"] == "Called"

    def test_are_escaped_and_masked_and_keep_their_lines(self, manager_client, conversation):
        text = f"{HOSTILE}\r\njane@example.com called from +1 415 555 0100"
        response = manager_client.post(url("note", conversation), {"text": text}, headers=HTMX)
        html = response.content.decode()
        assert "&lt;script&gt;" in html and "<script>alert" not in html
        assert "[email] called from [phone]" in html and "jane@" not in html
        assert "\r" not in ReviewNote.objects.get().text

    def test_hold_two_thousand_characters_whatever_the_line_breaks(self, manager_client, conversation):
        text = "line\r\n" * 399 + "x" * 5  # 2,000 as stored
        assert manager_client.post(url("note", conversation), {"text": text}).status_code == 302
        response = manager_client.post(url("note", conversation), {"text": "y" * 2001}, headers=HTMX)
        html = response.content.decode()
        assert response.status_code == 422 and "at most 2000 characters" in html and "y" * 2001 in html

    def test_ones_own_is_changed_by_oneself_and_by_admins(
        self, manager_client, admin_client, other, conversation
    ):
        note = add_note(conversation, actor=other, text="Mine")
        for page in ("edit", "delete"):
            address = reverse(f"agents:reviewnote_{page}", args=[note.pk])
            html = check_page(manager_client.get(address), 403)
            assert "by whoever wrote it, and by admins" in html and "Olga Other" in html
            check_page(manager_client.post(address, {"text": "Not mine"}), 403)
            check_page(admin_client.get(address))
            check_page(client_of(other).get(address))
        note.refresh_from_db()
        assert note.text == "Mine"

    def test_an_edit_comes_back_and_a_change_meanwhile_is_told(self, conversation, other):
        client, note = client_of(other), add_note(conversation, actor=other, text="One\nTwo")
        address = reverse("agents:reviewnote_edit", args=[note.pk])
        data = {"text": "Three", "seen": "One\r\nTwo", "next": "/agents/conversations/"}
        response = client.post(address, data)
        assert (response.status_code, response.url) == (302, "/agents/conversations/#review")
        html = check_page(client.post(address, {**data, "text": "Four"}), 422)
        assert "It now says: Three" in html and ">Four</textarea>" in html.replace("\n", "")
        note.refresh_from_db()
        assert note.text == "Three"

    def test_is_deleted(self, conversation, other):
        note = add_note(conversation, actor=other, text="Mine")
        response = client_of(other).post(reverse("agents:reviewnote_delete", args=[note.pk]))
        assert response.url == f"{conversation.get_absolute_url()}#review"
        assert not ReviewNote.objects.exists()


class TestTurns:
    def test_a_label_and_a_note_go_together(self, manager_client, manager, conversation):
        make_label(manager, name="Refund")
        turn = turns_of(conversation)[0]
        html = manager_client.get(url("turn", conversation), {"turn": turn}, headers=HTMX).content.decode()
        assert f'id="review-{turn}"' in html and "<form" in html and f'name="turn" value="{turn}"' in html
        response = manager_client.post(
            url("turn", conversation), {"turn": turn, "label": "ref", "text": "Wants it back"}, headers=HTMX
        )
        html = response.content.decode()
        assert "Refund" in html and "Wants it back" in html and "inline-form" not in html
        said = turn_reviews(conversation)
        assert [use.label.name for use in said[turn]["labels"]] == ["Refund"]
        assert [note.text for note in said[turn]["notes"]] == ["Wants it back"]

    def test_a_refused_form_keeps_what_was_typed_and_writes_neither(self, manager_client, conversation):
        turn = turns_of(conversation)[0]
        data = {"turn": turn, "label": "nothing", "text": "Keep me"}
        for headers in ({}, HTMX):
            response = manager_client.post(url("turn", conversation), data, headers=headers)
            html = response.content.decode()
            assert response.status_code == 422 and "No label is called" in html and "Keep me" in html
        response = manager_client.post(url("turn", conversation), {"turn": turn}, headers=HTMX)
        assert "Give a label or a note." in response.content.decode()
        response = manager_client.post(
            url("turn", conversation), {"turn": "gone", "text": "Keep me"}, headers=HTMX
        )
        assert response.status_code == 422 and "no such turn" in response.content.decode()
        assert not ReviewNote.objects.exists()

    def test_without_htmx_it_is_a_page(self, manager_client, conversation):
        turn = turns_of(conversation)[0]
        query = {"turn": turn, "next": "/agents/conversations/"}
        html = check_page(manager_client.get(url("turn", conversation), query))
        assert f'name="turn" value="{turn}"' in html and 'value="/agents/conversations/"' in html
        response = manager_client.post(url("turn", conversation), {**query, "text": "Hm"})
        assert response.url == f"/agents/conversations/#t-{turn}"


class TestPanel:
    def test_says_the_same_for_few_and_many_in_as_many_queries(self, conversation, manager):
        turns = turns_of(conversation)
        assert manager.get_all_permissions()  # read once per request
        with CaptureQueriesContext(connection) as none:
            panel(conversation, manager)
        assert len(none) == 1
        set_outcome(conversation, actor=manager, outcome="failed")
        add_label(conversation, actor=manager, label=make_label(manager, name="First"), turn=turns[1])
        add_note(conversation, actor=manager, text="First", turn=turns[0])
        with CaptureQueriesContext(connection) as few:
            panel(conversation, manager)
            turn_reviews(conversation)
        for n in range(12):
            label = make_label(manager)
            for turn in ("", *turns):
                add_label(conversation, actor=manager, label=label, turn=turn)
                add_note(conversation, actor=manager, text=f"Note {n}", turn=turn)
        with CaptureQueriesContext(connection) as many:
            found = panel(conversation, manager)
            said = turn_reviews(conversation)
        assert len(many) == len(few) == 6
        assert len(found["labels"]) == len(found["notes"]) == len(said[turns[1]]["notes"]) == 12
        assert set(found["turns"]) == set(said) == set(turns)

    def test_shows_each_role_what_is_for_it(self, conversation, manager, support, finance, other):
        add_label(conversation, actor=other, label=make_label(other))
        note = add_note(conversation, actor=other, text="He said +1 415 555 0100")
        set_outcome(conversation, actor=other, outcome="failed")
        for user, may_review, sees_notes in (
            (manager, True, True),
            (support, False, True),
            (finance, False, False),
        ):
            found = panel(conversation, user)
            assert (found["may_review"], found["sees_notes"]) == (may_review, sees_notes)
            assert found["review"].outcome == found["seen"] == "failed" and len(found["labels"]) == 1
            assert [each.shown for each in found["notes"]] == (["He said [phone]"] if sees_notes else [])
            assert not note.may_be_changed_by(user)


class TestRate:
    def test_leaves_unknown_out(self, manager):
        for outcome in ("success", "success", "failed", "unknown", None):
            conversation = make_conversation()
            if outcome:
                set_outcome(conversation, actor=manager, outcome=outcome)
        with CaptureQueriesContext(connection) as queries:
            found = rate(Conversation.objects.all())
        assert found == {"success": 2, "failed": 1, "unknown": 1, "rate": 67} and len(queries) == 1
        assert rate_sentence(found) == "67 %: 2 of 3; 1 unknown left out"
        assert rate(Conversation.objects.filter(outcome=None))["rate"] is None

    @pytest.mark.parametrize(
        ("success", "failed", "unknown", "sentence"),
        [
            (41, 9, 6, "82 %: 41 of 50; 6 unknown left out"),
            (0, 0, 0, "no rate yet"),
            (0, 0, 3, "no rate yet; 3 unknown left out"),
            (0, 5, 0, "0 %: 0 of 5"),
            (1, 999, 0, "1 %: 1 of 1,000"),
            (999, 1, 0, "99 %: 999 of 1,000"),
            (5, 0, 0, "100 %: 5 of 5"),
        ],
    )
    def test_is_said_in_words(self, success, failed, unknown, sentence):
        from agents.conversations.reviews import with_rate

        counts = with_rate({"success": success, "failed": failed, "unknown": unknown})
        assert rate_sentence(counts) == sentence
