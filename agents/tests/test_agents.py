"""Agents: their flat columns are edited, what is secret is not shown, odd shapes are left alone."""

import pytest
from django.urls import reverse

from agents.models import Agent
from agents.tests.factories import make_agent, make_session
from backoffice.models import AuditEvent
from backoffice.testing_crud import CrudTests, check_page, form_values
from tenants.tests.factories import change, make_organization


class TestAgentPages(CrudTests):
    model = Agent
    edit_data = {"system_prompt": "Be brief.\nBe kind.", "temperature": "0.25", "voice_provider": "openai"}
    their_data = {"system_prompt": "Be long.", "voice_provider": "cartesia", "temperature": None}

    def make(self, n):
        return make_agent(name=f"Agent {n:02}")

    def form_data(self):
        return {
            "organization": self.obj.organization_id,
            "name": "Front desk",
            "llm_model": "gpt-4o",
            "system_prompt": "Hi",
        }

    def block(self, obj):
        make_session(obj)
        return "1 agent session"


def edit(agent):
    return reverse("agents:agent_edit", args=[agent.pk])


class TestForm:
    def save(self, client, agent, **typed):
        data = {**form_values(client.get(edit(agent))), **typed}
        return client.post(edit(agent), data)

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("temperature", "2.01"),
            ("temperature", "-0.1"),
            ("temperature", "0.333"),
            ("temperature", "NaN"),
            ("max_tokens", "0"),
            ("max_tokens", "4001"),
            ("max_tokens", "9" * 30),
            ("voice_speed", "0.49"),
            ("webhook_url", "http://plain.example"),
            ("webhook_url", "javascript:alert(1)"),
            ("name", ""),
            ("name", "x" * 256),
            ("voice_provider", "nobody's"),
        ],
    )
    def test_wrong_input_is_refused_beside_its_field_and_kept(self, support_client, field, value):
        agent = make_agent(description="stays")
        response = self.save(support_client, agent, **{field: value, "voicemail_message": "typed"})
        assert f'id="id_{field}_error"' in check_page(response, 422)
        again = form_values(response)
        assert (again["voicemail_message"], again["description"]) == ("typed", "stays")
        if field != "voice_provider":  # a select cannot show what it does not have
            assert again[field] == value
        assert not AuditEvent.objects.of(agent).filter(source="app").exists()

    def test_older_values_out_of_range_do_not_stand_in_the_way(self, support_client):
        agent = change(make_agent(), temperature="5.00", max_tokens=100_000, webhook_url="http://old.example")
        assert self.save(support_client, agent, description="New").status_code == 302
        assert AuditEvent.objects.of(agent).filter(source="app").get().changes == {
            "description": [None, "New"]
        }

    def test_lists_are_edited_line_by_line(self, support_client):
        agent = change(make_agent(), boosted_keywords=["Zürich", "two words"])
        response = support_client.get(edit(agent))
        assert form_values(response)["boosted_keywords"] == "Zürich\r\ntwo words"
        self.save(support_client, agent, boosted_keywords=" Bern \n\n Genève\r\n")
        agent.refresh_from_db()
        assert agent.boosted_keywords == ["Bern", "Genève"]

    @pytest.mark.parametrize(
        "value", [{"a": 1}, "text", 7, ["ok", 5], [["nested"]], [None], False, ["a\nb"], [""], [" a"]]
    )
    def test_a_list_of_another_shape_is_left_alone(self, support_client, value):
        agent = change(make_agent(), pii_redaction_list=value)
        assert "pii_redaction_list" not in form_values(support_client.get(edit(agent)))
        assert self.save(support_client, agent, pii_redaction_list="ssn", description="x").status_code == 302
        agent.refresh_from_db()
        assert agent.pii_redaction_list == value

    @pytest.mark.parametrize("value", [None, []])
    def test_an_empty_list_is_not_rewritten(self, support_client, value):
        agent = change(make_agent(), pii_redaction_list=value, knowledge_base_ids=value)
        self.save(support_client, agent, description="x")
        assert set(AuditEvent.objects.of(agent).filter(source="app").get().new) == {"description"}

    def test_unknown_stored_values_stay_choosable(self, support_client):
        agent = change(make_agent(), stt_mode="telepathy", ambient_sound="whale")
        response = support_client.get(edit(agent))
        assert "telepathy (not a known value)" in check_page(response)
        assert self.save(support_client, agent, description="x").status_code == 302
        agent.refresh_from_db()
        assert (agent.stt_mode, agent.ambient_sound) == ("telepathy", "whale")

    def test_a_yes_or_no_can_be_not_set(self, support_client):
        agent = change(make_agent(), voicemail_detection=None, enable_backchannel=True)
        data = form_values(support_client.get(edit(agent)))
        assert (data["voicemail_detection"], data["enable_backchannel"]) == ("unknown", "true")
        self.save(support_client, agent, voicemail_detection="false", enable_backchannel="unknown")
        agent.refresh_from_db()
        assert (agent.voicemail_detection, agent.enable_backchannel) == (False, None)

    def test_a_new_agent_gets_the_platforms_defaults(self, support_client):
        data = {"organization": make_organization().pk, "name": "New"}
        assert support_client.post(reverse("agents:agent_add"), data).status_code == 302
        agent = Agent.objects.get(name="New")
        assert (agent.stt_mode, agent.is_published, agent.version, agent.max_duration_seconds) == (
            "fast",
            False,
            1,
            1800,
        )

    def test_organization_of_an_agent_does_not_change(self, support_client):
        agent = make_agent()
        before = agent.organization_id
        self.save(support_client, agent, organization=str(make_organization().pk), description="x")
        agent.refresh_from_db()
        assert agent.organization_id == before


