"""Samples: what is drawn, the queue in which it is reviewed, the rate that comes of it."""

import html
import re

import pytest
from django.core.exceptions import ValidationError
from django.db import connection
from django.urls import reverse

from agents.conversations import samples
from agents.conversations.reviews import set_outcome
from agents.models import Conversation, Label, Review, Sample, SampleItem
from agents.tests.factories import (
    make_agent,
    make_chat_message,
    make_conversation,
    make_label,
    make_sample,
)
from backoffice.models import AuditEvent, ReadLog
from backoffice.testing import make_user, platform
from backoffice.testing_browser import Looker
from backoffice.testing_crud import HOSTILE, PageTests, check_page, client_of, form_values, set_column
from tenants.tests.factories import change

LIST = "/agents/conversations/"
ADD = "/agents/samples/add/"


class TestSamplePages(PageTests):
    model = Sample
    most_queries = 10  # one counts the results of the samples shown

    @pytest.fixture(autouse=True)
    def _one_row(self, db):
        self.author = make_user("manager", email="author@example.test")
        self.obj = self.make(0)

    def make(self, n):
        return make_sample(self.author, name=f"Sample {n}")

    def pages(self):
        """Drawing, reviewing and deleting need another permission, see below."""
        return [("list", "agents.view_sample"), ("detail", "agents.view_sample")]

    def spread(self, rows, order):
        times = ["infinity", "2026-01-01", "-infinity", "2026-02-01"] * 3  # never NULL
        for row, moment in zip(rows, times, strict=True):
            set_column(row, "created_at", moment)
        return "created_at"

    def odd(self, **fields):
        fields = {name: value for name, value in fields.items() if name != "size" or value}
        return super().odd(**fields)


@pytest.fixture
def conversations(db):
    """Ten of one agent's, newest first."""
    agent = make_agent()
    return [make_conversation([f"Question {n}", "Answer"], agent=agent) for n in range(10)]


@pytest.fixture
def colleague(db):
    return make_user("manager", email="other@example.test", first_name="Olga", last_name="Other")


def drawn(sample):
    return list(sample.items.values_list("store", "source_id"))


def review_url(sample):
    return reverse("agents:sample_review", args=[sample.pk])


def fill(client, **fields):
    """Posts the form for drawing as it was opened, with other values in these fields."""
    response = client.get(ADD, fields.pop("filters", {}))
    return client.post(ADD, {**form_values(response), "name": "Mine", **fields})


class TestDrawing:
    def test_the_same_seed_draws_the_same_in_the_same_order(self, conversations, manager, colleague):
        one = make_sample(manager, size=6, seed="a")
        two = make_sample(colleague, size=6, seed="a")
        other = make_sample(manager, size=6, seed="b")
        assert drawn(one) == drawn(two) and drawn(one) != drawn(other)
        assert len(set(drawn(one))) == 6 and one.of == 10
        assert list(one.items.values_list("position", flat=True)) == [1, 2, 3, 4, 5, 6]
        assert drawn(one)[:3] == drawn(make_sample(manager, size=3, seed="a")), (
            "a smaller one is its beginning"
        )

    def test_is_the_order_that_the_docs_name(self, conversations, manager):
        sample = make_sample(manager, size=10, seed="x")
        with connection.cursor() as cursor:
            cursor.execute(
                "select source_id from agents_conversation order by md5('x' || store || source_id::text), id"
            )
            assert [pk for _, pk in drawn(sample)] == [row[0] for row in cursor.fetchall()]

    def test_does_not_depend_on_when_the_list_was_made(self, conversations, manager):
        before = drawn(make_sample(manager, size=5))
        Conversation.objects.filter(pk=conversations[0].pk).delete()
        make_conversation(record=conversations[0].agent.sessions.get(pk=conversations[0].source_id))
        assert drawn(make_sample(manager, size=5)) == before

    def test_takes_both_stores_and_keeps_the_tenant(self, conversations, manager):
        chat = make_conversation(record=make_chat_message().session)
        sample = make_sample(manager, size=50)
        item = sample.items.get(store="chat")
        assert (item.source_id, item.organization_id) == (chat.source_id, chat.organization_id)
        assert sample.items.count() == 11

    def test_leaves_one_entry_in_the_audit(self, conversations, manager):
        sample = make_sample(manager, name="Weekly")
        event = AuditEvent.objects.of(sample).get()
        assert (event.action, event.actor, event.new["of"], event.new["seed"]) == (
            "insert",
            str(manager),
            10,
            "seed",
        )

    def test_of_nothing_is_refused_and_leaves_nothing(self, conversations, manager):
        for nothing in (Conversation.objects.filter(channel="smoke"), Conversation.objects.none()):
            with pytest.raises(ValidationError, match="No conversation matches"):
                make_sample(manager, conversations=nothing)
        assert not Sample.objects.exists() and not SampleItem.objects.exists()

    def test_that_takes_too_long_is_stopped_with_a_sentence(self, conversations, manager, monkeypatch):
        monkeypatch.setattr(
            samples, "DRAW", samples.DRAW.replace("select p.store", "select pg_sleep(3), p.store")
        )
        monkeypatch.setattr(samples, "DRAWING_SECONDS", 0.2)
        with pytest.raises(ValidationError, match="was stopped"):
            make_sample(manager)
        assert not Sample.objects.exists()


