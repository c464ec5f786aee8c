"""The effective settings: four shapes of configuration, wrong types, and what drifts."""

from decimal import Decimal

import pytest

from agents.effective import drifting, effective, resolve, unserved
from agents.models import Agent

BUILDER = {
    "model": "gemini-pro",
    "systemInstruction": "Be brief",
    "maxReplyTokens": 150,
    "voice": {"enabled": True, "name": "Nova", "speed": 1.5},
}
FLAT = {"llm_model": "gpt-4o", "system_prompt": "Be kind", "temperature": 0.4}


def settings_of(config, **columns):
    return effective(Agent(config=config, **columns))


@pytest.mark.parametrize(
    ("config", "model", "prompt"),
    [
        (FLAT, ("gpt-4o", "config"), ("Be kind", "config")),
        (BUILDER, ("gemini-pro", "builder"), ("Be brief", "builder")),
        (BUILDER | FLAT, ("gpt-4o", "config"), ("Be kind", "config")),
        ({"name": "Desk", "config": BUILDER | FLAT}, ("gpt-4o", "config"), ("Be kind", "config")),
        ({"config": {"config": BUILDER}}, ("gemini-pro", "builder"), ("Be brief", "builder")),
        (None, ("gpt-4", "column"), ("Column", "column")),
        ({}, ("gpt-4", "column"), ("Column", "column")),
        (["list"], ("gpt-4", "column"), ("Column", "column")),
        ('{"llm_model": "text"}', ("gpt-4", "column"), ("Column", "column")),
        ({"llm_model": None, "systemInstruction": None}, ("gpt-4", "column"), ("Column", "column")),
    ],
)
def test_each_shape_is_read(config, model, prompt):
    found = settings_of(config, llm_model="gpt-4", system_prompt="Column")
    assert (found["llm_model"].value, found["llm_model"].source) == model
    assert (found["system_prompt"].value, found["system_prompt"].source) == prompt


def test_the_builders_keys():
    found = settings_of(BUILDER)
    names = ("max_tokens", "voice_id", "voice_speed")
    assert [found[name].value for name in names] == [150, "Nova", 1.5]


@pytest.mark.parametrize("voice", ["Nova", ["Nova"], 7, None, True])
def test_a_voice_that_is_no_object_leaves_the_column(voice):
    assert settings_of({"voice": voice}, voice_id="Puck")["voice_id"].value == "Puck"


def test_an_envelope_without_end_is_no_configuration():
    config = {}
    for _ in range(50):
        config = {"config": config}
    assert settings_of(config, llm_model="gpt-4")["llm_model"].source == "column"


@pytest.mark.parametrize(
    ("name", "value", "column", "drifts"),
    [
        ("temperature", 0.7, Decimal("0.70"), False),
        ("temperature", "0.70", Decimal("0.70"), False),
        ("temperature", 0.333333, Decimal("0.33"), False),
        ("temperature", 0.4, Decimal("0.70"), True),
        ("temperature", "warm", Decimal("0.70"), True),
        ("temperature", {"a": 1}, Decimal("0.70"), True),
        ("temperature", True, Decimal("1.00"), True),
        ("temperature", 0.4, Decimal("NaN"), True),
        ("max_tokens", 150, 150, False),
        ("max_tokens", 1e300, 150, True),
        ("max_tokens", 150, None, True),
        ("enable_backchannel", True, True, False),
        ("enable_backchannel", 1, True, True),
        ("backchannel_words", ["a"], ["a"], False),
        ("backchannel_words", "a", ["a"], True),
        ("system_prompt", "", None, False),
        ("llm_model", ["gpt-4"], "gpt-4", True),
        ("custom_headers", {"a": "b"}, {"a": "b"}, False),
    ],
)
def test_a_column_drifts_when_it_means_something_else(name, value, column, drifts):
    setting = resolve({name: value}, {name: column}, [name])[name]
    assert setting.value == value and setting.drifts == drifts
    assert bool(drifting({name: setting})) == drifts


@pytest.mark.parametrize(
    ("config", "wrong"),
    [
        ({"llm_model": "gpt-9", "voice_provider": "openai", "stt_provider": "deepgram"}, []),
        ({"llm_model": "", "voice_provider": "", "stt_provider": ""}, []),
        ({"llm_model": "GPT-4"}, ["llm_model"]),
        ({"model": "deepseek-chat"}, ["llm_model"]),
        ({"voice_provider": "cartesia"}, ["voice_provider"]),
        ({"stt_provider": "openai"}, ["stt_provider"]),
        (
            {"llm_model": 4, "voice_provider": ["openai"], "stt_provider": {"a": 1}},
            ["llm_model", "voice_provider", "stt_provider"],
        ),
    ],
)
def test_what_the_runtime_cannot_serve(config, wrong):
    found = settings_of(config, llm_model="gpt-4", stt_provider="whisper")
    assert [setting.name for setting, _ in unserved(found)] == wrong
