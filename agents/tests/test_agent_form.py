"""The typed form of an agent: known values, ranges, what the runtime cannot serve, every shape written as it is."""

from decimal import Decimal

import pytest
from django.core import signing
from django.urls import reverse

from agents.effective import drifting, effective
from agents.tests.factories import make_agent
from backoffice import services
from backoffice.model_fields import NAN
from backoffice.models import AuditEvent
from backoffice.testing_crud import check_page, form_values
from tenants.tests.factories import change

FLAT = {
    "llm_model": "gpt-4o",
    "temperature": 0.4,
    "max_tokens": 500,
    "keep": {"a": [1.5]},
    "theme": {"mode": "dark"},
}
BUILDER = {
    "model": "gemini-pro", "maxReplyTokens": 150, "voice": {"name": "Nova", "speed": 1.5, "pitch": 1.1}, "tools": [],
}  # fmt: skip


def edit(agent):
    return reverse("agents:agent_edit", args=[agent.pk])


def save(client, agent, **typed):
    return client.post(edit(agent), {**form_values(client.get(edit(agent))), **typed})


@pytest.mark.parametrize(
    ("config", "after"),
    [
        (None, None),
        ({}, {}),
        (["list"], ["list"]),
        ("text", "text"),
        (FLAT, FLAT | {"llm_model": "gpt-4.1", "max_tokens": 700}),
        (BUILDER, BUILDER | {"model": "gpt-4.1", "maxReplyTokens": 700}),
        (
            BUILDER | FLAT,
            BUILDER
            | FLAT
            | {"llm_model": "gpt-4.1", "max_tokens": 700, "model": "gpt-4.1", "maxReplyTokens": 700},
        ),
        (
            {"name": "x", "llm_model": "outer", "config": BUILDER},
            {
                "name": "x",
                "llm_model": "gpt-4.1",
                "config": BUILDER | {"model": "gpt-4.1", "maxReplyTokens": 700},
            },
        ),
        (
            {"config": {"config": FLAT}},
            {"config": {"config": FLAT | {"llm_model": "gpt-4.1", "max_tokens": 700}}},
        ),
        ({"llm_model": ["x"], "max_tokens": {}}, {"llm_model": "gpt-4.1", "max_tokens": 700}),
        ({"llm_model": None}, {"llm_model": None}),
    ],
)
def test_a_save_writes_column_and_key_and_keeps_the_rest(support, config, after):
    agent = change(make_agent(), config=config, temperature="0.90")
    edited = agent.for_editing()
    opened = services.snapshot(edited, ["llm_model", "max_tokens", "temperature"])
    edited.llm_model, edited.max_tokens = "gpt-4.1", 700
    services.save(edited, actor=support, reason="Ticket 7", opened=opened)
    agent.refresh_from_db()
    assert agent.config == after
    assert (agent.llm_model, agent.max_tokens, agent.temperature) == ("gpt-4.1", 700, Decimal("0.90"))
    assert not {"llm_model", "max_tokens"} & {setting.name for setting in drifting(effective(agent))}
    written = AuditEvent.objects.of(agent).filter(source="app").first()
    assert set(written.changes) <= {"llm_model", "max_tokens", "config"} and written.reason == "Ticket 7"


def test_the_message_says_when_it_takes_effect(support_client):
    agent = make_agent()
    assert save(support_client, agent, llm_model="gpt-4.1").status_code == 302
    assert "takes effect when the runtime reloads" in check_page(support_client.get(agent.get_absolute_url()))


@pytest.mark.parametrize(
    ("stored", "typed", "says"),
    [
        ({}, {"llm_model": "deepseek-chat"}, "silently run as gpt-4o-mini"),
        ({}, {"voice_provider": "azure"}, "cannot speak with “azure”"),
        ({"voice_id": "Puck"}, {"voice_provider": "openai"}, "Change the voice as well"),
    ],
)
def test_what_cannot_be_served_is_refused_when_it_is_chosen_anew(support_client, stored, typed, says):
    agent = change(make_agent(), **stored)
    response = save(support_client, agent, **typed, description="typed as well")
    page = check_page(response, 422)
    assert says in page and f'id="id_{next(iter(typed))}_error"' in page
    kept = form_values(response)
    assert {name: kept[name] for name in typed} == typed and kept["description"] == "typed as well"


