"""Cloning, publishing and comparing agents."""

import uuid

import pytest
from django.core.exceptions import ValidationError
from django.urls import reverse

from agents.models import Agent
from agents.tests.factories import make_agent
from agents.tests.test_versions import BUILDER, FLAT, SHAPES, keys, stored, url
from agents.versions.clone import clone_agent
from agents.versions.publish import publish_agent, unpublish_agent
from backoffice import jobs
from backoffice.models import AuditEvent, BulkRun
from backoffice.testing_crud import check_page, count_queries, form_values
from telephony.tests.factories import make_number
from tenants.tests.factories import change, make_organization


def without_secrets(value):
    if isinstance(value, dict):
        return {key: without_secrets(item) for key, item in value.items() if key not in ("password", "token")}
    return value


class TestClone:
    @pytest.mark.parametrize("shape", SHAPES)
    def test_a_configuration_keeps_its_shape_and_loses_its_secrets(self, support, shape):
        agent = change(
            make_agent(), config=SHAPES[shape], custom_headers={"X": "hd-1"}, version=7, is_published=True
        )
        copy = clone_agent(agent, actor=support, reason="r", name="New", organization=agent.organization)
        assert copy.config == without_secrets(SHAPES[shape])
        assert (copy.custom_headers, copy.is_published, copy.version) == ({}, False, 1)

    def test_every_setting_is_copied_to_the_last_digit(self, support, owner):
        agent = make_agent(name="Old")
        config = '{"a": 1.10, "b": 12345678901234567890.123, "name": "Old", "t": 1e400}'
        owner(
            "update public.agents set config = %s::jsonb, temperature = 'NaN' where id = %s",
            [config, agent.pk],
        )
        copy = clone_agent(agent, actor=support, reason="r", name="New", organization=agent.organization)
        (same,) = owner(
            "select to_jsonb(a) - %s::text[] = to_jsonb(b) - %s::text[], b.config ->> 'name', b.config - 'name' = a.config - 'name'"
            " from public.agents a, public.agents b where a.id = %s and b.id = %s",
            [skipped := ["id", "name", "config", "created_at", "updated_at"], skipped, agent.pk, copy.pk],
        )
        assert same == (True, "New", True)

    def test_the_page_names_the_secrets_and_clones_to_another_tenant(self, support_client):
        agent = change(make_agent(name="Desk"), config=FLAT, webhook_url="https://h.example/?token=wh-1")
        make_number(agent=agent)
        other = make_organization(name="Other Ltd")
        page = url("clone", agent)
        response = support_client.get(page)
        html = check_page(response)
        assert (
            "config → sip.password" in html
            and "Webhook URL" in html
            and "s3cret" not in html
            and "wh-1" not in html
        )
        assert "1 stays with Desk" in html
        data = form_values(response) | {"organization": str(other.pk), "reason": "For the pilot"}
        assert data["name"] == "Copy of Desk"
        html = check_page(support_client.post(page, data, follow=True))
        copy = Agent.objects.get(organization=other)
        assert (copy.name, copy.webhook_url, copy.phone_numbers.count()) == ("Copy of Desk", None, 0)
        event = AuditEvent.objects.of(copy).get()
        assert (
            event.actor == str(support_client.user)
            and "For the pilot" in event.reason
            and str(agent.pk) in event.reason
        )
        assert "as a draft without secrets" in html

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("name", ""),
            ("name", "x" * 256),
            ("name", "a\0b"),
            ("organization", ""),
            ("organization", str(uuid.UUID(int=1))),
            ("reason", " "),
        ],
    )
    def test_wrong_input_is_refused_beside_its_field(self, support_client, field, value):
        agent = make_agent()
        page = url("clone", agent)
        data = form_values(support_client.get(page)) | {"reason": "r", field: value}
        assert f'id="id_{field}_error"' in check_page(support_client.post(page, data), 422)
        assert Agent.objects.count() == 1

    def test_the_organization_is_found_without_javascript(self, support_client):
        make_organization(name="Miller & Sons")
        agent = make_agent()
        typed = {"name": "Mine", "reason": "why", "organization_search": "miller", "_pick": "organization"}
        response = support_client.post(url("clone", agent), typed)
        assert "Miller &amp; Sons" in check_page(response)
        assert (form_values(response)["name"], form_values(response)["reason"]) == ("Mine", "why")

    def test_only_those_who_may_add_clone(self, finance_client):
        assert "agents.add_agent" in check_page(finance_client.get(url("clone", make_agent())), 403)


