"""What is wrong with new values of settings, before they are stored."""

from decimal import Decimal

import pytest

from agents.models import Agent
from agents.validation import faults


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("temperature", Decimal("0.25")),
        ("temperature", 2),
        ("temperature", None),
        ("max_tokens", 50),
        ("max_tokens", 4000),
        ("voice_speed", 0.5),
        ("max_duration_seconds", 7200),
        ("end_after_silence_seconds", 30),
        ("webhook_timeout_ms", 1000),
        ("llm_model", "claude-next"),
        ("llm_model", None),
        ("voice_provider", "elevenlabs"),
        ("stt_provider", "deepgram"),
        ("stt_mode", "streaming"),
        ("pii_redaction_list", ["ssn", "passport"]),
        ("enabled_mcp_servers", ["anything"]),
        ("boosted_keywords", []),
        ("enable_backchannel", False),
        ("webhook_url", "https://hooks.example/x?y=1"),
        ("custom_headers", {"X-Tenant": "acme"}),
        ("system_prompt", "x" * 1_000_000),
    ],
)
def test_what_may_be_stored(name, value):
    assert faults(Agent(), {name: value}) == {}


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("temperature", 2.1, "from 0 to 2"),
        ("temperature", Decimal("NaN"), "from 0 to 2"),
        ("temperature", Decimal("0.333"), "two decimals"),
        ("temperature", "0.5", "a number"),
        ("temperature", True, "a number"),
        ("max_tokens", 49, "from 50 to 4000"),
        ("max_tokens", 100.5, "whole number"),
        ("voice_speed", 0.4, "from 0.5 to 2"),
        ("ambient_volume", 1.1, "from 0 to 1"),
        ("webhook_timeout_ms", 30_001, "from 1000 to 30000"),
        ("llm_model", "deepseek-chat", "silently run as gpt-4o-mini"),
        ("llm_model", 4, "a text"),
        ("llm_model", "gpt" + "x" * 98, "room for 100"),
        ("voice_provider", "cartesia", "cannot speak with “cartesia”"),
        ("stt_provider", "openai", "cannot listen with “openai”"),
        ("stt_mode", "slow", "not a known value"),
        ("pii_redaction_list", ["iban"], "“iban” is not a known kind"),
        ("backchannel_words", ["ok", 5], "list of texts"),
        ("backchannel_words", "ok", "list of texts"),
        ("boosted_keywords", [" "], "none of them empty"),
        ("enable_backchannel", "true", "yes or no"),
        ("webhook_url", "http://hooks.example", "begins with https://"),
        ("webhook_url", "https:///path", "needs a host"),
        ("webhook_url", "https://[::1", "no address"),
        ("custom_headers", {"Bad name": "x"}, "“Bad name” cannot be the name"),
        ("custom_headers", {"X-A": "one\nline"}, "value of X-A"),
        ("custom_headers", {"X-A": 1}, "value of X-A"),
        ("custom_headers", {"X-A": "1", "x-a": "2"}, "twice"),
        ("custom_headers", ["X-A"], "an object"),
        ("name", "", "must not be empty"),
        ("description", "a\0b", "cannot store"),
        ("description", "\ud800", "cannot store"),
        ("nonsense", 1, "no setting"),
    ],
)
def test_what_may_not(name, value, says):
    found = faults(Agent(), {name: value})
    assert list(found) == [name] and says in found[name][0]


@pytest.mark.parametrize(
    ("stored", "changes", "wrong"),
    [
        ({"voice_provider": "openai"}, {"voice_id": "Puck"}, ["voice_id"]),
        ({"voice_provider": "openai"}, {"voice_id": "NOVA"}, []),
        ({"voice_id": "Puck"}, {"voice_provider": "openai"}, ["voice_provider"]),
        ({"voice_id": "Puck"}, {"voice_provider": "openai", "voice_id": "echo"}, []),
        ({"voice_id": "Puck"}, {"voice_provider": "openai", "voice_id": "x"}, ["voice_id"]),
        ({"voice_provider": "openai"}, {"voice_model": "eleven_turbo_v2"}, ["voice_model"]),
        ({"voice_provider": "elevenlabs"}, {"voice_model": "tts-1"}, ["voice_model"]),
        ({"voice_provider": "elevenlabs"}, {"voice_model": "eleven_new"}, []),
        ({"voice_model": "tts-1", "voice_id": "x"}, {"voice_provider": "elevenlabs"}, ["voice_provider"]),
        ({"voice_provider": "azure"}, {"voice_model": "anything", "voice_id": "x"}, []),
        ({"voice_provider": "openai", "voice_id": "Puck"}, {"temperature": 1}, []),
        ({"config": {"voice": {"name": "Kore"}}}, {"voice_provider": "openai"}, ["voice_provider"]),
    ],
)
def test_provider_voice_and_model_go_together(stored, changes, wrong):
    assert list(faults(Agent(**stored), changes)) == wrong


def test_an_unknown_kind_that_is_stored_stays():
    agent = Agent(pii_redaction_list=["iban"])
    assert faults(agent, {"pii_redaction_list": ["iban", "ssn"]}) == {}


def test_a_fault_of_a_header_names_no_value():
    assert "s3cret" not in str(faults(Agent(), {"custom_headers": {"X-A": "s3cret\n"}}))