class TestDrawingForm:
    def test_is_of_the_list_as_it_was_filtered(self, manager_client, conversations):
        make_conversation(channel="phone")
        query = f"agent={conversations[0].agent_id}&channel=text&sort=-length&columns=agent&after=x"
        html = check_page(manager_client.get(f"{ADD}?{query}"))
        assert (
            "Channel: Text" in html and "10 conversations" in html and "conversations (estimated)" not in html
        )
        response = manager_client.post(
            ADD, {"query": query, "name": "Ours", "size": "4", "seed": "abc"}, follow=True
        )
        html = check_page(response)
        sample = Sample.objects.get()
        assert "Sample Ours was drawn from 10 conversations." in html and "Channel: Text" in html
        assert (sample.query, sample.size, sample.of, sample.seed) == (
            f"agent={conversations[0].agent_id}&channel=text",
            4,
            10,
            "abc",
        )
        assert sample.items.count() == 4
        assert f"/agents/conversations/?{sample.query}".replace("&", "&amp;") in html

    def test_the_list_leads_there_with_its_filter(self, manager_client, support_client, conversations):
        html = check_page(manager_client.get(LIST, {"channel": "text"}))
        assert "/agents/samples/add/?channel=text" in html
        assert ADD not in check_page(support_client.get(LIST))

    def test_gives_a_seed_that_nobody_guesses(self, manager_client, conversations):
        seeds = {form_values(manager_client.get(ADD))["seed"] for _ in range(5)}
        assert len(seeds) == 5 and all(len(seed) == 8 for seed in seeds)

    @pytest.mark.parametrize(
        ("fields", "field", "said"),
        [
            ({"size": "0"}, "size", "greater than or equal to 1"),
            ({"size": "501"}, "size", "less than or equal to 500"),
            ({"size": "many"}, "size", "whole number"),
            ({"size": ""}, "size", "required"),
            ({"seed": ""}, "seed", "required"),
            ({"seed": "x" * 41}, "seed", "at most 40"),
            ({"name": " "}, "name", "required"),
            ({"name": "a\0b"}, "name", "Null characters"),
            ({"query": "channel=smoke"}, "query", "No conversation matches this filter."),
            ({"query": "since=never"}, "query", "Correct the filter first."),
        ],
        ids=str,
    )
    def test_what_is_wrong_is_said_beside_its_field_and_nothing_is_lost(
        self, manager_client, conversations, fields, field, said
    ):
        response = fill(manager_client, **{"name": "Typed", "size": "7", "seed": "mine", **fields})
        html = check_page(response, 422)
        assert said in " ".join(response.context["form"].errors[field])
        assert f'id="id_{field}_error"' in html
        kept = form_values(response)
        wanted = {"name": "Typed", "size": "7", "seed": "mine", **fields}
        assert {name: kept[name] for name in wanted} == wanted
        assert not Sample.objects.exists()

    def test_fewer_than_wanted_are_all_there_are(self, manager_client, conversations):
        fill(manager_client, size="500", filters={"channel": "text"})
        html = check_page(manager_client.get(Sample.objects.get().get_absolute_url()))
        assert "Only 10 matched the filter" in html

    def test_is_for_managers_and_admins(self, support_client, finance_client, admin_client, conversations):
        for client in (support_client, finance_client):
            for method in (client.get, client.post):
                assert "agents.review_conversation" in check_page(method(ADD), 403)
            check_page(client.get("/agents/samples/"), 403)
        check_page(admin_client.get(ADD))

    @pytest.mark.parametrize("query", ["x" * 3000, "agent=%00", "%00=1", "a=%F0%9F%98%80", HOSTILE])
    def test_any_address_is_answered(self, manager_client, conversations, query):
        response = manager_client.post(ADD, {"query": query, "name": "Odd", "size": "3", "seed": "s"})
        assert response.status_code in (302, 422)
        for sample in Sample.objects.all():
            html = check_page(manager_client.get(sample.get_absolute_url()))
            assert "<script>alert" not in html