class TestPublish:
    def test_publishing_counts_the_version_up_and_can_be_undone(self, support_client):
        agent = change(make_agent(), version=3, config=FLAT)
        make_number(agent=agent, e164="+442079460000")
        page = url("publish", agent)
        html = check_page(support_client.get(page))
        assert "serves drafts too" in html and "reloads the agent" in html and "+44 20 7946 0000" in html
        html = check_page(support_client.post(page, {"reason": "Ready"}, follow=True))
        agent.refresh_from_db()
        assert (agent.is_published, agent.version, agent.config) == (True, 4, FLAT)
        event = AuditEvent.objects.of(agent).first()
        assert (event.reason, set(event.new)) == ("Ready", {"is_published", "version"})
        undo = reverse("backoffice:auditevent_revert", args=[event.pk])
        assert undo in html
        support_client.post(undo)
        agent.refresh_from_db()
        assert (agent.is_published, agent.version) == (False, 3)

    @pytest.mark.parametrize(
        "fields",
        [
            {"llm_model": "llama-3"},
            {"config": {"model": "llama-3"}},
            {"voice_provider": "azure"},
            {"stt_provider": "google"},
        ],
        ids=str,
    )
    def test_what_cannot_be_served_is_not_published(self, support_client, support, fields):
        agent = change(make_agent(), **fields)
        page = url("publish", agent)
        assert "cannot be published as it is" in check_page(support_client.get(page))
        html = check_page(support_client.post(page, {"reason": "Ready"}), 422)
        assert "the runtime" in html
        with pytest.raises(ValidationError):
            publish_agent(agent, actor=support, reason="r")
        agent.refresh_from_db()
        assert (agent.is_published, agent.version) == (False, 1)

    @pytest.mark.parametrize("version", [None, -5, 2**31 - 1])
    def test_any_version_can_be_counted_up(self, support, version):
        agent = change(make_agent(), version=version, is_published=None)
        publish_agent(agent, actor=support, reason="r")
        agent.refresh_from_db()
        assert agent.is_published and agent.version == {None: 1, -5: -4}.get(version, version)

    def test_unpublishing_says_what_goes_on(self, support_client, support):
        agent = change(make_agent(), is_published=True, version=3)
        make_number(agent=agent, e164="+442079460000")
        html = check_page(support_client.post(url("unpublish", agent), {"reason": "Not yet"}, follow=True))
        agent.refresh_from_db()
        assert (agent.is_published, agent.version) == (False, 3)
        assert "still serves it, also to calls on +44 20 7946 0000" in html
        with pytest.raises(ValidationError):
            unpublish_agent(agent, actor=support, reason="r")

    def test_buttons_follow_the_state(self, support_client, manager_client):
        agent = make_agent()
        html = check_page(support_client.get(agent.get_absolute_url()))
        assert url("publish", agent) in html and url("unpublish", agent) not in html
        assert url("publish", agent) not in check_page(manager_client.get(agent.get_absolute_url()))
        change(agent, is_published=True)
        html = check_page(support_client.get(agent.get_absolute_url()))
        assert "Publish again" in html and url("unpublish", agent) in html

    def test_many_are_published_at_once_and_refusals_are_named(self, support_client):
        good, bad, done = make_agent(), make_agent(llm_model="llama-3"), make_agent(is_published=True)
        data = {"action": "AgentPublish", "query": "", "row": [good.pk, bad.pk, done.pk]}
        support_client.post(reverse("list_bulk", args=["agents:agent_list"]), data)
        run = BulkRun.objects.get()
        check_page(support_client.get(run.get_absolute_url()))
        support_client.post(run.get_absolute_url(), {"reason": "Launch"})
        run.refresh_from_db()
        jobs.run(str(run.job_id))
        assert dict(run.results.values_list("outcome", "row_id")) == {
            "changed": str(good.pk),
            "failed": str(bad.pk),
            "skipped": str(done.pk),
        }