def test_what_cannot_be_served_and_is_stored_does_not_stand_in_the_way(support_client):
    agent = change(
        make_agent(), llm_model="llama", voice_provider="parrot", stt_provider="google", voice_id="x"
    )
    response = support_client.get(edit(agent))
    assert "parrot (not a known value)" in check_page(response)
    assert save(support_client, agent, description="New").status_code == 302


def test_kinds_are_ticked_and_unknown_ones_stay(support_client):
    agent = change(make_agent(), pii_redaction_list=["iban", "email"], enabled_mcp_servers=["weather"])
    response = support_client.get(edit(agent))
    assert "iban (not a known value)" in check_page(response)
    assert form_values(response)["pii_redaction_list"] == ["email", "iban"]
    save(support_client, agent, pii_redaction_list=["ssn", "email", "iban"], enabled_mcp_servers=[])
    agent.refresh_from_db()
    assert agent.pii_redaction_list == ["iban", "email", "ssn"] and agent.enabled_mcp_servers == []


def test_ticked_boxes_survive_a_conflict_and_the_way_back_to_the_form(support_client):
    agent = change(make_agent(), pii_redaction_list=["ssn"])
    opened = form_values(support_client.get(edit(agent))) | {"pii_redaction_list": ["email", "ssn"]}
    change(agent, pii_redaction_list=["name"])
    check_page(support_client.post(edit(agent), opened), 409)
    again = support_client.post(edit(agent), opened | {"_edit": "1"})
    assert form_values(again)["pii_redaction_list"] == ["ssn", "email"]


def test_controls_say_ranges_known_values_and_what_is_not_enforced(support_client):
    agent = change(make_agent(), temperature=NAN)
    page = check_page(support_client.get(edit(agent)))
    assert 'min="50" max="4000" step="10"' in page and "50 to 4000, in steps of 10." in page
    assert '<option value="claude-4.0-sonnet" label="Anthropic">' in page
    assert '<option value="Puck" label="only in the browser">' in page
    assert "stored, not enforced" in page and "stored, not used" in page
    assert "<legend>Call handling</legend>" in page
    assert form_values(support_client.get(edit(agent)))["temperature"] == "NaN"


class TestPage:
    def page(self, client, query="", **fields):
        agent = change(make_agent(), **fields)
        return check_page(client.get(agent.get_absolute_url() + query))

    def test_each_setting_with_its_source_and_the_copy_that_differs(self, support_client):
        page = self.page(support_client, config={"name": "Desk", "config": BUILDER}, voice_id="Puck")
        assert "config → config → voice.name" in page and "Puck" in page and "Nova" in page
        assert "config → config → voice.pitch" in page
        assert "drift" in page and "set nowhere" in page

    def test_only_those_that_drift(self, support_client):
        config = {"llm_model": "gpt-4o"}
        page = self.page(support_client, "?only=drift", config=config, llm_model="gpt-4", temperature="0.70")
        assert 'id="about-llm_model"' in page and 'id="about-temperature"' not in page
        page = self.page(support_client, "?only=drift", config={}, llm_model="gpt-4")
        assert "Nothing drifts" in page

    def test_not_enforced_is_said_where_it_stands(self, support_client):
        page = self.page(support_client, data_storage_policy="nothing", voice_provider="elevenlabs")
        assert "stored, not enforced" in page and "stored, not used" in page

    def test_what_the_runtime_makes_of_a_voice(self, support_client):
        page = self.page(
            support_client, voice_provider="openai", voice_id="Puck", voice_model="eleven_turbo_v2"
        )
        assert "The voice “Puck” does not work" in page and "does not work</span>" in page

    def test_values_that_no_editor_would_store_are_marked(self, support_client):
        page = self.page(
            support_client,
            temperature="9.99",
            stt_mode="slow",
            config={"max_tokens": True, "voice_speed": {"a": 1}},
        )
        assert (
            "outside 0 to 2" in page and "not a known value" in page and page.count("wrong type or size") == 2
        )

    def test_long_prompts_are_folded_and_markup_is_text(self, support_client):
        page = self.page(support_client, system_prompt="<script>alert(1)</script>" + "long " * 1000)
        assert '<details class="fold"><summary>&lt;script&gt;' in page and "5,025 characters" in page

    def test_secrets_in_copies_and_extras_are_hidden(self, support_client):
        page = self.page(
            support_client,
            config={
                "custom_headers": {"X-A": "s3cret"}, "sip": {"password": "s3cret", "username": "desk"},
                "config": {"custom_headers": {"X-A": "s3cret2"}, "sip": {"password": "s3cret"}, "apiKey": "s3cret"},
            },
            custom_headers={"X-A": "s3cret3"},
        )  # fmt: skip
        assert "s3cret" not in page and "config → sip.username" in page and "desk" in page

    @pytest.mark.parametrize("config", [["x"], "x", 7, True, "null"])
    def test_what_is_no_configuration_is_said(self, support_client, config):
        assert "is no object, or nested too deeply to be read" in self.page(support_client, config=config)