class TestQueue:
    @pytest.fixture
    def sample(self, conversations, manager):
        return make_sample(manager, size=4)

    def open(self, client, sample, query=""):
        """The position of the item that is shown."""
        response = client.get(f"{review_url(sample)}{query}")
        self.html = check_page(response)
        return response.context["item"].position

    def press(self, client, sample, do, **fields):
        """What the buttons of the page shown last send."""
        response = client.get(review_url(sample))
        data = {
            "item": response.context["item"].position,
            "seen": response.context["review"]["seen"],
            **fields,
            "do": do,
        }
        return client.post(review_url(sample), data)

    def outcomes(self, sample):
        return [item.outcome for item in samples.items_of(sample)]

    def test_goes_through_the_sample_and_ends_with_its_results(self, manager_client, sample):
        for position, outcome in enumerate(["success", "failed", "unknown", "success"], start=1):
            assert self.open(manager_client, sample) == position
            assert f"<strong>{position - 1} of 4</strong>" in self.html
            response = self.press(manager_client, sample, outcome)
            assert (response.status_code, response.url) == (302, review_url(sample))
        response = manager_client.get(review_url(sample), follow=True)
        html = check_page(response)
        assert response.redirect_chain == [(sample.get_absolute_url(), 302)]
        assert "67 %: 2 of 3; 1 unknown left out" in html and "4 of 4 reviewed" in html
        assert "Continue reviewing" not in html
        assert self.outcomes(sample) == ["success", "failed", "unknown", "success"]

    def test_shows_what_was_said_masked_and_logs_each_opening(self, manager_client, manager):
        conversation = make_conversation(
            ["I am jane@example.com", HOSTILE, "x" * 5000], external_id="session_known"
        )
        sample = make_sample(manager, name="Weekly")
        self.open(manager_client, sample)
        assert "I am [email]" in self.html and "jane@" not in self.html
        assert "&lt;script&gt;" in self.html and "<script>alert" not in self.html
        assert "x" * 4000 in self.html and "x" * 4001 not in self.html and "Show all 5,000" in self.html
        entry = ReadLog.objects.get()
        assert (entry.kind, entry.row_label, entry.actor, entry.detail) == (
            "transcript",
            "session_known",
            str(manager),
            "review of sample Weekly",
        )
        assert entry.organization_id == conversation.organization_id
        self.open(manager_client, sample)
        assert ReadLog.objects.count() == 2

    def test_long_conversations_come_in_pieces_that_are_not_logged_again(self, manager_client, manager):
        make_conversation([f"line {n}" for n in range(160)])
        self.open(manager_client, make_sample(manager))
        assert "line 149" in self.html and "line 150" not in self.html
        later = html.unescape(re.search(r'hx-get="([^"]*first=151[^"]*)"', self.html)[1])
        more = manager_client.get(later, headers={"HX-Request": "true"}).content.decode()
        assert "line 150" in more and "line 159" in more and ReadLog.objects.count() == 1

    def test_says_so_where_the_reader_had_it_revealed(self, manager_client, manager):
        conversation = make_conversation(["I am jane@example.com"])
        sample = make_sample(manager)
        reveal = reverse("agents:agentsession_reveal", args=[conversation.source_id])
        manager_client.post(reveal, {"reason": "Complaint 12"})
        self.open(manager_client, sample)
        assert "jane@example.com" in self.html and "Shown unmasked until" in self.html

    def test_skipped_ones_come_back_at_the_end(self, manager_client, sample):
        self.press(manager_client, sample, "skip")
        assert self.open(manager_client, sample) == 2
        self.press(manager_client, sample, "skip")
        for position in (3, 4, 1, 2):
            assert self.open(manager_client, sample) == position
            self.press(manager_client, sample, "success")
        assert samples.results([sample])[sample.pk]["waiting"] == 0

    def test_undo_goes_back_step_by_step(self, manager_client, sample):
        self.press(manager_client, sample, "success")
        self.press(manager_client, sample, "skip")
        self.press(manager_client, sample, "failed")
        assert self.outcomes(sample) == ["success", None, "failed", None]
        for position, left in (
            (3, ["success", None, None, None]),
            (2, ["success"] + [None] * 3),
            (1, [None] * 4),
        ):
            response = manager_client.post(review_url(sample), {"do": "undo"})
            assert response.url == f"{review_url(sample)}?item={position}"
            assert self.outcomes(sample) == left
        assert (
            not Review.objects.exists()
            and not sample.items.exclude(reviewed_at=None, skipped_at=None).exists()
        )
        assert Conversation.objects.exclude(outcome=None).count() == 0
        assert self.open(manager_client, sample) == 1 and 'data-press="u"' in self.html
        response = manager_client.post(review_url(sample), {"do": "undo"}, follow=True)
        assert "There is nothing to undo." in check_page(response)

    def test_undo_puts_back_what_somebody_else_had_said(self, manager_client, manager, colleague, sample):
        conversation = samples.items_of(sample)[0].conversation
        set_outcome(conversation, actor=colleague, outcome="failed")
        before = Review.objects.values().get()
        assert self.open(manager_client, sample) == 1 and "Outcome so far" in self.html
        self.press(manager_client, sample, "success")
        assert Review.objects.get().reviewer_id == manager.pk
        manager_client.post(review_url(sample), {"do": "undo"})
        assert Review.objects.values().get() == before
        assert Conversation.objects.get(pk=conversation.pk).reviewed_by == "Olga Other"

    def test_undo_does_not_touch_what_changed_since(self, manager_client, colleague, sample):
        self.press(manager_client, sample, "success")
        conversation = samples.items_of(sample)[0].conversation
        set_outcome(conversation, actor=colleague, outcome="failed")
        response = manager_client.post(review_url(sample), {"do": "undo"}, follow=True)
        assert "Olga Other set this to Failed" in check_page(response)
        assert Review.objects.get().outcome == "failed"

    def test_undo_is_ones_own(self, manager_client, colleague, sample):
        self.press(manager_client, sample, "success")
        client_of(colleague).post(review_url(sample), {"do": "undo"})
        assert self.outcomes(sample)[0] == "success"

    def test_the_last_decision_is_undone_from_the_results_too(self, manager_client, sample):
        for _ in range(4):
            self.press(manager_client, sample, "success")
        html = check_page(manager_client.get(sample.get_absolute_url()))
        assert "Undo my last decision" in html
        manager_client.post(review_url(sample), {"do": "undo"})
        assert self.outcomes(sample) == ["success"] * 3 + [None]

    def test_of_two_reviewers_the_second_is_told(self, manager_client, colleague, sample):
        self.press(client_of(colleague), sample, "failed")
        response = manager_client.post(review_url(sample), {"do": "success", "item": 1, "seen": ""})
        html = check_page(response, 409)
        assert "Olga Other set this to Failed after you opened it" in html
        assert 'name="seen" value="failed"' in html and self.outcomes(sample)[0] == "failed"
        assert self.open(manager_client, sample) == 2
        manager_client.post(review_url(sample), {"do": "success", "item": 1, "seen": "failed"})
        assert self.outcomes(sample)[0] == "success"

    def test_an_outcome_from_before_is_confirmed_and_stays_whose_it_was(
        self, manager_client, colleague, sample
    ):
        conversation = samples.items_of(sample)[0].conversation
        set_outcome(conversation, actor=colleague, outcome="failed")
        assert samples.results([sample])[sample.pk]["reviewed"] == 0
        assert "from before" in check_page(manager_client.get(sample.get_absolute_url()))
        self.press(manager_client, sample, "failed")
        assert samples.results([sample])[sample.pk]["reviewed"] == 1
        assert Review.objects.get().reviewer_id == colleague.pk

    def test_taking_an_outcome_back_makes_the_sample_ask_again(self, manager_client, manager, sample):
        self.press(manager_client, sample, "success")
        set_outcome(samples.items_of(sample)[0].conversation, actor=manager, outcome=None)
        assert self.open(manager_client, sample) == 1

    def test_one_that_was_reviewed_is_opened_by_its_number(self, manager_client, sample):
        self.press(manager_client, sample, "success")
        assert self.open(manager_client, sample, "?item=1") == 1
        assert 'data-outcome="success" data-press="1" aria-pressed="true"' in self.html
        for odd in ("99", "x", "-1", "9" * 30, "%00", "²"):
            assert self.open(manager_client, sample, f"?item={odd}") == 2

    @pytest.mark.parametrize(
        "data",
        [
            {},
            {"do": "perfect"},
            {"do": "success"},
            {"do": "skip", "item": "99"},
            {"do": "success", "item": "x"},
        ],
    )
    def test_a_form_that_we_did_not_hand_out_saves_nothing(self, manager_client, sample, data):
        response = manager_client.post(review_url(sample), data, follow=True)
        assert "this form is out of date" in check_page(response)
        assert not Review.objects.exists()

    def test_erased_conversations_are_passed_over(self, manager_client, sample):
        gone = samples.items_of(sample)[0].conversation
        with platform():
            gone.agent.sessions.filter(pk=gone.source_id).delete()
        Conversation.objects.filter(pk=gone.pk).delete()
        assert self.open(manager_client, sample) == 2
        assert samples.results([sample])[sample.pk]["gone"] == 1
        html = check_page(manager_client.get(sample.get_absolute_url()))
        assert "1 erased before it was" in html and ">erased<" in html

    def test_is_for_managers_and_admins(self, support_client, finance_client, admin_client, sample):
        for client in (support_client, finance_client):
            for method in (client.get, client.post):
                assert "agents.review_conversation" in check_page(method(review_url(sample)), 403)
        assert not ReadLog.objects.exists()
        check_page(admin_client.get(review_url(sample)))


