"""Values on a record's page: by their type, secrets hidden, nothing that raises."""

import pytest

from agents.models import Agent
from agents.tests.factories import make_agent
from backoffice.display import HIDDEN, hide_whole, present, redact
from billing.models import UsageLog
from telephony.models import PhoneNumber
from tenants.models import Organization
from tenants.tests.factories import make_organization


@pytest.mark.parametrize(
    "key",
    [
        "password",
        "PASSWD",
        "apiKey",
        "api_key",
        "api-key",
        "client_secret",
        "Authorization",
        "bearer",
        "credentials",
        "access_token",
        "token",
        "passphrase",
    ],
)
def test_secrets_are_known_by_their_key(key):
    assert redact({key: "s3cret"}) == {key: HIDDEN}
    assert redact([{"deep": {key: ["s3cret", {"x": 5}]}}]) == [{"deep": {key: [HIDDEN, {"x": HIDDEN}]}}]


@pytest.mark.parametrize("value", [None, "", True, False])
def test_whether_a_secret_is_there_may_be_seen(value):
    assert redact({"password": value}) == {"password": value}


@pytest.mark.parametrize(
    "value", [{"tokens_used": 5, "max_tokens": 5, "voice": "nova"}, ["a"], "text", 5, None]
)
def test_what_is_no_secret_stays(value):
    assert redact(value) == value


def test_all_headers_are_hidden_and_their_names_shown():
    assert redact({"custom_headers": {"X-A": "1", "X-B": ["2"]}}) == {
        "custom_headers": {"X-A": HIDDEN, "X-B": [HIDDEN]}
    }


def test_json_nested_without_end_is_cut_off():
    deep = value = []
    for _ in range(5000):
        value.append([])
        value = value[0]
    assert HIDDEN in str(redact(deep))


class TestPresent:
    def value(self, obj, name, user):
        return str(present(obj, name, user)["value"])

    def test_labels_begin_with_a_capital_and_keep_abbreviations(self, support):
        assert present(Agent(), "llm_model", support)["label"] == "LLM model"
        assert present(Agent(), "voice_id", support)["label"] == "Voice"

    def test_text_is_escaped(self, support):
        assert "<b>" not in self.value(Agent(system_prompt="<b>bold</b>"), "system_prompt", support)
        assert "<b>" not in self.value(Agent(config={"<b>": "<i>"}), "config", support)

    @pytest.mark.parametrize(
        "name",
        ["name", "config", "temperature", "created_at", "is_published", "voice_provider", "organization"],
    )
    def test_nothing_is_said_as_nothing(self, support, name):
        obj = Agent(**{"organization_id" if name == "organization" else name: None})
        assert 'class="missing"' in self.value(obj, name, support)

    def test_related_row_is_linked_for_those_who_may_open_it(self, support):
        organization = make_organization(name="Acme")
        number = PhoneNumber(organization=organization)
        assert organization.get_absolute_url() in self.value(number, "organization", support)
        support.groups.clear()
        user = type(support).objects.get(pk=support.pk)
        assert self.value(number, "organization", user) == "Acme"

    def test_related_row_that_is_gone_is_shown_by_its_id(self, support):
        usage = UsageLog(agent_id=Organization().pk)
        assert "no such record" in self.value(usage, "agent", support)

    def test_every_field_of_a_fresh_row_has_a_value(self, support):
        agent = Agent.objects.get(pk=make_agent().pk)
        for field in Agent._meta.concrete_fields:
            assert present(agent, field.name, support)["value"] is not None


@pytest.mark.parametrize(
    "config",
    [
        {"sip": {"pass": "hush", "user": "u1"}},
        {"sip": {"pwd": "hush"}},
        {"auth": "hush"},
        {"privateKey": "hush"},
        {"access_tokens": ["hush"]},
        {"webhook": {"headers": {"X-Key": "hush"}}},
        {"customHeaders": {"X-Key": "hush"}},
        {"webhook": "https://user:hush@example.com/x"},
        {"webhook": "https://example.com/x?api_key=hush&a=1"},
        {"inner": '{"sip": {"password": "hush"}}'},
        {"inner": '{"sip": {"password": "hush", "cut o'},
    ],
)
def test_a_secret_under_any_of_its_names_is_masked(config):
    assert "hush" not in str(redact(config))


def test_numbers_of_tokens_are_no_secrets():
    settings = {"max_tokens": 1000, "maxReplyTokens": 150, "tokens_used": 7}
    assert redact(settings) == settings


@pytest.mark.parametrize(
    ("column", "value", "hidden"),
    [
        ("custom_headers", ["Authorization: Bearer hush"], True),
        ("config", ["password=hush"], True),
        ("config", "password=hush", True),
        ("config", '{"name": "Desk"}', False),
        ("config", {"name": "Desk"}, False),
        ("backchannel_words", ["right"], False),
    ],
)
def test_a_column_that_has_no_keys_to_know_secrets_by_is_hidden_whole(column, value, hidden):
    assert hide_whole(column, value) is hidden