class TestHidden:
    """A webhook's log-in and token, and a name that is JSON, are not on the form, and stay."""

    ADDRESS = "https://user:p4ss@hooks.example/in?token=t0ken&room=1"

    def test_an_address_is_shown_without_its_secrets_and_kept(self, support_client):
        agent = make_agent(webhook_url="https://old.example/", config={"webhook_url": self.ADDRESS})
        response = support_client.get(edit(agent))
        html = check_page(response)
        assert "p4ss" not in html and "t0ken" not in html and "room=1" in html
        opened = signing.loads(form_values(response)["opened"], salt="opened")
        assert "p4ss" not in str(opened) and "t0ken" not in str(opened)
        assert save(support_client, agent, temperature="0.9").status_code == 302
        agent.refresh_from_db()
        assert agent.config["webhook_url"] == self.ADDRESS and agent.webhook_url == "https://old.example/"

    def test_another_address_is_typed_as_a_whole(self, support_client):
        agent = make_agent(webhook_url=self.ADDRESS)
        shown = form_values(support_client.get(edit(agent)))["webhook_url"]
        response = save(
            support_client, agent, webhook_url=shown.replace("hooks", "other"), description="typed"
        )
        assert "type it as a whole" in check_page(response, 422)
        assert form_values(response)["description"] == "typed"
        assert save(support_client, agent, webhook_url="https://new.example/?token=n3w").status_code == 302
        agent.refresh_from_db()
        assert agent.webhook_url == "https://new.example/?token=n3w"

    def test_somebody_else_was_quicker(self, support_client):
        agent = make_agent(webhook_url=self.ADDRESS)
        typed = form_values(support_client.get(edit(agent))) | {"webhook_url": "https://mine.example/"}
        change(agent, webhook_url="https://their:s3cret@theirs.example/")
        html = check_page(support_client.post(edit(agent), typed), 409)
        assert not any(secret in html for secret in ("p4ss", "t0ken", "s3cret")) and "theirs.example" in html
        agent.refresh_from_db()
        assert agent.webhook_url == "https://their:s3cret@theirs.example/"

    def test_in_place(self, support_client):
        agent = make_agent(webhook_url=self.ADDRESS)
        page = reverse("inline_edit", args=["agents.agent", agent.pk, "webhook_url"])
        response = support_client.get(page)
        assert "p4ss" not in check_page(response)
        support_client.post(page, form_values(response))
        agent.refresh_from_db()
        assert agent.webhook_url == self.ADDRESS

    def test_a_name_that_is_json_can_be_replaced_and_stays_otherwise(self, support_client):
        name = '{"id":"agent_7","name":"Desk","api_key":"s3cret"}'
        agent = make_agent(name=name)
        response = support_client.get(edit(agent))
        assert "s3cret" not in check_page(response) and form_values(response)["name"] == ""
        assert save(support_client, agent, description="x").status_code == 302
        agent.refresh_from_db()
        assert (agent.name, agent.description) == (name, "x")
        assert save(support_client, agent, name="Desk").status_code == 302
        agent.refresh_from_db()
        assert agent.name == "Desk"

    def test_no_name_becomes_json(self, support_client):
        agent = make_agent(name="Desk")
        response = save(support_client, agent, name=' {"a": 1}')
        assert 'id="id_name_error"' in check_page(response, 422)


def test_the_form_says_what_the_configuration_has_for_a_name_and_a_description(support_client):
    config = {"name": "Desk <b>2</b>", "description": '{"token": "t0ken"}'}
    html = check_page(support_client.get(edit(make_agent(name="Desk", config=config))))
    assert "In the configuration it is “Desk &lt;b&gt;2&lt;/b&gt;”" in html and "t0ken" not in html


def test_kinds_that_nobody_knows_are_marked_on_the_page(support_client):
    agent = make_agent(pii_redaction_list=["email", "iban", ["odd"]])
    html = check_page(support_client.get(agent.get_absolute_url()))
    assert "not known: iban, [" in html