class TestResults:
    def test_items_by_outcome_in_pages(self, manager_client, manager, monkeypatch):
        from agents.views import samples as views

        monkeypatch.setattr(views, "ITEMS_PER_PAGE", 3)
        agent = make_agent()
        for _ in range(7):
            make_conversation(agent=agent)
        sample = make_sample(manager)
        for item in samples.items_of(sample)[:4]:
            samples.decide(item, item.conversation, actor=manager, outcome="failed", seen=None)
        seen, address = [], sample.get_absolute_url()
        while address:
            response = manager_client.get(address)
            check_page(response)
            seen += [item.position for item in response.context["items"]]
            address = response.context["next_url"]
        assert seen == [1, 2, 3, 4, 5, 6, 7]
        response = manager_client.get(sample.get_absolute_url(), {"part": "failed", "after": "2"})
        assert [item.position for item in response.context["items"]] == [3, 4]
        response = manager_client.get(sample.get_absolute_url(), {"part": "waiting"})
        assert [item.position for item in response.context["items"]] == [5, 6, 7]
        assert "None of these" in check_page(
            manager_client.get(sample.get_absolute_url(), {"part": "unknown"})
        )
        check_page(manager_client.get(sample.get_absolute_url(), {"part": "nonsense"}), 404)

    def test_cost_as_many_queries_for_few_as_for_many(
        self, manager_client, manager, django_assert_num_queries
    ):
        from backoffice.testing_crud import count_queries

        make_conversation()
        few = make_sample(manager)
        for _ in range(20):
            make_conversation()
        many = make_sample(manager)
        one = count_queries(manager_client, few.get_absolute_url())
        assert len(count_queries(manager_client, many.get_absolute_url())) == len(one)

    def test_no_rate_yet(self, manager_client, conversations, manager):
        assert "no rate yet" in check_page(manager_client.get(make_sample(manager).get_absolute_url()))
        assert "no rate yet" in check_page(manager_client.get("/agents/samples/"))