class TestCompare:
    compare = "/agents/compare/"

    def test_differences_first_and_equal_ones_folded(self, manager_client):
        one = change(make_agent(name="One"), config=FLAT)
        other = change(make_agent(name="Other"), config={"model": "gemini-pro", "sip": {"password": "pw-2"}})
        html = check_page(manager_client.get(self.compare, {"a": one.pk, "b": other.pk}))
        equal = html[html.index("equal</summary>") :]
        assert html.index("gpt-4o") < html.index("equal</summary>") and "gemini-pro" in html
        assert "Voice provider" in equal and "LLM model" not in equal
        assert "s3cret" not in html and "pw-2" not in html and "never compared" in html

    def test_two_versions_of_one_agent(self, support_client):
        agent = make_agent(system_prompt="Be brief.\nBe kind.")
        change(agent, system_prompt="Be brief.\nBe funny.")
        change(agent, description="Later")
        first, second, _ = keys(agent)
        html = check_page(
            support_client.get(self.compare, {"a": f"{agent.pk}@{first}", "b": f"{agent.pk}@{second}"})
        )
        assert "Be <strong>kind</strong>." in html and "Be <strong>funny</strong>." in html
        assert "Later" not in html[html.index("What differs") :]
        again = support_client.get(
            self.compare, {"a": agent.pk, "a_version": first, "b": agent.pk, "b_version": second}
        )
        assert again.context["swapped_url"] == f"?a={agent.pk}@{second}&b={agent.pk}@{first}"

    @pytest.mark.parametrize(
        ("asked", "status"),
        [
            ({}, 200),
            ({"a": "nonsense"}, 422),
            ({"a": str(uuid.UUID(int=5)), "b": ""}, 422),
            ({"a": "\0@x"}, 422),
            ({"a_version": "9" * 40}, 200),
        ],
        ids=str,
    )
    def test_what_is_no_agent_is_said(self, support_client, asked, status):
        check_page(support_client.get(self.compare, asked), status)

    def test_a_version_of_another_agent_is_said(self, support_client):
        one, other = make_agent(), make_agent()
        asked = {"a": f"{one.pk}@{keys(other)[0]}", "b": other.pk}
        assert "it is shown as it is stored now" in check_page(support_client.get(self.compare, asked))

    def test_an_agent_is_found_without_javascript(self, support_client):
        agent, other = make_agent(name="Alpha"), make_agent(name="Beta")
        html = check_page(support_client.get(self.compare, {"a": agent.pk, "b_search": "beta", "_pick": "b"}))
        assert f'name="b" value="{other.pk}"' in html and f'value="{agent.pk}" checked' in html

    def test_two_checked_rows_of_the_list(self, manager_client):
        one, other = make_agent(), make_agent()
        assert 'formaction="/agents/compare/"' in check_page(manager_client.get("/agents/agents/"))
        response = manager_client.post(self.compare, {"row": [one.pk, other.pk], "query": "x=1"})
        assert response.url == f"/agents/compare/?a={one.pk}&b={other.pk}"
        assert (
            manager_client.post(self.compare, {"row": [one.pk], "query": "name=1"}).url
            == "/agents/agents/?name=1"
        )

    def test_the_same_queries_for_short_and_long_histories(self, support_client):
        one, other = make_agent(), make_agent()
        asked = f"{self.compare}?a={one.pk}&b={other.pk}"
        few = len(count_queries(support_client, asked))
        for n in range(60):
            change(one, description=str(n))
        assert len(count_queries(support_client, asked)) == few


def test_a_megabyte_of_shapes_is_cloned(support, support_client):
    agent = change(
        make_agent(),
        config={"customCss": "x" * 1_000_000, **BUILDER},
        name='{"name": "Desk", "api_key": "k-1"}',
    )
    assert "k-1" not in check_page(support_client.get(url("clone", agent)))
    copy = clone_agent(agent, actor=support, reason="r", name="New", organization=agent.organization)
    assert "k-1" not in stored(copy) and "tk-9" not in stored(copy)


def test_a_copy_gets_no_name_that_is_json(support_client):
    agent = make_agent()
    data = {"name": '{"a": 1}', "organization": agent.organization_id, "reason": "Ticket 9"}
    response = support_client.post(url("clone", agent), data)
    assert (
        'id="id_name_error"' in check_page(response, 422) and not Agent.objects.exclude(pk=agent.pk).exists()
    )