class TestPickerWithoutJavaScript:
    add = "/agents/agents/add/"

    def test_find_shows_the_form_as_typed_with_the_rows_found(self, support_client):
        make_organization(name="Miller & Sons")
        make_organization(name="Another")
        typed = {
            "name": "",
            "system_prompt": "typed",
            "reason": "why",
            "organization_search": "miller",
            "_pick": "organization",
        }
        response = support_client.post(self.add, typed)
        html = check_page(response)
        assert "Miller &amp; Sons" in html and "Another" not in html
        again = form_values(response)
        assert (again["system_prompt"], again["reason"], again["organization_search"]) == (
            "typed",
            "why",
            "miller",
        )
        assert "field__error" not in html and not Agent.objects.exists()

    def test_find_on_the_edit_form_keeps_its_conflict_check(self, support_client):
        agent = make_agent()
        number_edit = edit(agent)
        data = form_values(support_client.get(number_edit))
        found = support_client.post(number_edit, {**data, "_pick": "x", "name": "Typed"})
        again = form_values(found)
        assert again["name"] == "Typed"
        change(agent, name="Theirs")
        assert support_client.post(number_edit, {**again, "reason": "r"}).status_code == 409

    def test_text_without_a_choice_is_refused(self, support_client):
        make_organization(name="Miller")
        response = support_client.post(self.add, {"name": "New", "organization_search": "mill"})
        html = check_page(response, 422)
        assert "Choose one of those found for “mill”" in html and "Miller" in html

    @pytest.mark.parametrize("value", ["nonsense", "00000000-0000-0000-0000-000000000000", "\0"])
    def test_a_choice_that_does_not_exist_is_refused(self, support_client, value):
        response = support_client.post(self.add, {"name": "New", "organization": value})
        assert 'id="id_organization_error"' in check_page(response, 422)

    @pytest.mark.parametrize("text", ["%", "_", "\\", "\0", "x" * 5000, "<script>", "' or 1=1"])
    def test_any_text_can_be_searched(self, support_client, text):
        make_organization(name="Miller")
        typed = {"name": "New", "organization_search": text, "_pick": "organization"}
        assert "Miller" not in check_page(support_client.post(self.add, typed))

    def test_an_organization_in_the_address_is_chosen(self, support_client):
        tenant = make_organization(name="Preset")
        assert form_values(support_client.get(self.add, {"organization": tenant.pk}))["organization"] == str(
            tenant.pk
        )
        check_page(support_client.get(self.add, {"organization": "nonsense", "name": "x", "opened": "y"}))


class TestRecord:
    def test_secrets_in_json_are_hidden(self, support_client):
        agent = change(
            make_agent(),
            config={
                "api_key": "sk-live-1",
                "nested": [{"authToken": "tok-2", "password": {"deep": "pw-3"}}],
                "voice": "nova",
            },
            custom_headers={"X-Anything": "hd-4", "Authorization": "Bearer hd-5"},
        )
        html = check_page(support_client.get(agent.get_absolute_url()))
        assert not any(secret in html for secret in ("sk-live-1", "tok-2", "pw-3", "hd-4", "hd-5"))
        assert "nova" in html and "X-Anything" in html

    def test_what_the_runtime_does_not_know_is_said(self, support_client):
        agent = change(make_agent(), llm_model="llama-9", voice_provider="azure", stt_provider="google")
        html = check_page(support_client.get(agent.get_absolute_url()))
        assert (
            "silently runs gpt-4o-mini" in html
            and "cannot speak with" in html
            and "cannot listen with" in html
        )


def test_the_list_is_narrowed_to_published_agents_and_to_drafts(support_client):
    published, draft, unset = (make_agent(is_published=value) for value in (True, False, None))
    for query, expected in (
        ("true", {published}),
        ("false", {draft, unset}),
        ("", {published, draft, unset}),
    ):
        page = support_client.get("/agents/agents/", {"is_published": query})
        assert set(page.context["rows"]) == expected, query
    assert set(support_client.get("/agents/settings/?is_published=true").context["rows"]) == {published}