class TestDeleting:
    def test_is_for_whoever_drew_it_and_admins(self, manager_client, admin_client, colleague, conversations):
        sample = make_sample(colleague)
        address = reverse("agents:sample_delete", args=[sample.pk])
        assert address not in check_page(manager_client.get(sample.get_absolute_url()))
        assert "Olga Other" in check_page(manager_client.post(address, {"reason": "r"}), 403)
        assert address in check_page(admin_client.get(sample.get_absolute_url()))
        check_page(client_of(colleague).post(address, {"reason": ""}), 422)
        set_outcome(conversations[0], actor=colleague, outcome="success")
        response = client_of(colleague).post(address, {"reason": "A trial"}, follow=True)
        assert "was deleted" in check_page(response)
        assert not Sample.objects.exists() and not SampleItem.objects.exists() and Review.objects.exists()
        event = AuditEvent.objects.filter(table_name="backoffice.agents_sample").first()
        assert (event.action, event.reason) == ("delete", "A trial")

    def test_of_somebody_whose_account_is_gone_is_the_admins(self, manager_client, conversations, colleague):
        sample = change(make_sample(colleague), owner_id=None)
        check_page(manager_client.get(reverse("agents:sample_delete", args=[sample.pk])), 403)


@pytest.fixture
def live(live_app):
    """A manager with a sample of three conversations; every page's errors are looked at in the end."""
    with live_app.platform():
        agent = make_agent()
        for n in range(3):
            make_conversation([f"Question {n}", f"Answer {n}", "Thanks"], agent=agent)
    manager = live_app.login("manager")
    with live_app.database.django():
        sample = make_sample(manager)
    yield live_app, sample
    assert live_app.errors == []


