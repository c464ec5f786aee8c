"""The effective settings: four shapes of configuration, wrong types, and what drifts."""

import json
from decimal import Decimal

import pytest

from agents.effective import SETTINGS, drifting, effective, resolve, telling, unserved
from agents.extras import extras
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


SHAPES = {
    "flat": FLAT | {"voice_provider": "openai", "sip": {"password": "x"}, "theme": {"mode": "dark"}},
    "builder": BUILDER,
    "merged": BUILDER | FLAT | {"max_tokens": 800},
    "envelope": {"name": "Desk", "description": "", "config": {**BUILDER, **FLAT, "name": "Desk 2"}},
    "nested": {"llm_model": "outer", "config": {"name": "Middle", "config": BUILDER}},
    "none": None,
    "empty": {},
    "text": json.dumps(FLAT),
    "list": [FLAT],
    "number": 7,
    "wrong types": {"llm_model": ["gpt-4o"], "temperature": {"a": 1}, "voice": "Nova", "max_tokens": True},
    "nulls": {"llm_model": None, "model": None, "voice": {"name": None}, "config": None},
}
COLUMNS = {
    "name": "Desk", "llm_model": "gpt-4o-mini", "temperature": Decimal("0.70"), "max_tokens": 1000,
    "voice_provider": None, "voice_id": "Echo", "voice_speed": Decimal("1.00"),
}  # fmt: skip


@pytest.mark.parametrize(
    ("shape", "name", "value", "origin", "copies"),
    [
        ("flat", "llm_model", "gpt-4o", "config → llm_model", [("column", "gpt-4o-mini", True)]),
        ("flat", "temperature", 0.4, "config → temperature", [("column", Decimal("0.70"), True)]),
        ("flat", "voice_provider", "openai", "config → voice_provider", [("column", None, True)]),
        ("flat", "voice_id", "Echo", "column", []),
        ("flat", "max_tokens", 1000, "column, as it is by default", []),
        ("builder", "llm_model", "gemini-pro", "config → model", [("column", "gpt-4o-mini", True)]),
        ("builder", "max_tokens", 150, "config → maxReplyTokens", [("column", 1000, True)]),
        ("builder", "voice_id", "Nova", "config → voice.name", [("column", "Echo", True)]),
        ("builder", "voice_speed", 1.5, "config → voice.speed", [("column", Decimal("1.00"), True)]),
        ("builder", "temperature", Decimal("0.70"), "column, as it is by default", []),
        (
            "merged", "llm_model", "gpt-4o", "config → llm_model",
            [("config → model", "gemini-pro", True), ("column", "gpt-4o-mini", True)],
        ),
        (
            "merged", "max_tokens", 800, "config → max_tokens",
            [("config → maxReplyTokens", 150, True), ("column", 1000, True)],
        ),
        (
            "envelope", "name", "Desk 2", "config → config → name",
            [("config → name", "Desk", True), ("column", "Desk", True)],
        ),
        ("envelope", "voice_id", "Nova", "config → config → voice.name", [("column", "Echo", True)]),
        ("envelope", "description", None, "set nowhere", [("config → description", "", False)]),
        (
            "nested", "llm_model", "gemini-pro", "config → config → config → model",
            [("config → llm_model", "outer", True), ("column", "gpt-4o-mini", True)],
        ),
        ("nested", "name", "Desk", "column", [("config → config → name", "Middle", True)]),
        *((shape, "llm_model", "gpt-4o-mini", "column, as it is by default", [])
          for shape in ("none", "empty", "text", "list", "number", "nulls")),
        *((shape, "voice_id", "Echo", "column", []) for shape in ("none", "empty", "list", "wrong types", "nulls")),
        ("none", "voice_provider", None, "set nowhere", []),
        ("wrong types", "llm_model", ["gpt-4o"], "config → llm_model", [("column", "gpt-4o-mini", True)]),
        ("wrong types", "temperature", {"a": 1}, "config → temperature", [("column", Decimal("0.70"), True)]),
        ("wrong types", "max_tokens", True, "config → max_tokens", [("column", 1000, True)]),
    ],
)  # fmt: skip
def test_every_copy_in_every_shape(shape, name, value, origin, copies):
    setting = settings_of(SHAPES[shape], **COLUMNS)[name]
    assert (setting.value, setting.origin, setting.copies) == (value, origin, copies)
    assert setting.drifts == any(differs for *_, differs in copies)


@pytest.mark.parametrize("shape", SHAPES)
def test_a_sign_needs_no_more_settings_than_telling_names(shape):
    columns = dict.fromkeys(SETTINGS) | COLUMNS
    few, all_ = (resolve(SHAPES[shape], columns, names) for names in (telling(SHAPES[shape]), SETTINGS))
    assert unserved(few) == unserved(all_) and drifting(few) == drifting(all_)


@pytest.mark.parametrize(
    ("model", "runs"), [("gpt-9", ""), ("llama", "gpt-4o-mini"), (None, "gpt-4o-mini"), (4, "gpt-4o-mini")]
)
def test_which_model_runs_instead(model, runs):
    assert settings_of(None, llm_model=model)["llm_model"].runs_as == runs


@pytest.mark.parametrize(
    ("config", "places"),
    [
        (
            {"sip": {"port": 5060, "password": "x"}, "theme": {}, "voice": {"name": "Nova", "pitch": 1}, "mood": "odd"},
            {"config → sip.port": "stored, not used", "config → sip.password": "stored, not used",
             "config → theme": "", "config → voice.pitch": "", "config → mood": "not a known key"},
        ),
        ({"x": 1, "config": {"y": {"z": 2}}}, {"config → x": "not a known key", "config → config → y.z": "not a known key"}),
        ({"config": "text"}, {"config → config": "not a known key"}),
        (None, {}),
        (["list"], {}),
    ],
)  # fmt: skip
def test_what_only_the_json_holds(config, places):
    found = extras(config)
    assert {extra.where: extra.note for extra in found} == places
    assert not any(extra.value == "x" for extra in found)


@pytest.mark.parametrize(
    ("config", "wrong"),
    [
        ({"voice_provider": "openai", "voice_id": "Puck"}, ["voice_id"]),
        ({"voice_provider": "openai", "voice_id": "Nova", "voice_model": "tts-1-hd"}, []),
        ({"voice_provider": "openai", "voice": {"name": "Kore"}}, ["voice_id"]),
        (
            {"voice_provider": "openai", "voice_id": 7, "voice_model": "eleven_turbo_v2"},
            ["voice_id", "voice_model"],
        ),
        ({"voice_provider": "elevenlabs", "voice_id": "abc", "voice_model": "tts-1"}, ["voice_model"]),
        ({"voice_id": "Puck", "voice_model": "sonic"}, []),
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