def outcomes(live_app, sample):
    with live_app.database.django():
        return [item.outcome for item in samples.items_of(sample)]


def test_a_sample_is_reviewed_by_keyboard_alone(live):
    live_app, sample = live
    with live_app.database.django():
        label = make_label(name="Refund")
    page = live_app.page
    page.goto(sample.get_absolute_url())
    page.get_by_role("link", name="Begin reviewing").focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/review/")

    page.keyboard.press("l")
    page.keyboard.type("ref")
    page.keyboard.press("Enter")
    page.locator("#review .review__label", has_text="Refund").wait_for()
    page.keyboard.press("Escape")
    page.keyboard.press("n")
    page.keyboard.type("Asked twice: 1 2 3")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.locator("#review .review__note", has_text="Asked twice").wait_for()
    page.keyboard.press("Escape")

    page.keyboard.press("j")
    page.keyboard.press("j")
    assert "Answer" in page.evaluate("document.activeElement.textContent")
    page.keyboard.press("k")
    assert "Question" in page.evaluate("document.activeElement.textContent")
    page.keyboard.press("t")
    page.locator("[data-turns] [data-inline-form] :focus").wait_for()
    # Until htmx has settled, the new form is a plain one.
    page.wait_for_function("!document.querySelector('.htmx-added, .htmx-settling, .htmx-swapping')")
    page.keyboard.type("Refund")
    page.keyboard.press("Tab")
    page.keyboard.type("Said it here")
    page.keyboard.press("Control+Enter")
    page.locator("[data-turns] .review__note", has_text="Said it here").wait_for()
    assert page.locator("#review-turns", has_text="Refund").is_visible()

    page.keyboard.press("?")
    assert page.locator("#shortcuts").is_visible()
    page.keyboard.press("Escape")
    with page.expect_navigation():
        page.keyboard.press("1")
    page.get_by_text("1 of 3", exact=True).wait_for()
    with page.expect_navigation():
        page.keyboard.press("s")
    with page.expect_navigation():
        page.keyboard.press("2")
    page.get_by_text("2 of 3", exact=True).wait_for()
    assert outcomes(live_app, sample) == ["success", None, "failed"]
    with page.expect_navigation():
        page.keyboard.press("u")
    page.get_by_text("1 of 3", exact=True).wait_for()
    assert outcomes(live_app, sample) == ["success", None, None]
    for key in "23":
        with page.expect_navigation():
            page.keyboard.press(key)
    page.wait_for_url(f"**{sample.get_absolute_url()}")
    assert outcomes(live_app, sample) == ["success", "unknown", "failed"]
    assert page.get_by_text("50 %: 1 of 2; 1 unknown left out").is_visible()
    with live_app.database.django():
        assert label.uses.count() == 2


def test_a_key_that_is_held_down_decides_once(live):
    live_app, sample = live
    page = live_app.page
    page.goto(review_url(sample))
    with page.expect_navigation():
        page.evaluate(
            """() => [false, true, true].forEach((repeat) => document.body.dispatchEvent(
                 new KeyboardEvent("keydown", { key: "1", repeat, bubbles: true, cancelable: true })))"""
        )
    page.get_by_text("1 of 3", exact=True).wait_for()
    assert outcomes(live_app, sample) == ["success", None, None]


def test_what_is_typed_in_one_field_outlives_the_saving_of_another(live):
    live_app, sample = live
    page = live_app.page
    page.goto(review_url(sample))
    page.locator("#review-text").fill("Half a thought")
    page.locator("#review-label").fill("nothing")
    page.keyboard.press("Enter")
    page.get_by_text("No label is called “nothing”").wait_for()
    assert page.locator("#review-text").input_value() == "Half a thought"
    assert page.locator("#review-label").input_value() == "nothing"
    live_app.errors.clear()  # the browser reports the answer 422


def test_without_javascript_everything_is_there(live):
    live_app, sample = live
    page = live_app.new_page(java_script_enabled=False, viewport={"width": 390, "height": 844})
    live_app.login("manager", page)
    page.goto(review_url(sample))
    page.get_by_label("Note to add").fill("By hand")
    page.get_by_role("button", name="Add note").click()
    page.locator(".review__note", has_text="By hand").wait_for()
    page.get_by_role("link", name="Label or note").first.click()
    page.get_by_label("Note").fill("On a turn")
    page.get_by_role("button", name="Label or note on this turn").click()
    page.locator("[data-turns] .review__note", has_text="On a turn").wait_for()
    page.get_by_role("link", name="Edit").first.click()
    page.get_by_label("Note").fill("By my own hand")
    page.get_by_role("button", name="Edit note").click()
    page.locator(".review__note", has_text="By my own hand").wait_for()
    for name in ("Success", "Skip", "Failed", "Unknown"):
        page.get_by_role("button", name=name, exact=True).click()
    page.wait_for_url(f"**{sample.get_absolute_url()}")
    page.get_by_role("button", name="Undo my last decision").click()
    page.get_by_role("button", name="Success", exact=True).click()
    page.wait_for_url(f"**{sample.get_absolute_url()}")
    assert sorted(outcomes(live_app, sample)) == ["failed", "success", "success"]


def test_pages_fit_and_are_accessible(live):
    from agents.conversations.reviews import add_label, add_note

    live_app, sample = live
    page = live_app.page
    manager = live_app.login("manager")
    with live_app.database.django():
        for item in samples.items_of(sample)[:2]:
            for tone in Label.Tone:
                add_label(
                    item.conversation,
                    actor=manager,
                    label=make_label(manager, tone=tone, name=f"{'W' * 25} {tone} {item.pk}"),
                )
            add_note(item.conversation, actor=manager, text=f"{'W' * 200} {HOSTILE}")
        samples.decide(item, item.conversation, actor=manager, outcome="failed", seen=None)
    looker = Looker(page)
    addresses = {
        "results": sample.get_absolute_url(),
        "form": ADD,
        "samples": "/agents/samples/",
        "labels": "/agents/labels/",
        "page of a conversation": item.conversation.get_absolute_url(),
        "queue": review_url(sample),
    }
    for name, address in addresses.items():
        page.goto(address)
        looker.look(name)
    page.keyboard.press("j")
    page.keyboard.press("t")
    page.locator("[data-turns] [data-inline-form]").wait_for()
    looker.look("form of a turn")
    assert looker.faults == {}
