"""The rules in SQL say of every row what the resolver says: shapes of configuration, wrong types, hostile values."""

import json
from decimal import Decimal

import pytest
from django.db import connection

from agents.effective import NUMBERS, SERVED, SETTINGS, drifting, effective, number, unserved
from agents.models import Agent
from agents.questions import sql
from agents.tests.factories import make_agent
from agents.tests.test_effective import BUILDER, FLAT
from backoffice.model_fields import NAN
from backoffice.testing import platform
from tenants.tests.factories import make_organization

MERGED = BUILDER | FLAT
WRONG = ["", "warm", " 0.70 ", "1_000", "0.7e1", "1e999", "NaN", True, False, 0, 1, 0.7, 1e35, -3, [], {}, ["gpt-4"],
         [1, None, {"password": "s3cret"}], {"a": None}, None]  # fmt: skip


def enveloped(config, times):
    for _ in range(times):
        config = {"config": config, "llm_model": "outside"}
    return config


SHAPES = {
    "null": None,
    "empty": {},
    "list": ["llm_model"],
    "text": '{"llm_model": "text"}',
    "number": 7,
    "flat": FLAT,
    "builder": BUILDER,
    "merged": MERGED,
    "envelope": enveloped(MERGED, 1),
    "envelopes": enveloped(BUILDER, 3),
    "nine-envelopes": enveloped(FLAT, 9),
    "ten-envelopes": enveloped(FLAT, 10),
    "twenty-envelopes": enveloped(FLAT, 20),
    "copies-agree": {"llm_model": "gpt-4o", "temperature": "0.70", "config": {"llm_model": "gpt-4o", "temperature": 0.7}},
    "copies-differ": {"llm_model": "gpt-4", "config": {"temperature": 0.2, "config": {"llm_model": "gpt-4o"}}},
    "copy-alone": {"llm_model": "gpt-4", "max_tokens": 1000, "config": {}},
    "voices": {"voice_provider": "openai", "voice_id": "Puck", "voice_model": "eleven_turbo_v2"},
    "voices-that-work": {"voice_provider": "openai", "voice_id": "Nova", "voice_model": "tts-1"},
    "elevenlabs": {"voice_provider": "elevenlabs", "voice_id": "Puck", "voice_model": "tts-1"},
    "no-provider": {"voice_provider": ["openai"], "voice_id": "Puck", "voice_model": ["tts-1"]},
    "wrong-copies": {**dict.fromkeys(SETTINGS, True), "config": dict.fromkeys(SETTINGS, 1)},
    "envelope-of-text": {"config": "x", "llm_model": "gpt-4"},
    "nulls": {"llm_model": None, "model": "gemini-pro", "systemInstruction": None},
    "voice-is-a-text": {"voice": "Nova", "model": ["gpt"]},
    "voice-is-a-list": {"voice": ["name"], "model": {"gpt": 1}},
    **{f"wrong-{n}": dict.fromkeys(SETTINGS, value) for n, value in enumerate(WRONG)},
    **{f"wrong-builder-{n}": {"model": value, "voice": {"name": value, "speed": value}, "maxReplyTokens": value}
       for n, value in enumerate(WRONG)},
}  # fmt: skip
COLUMNS = {
    "usual": {"llm_model": "gpt-4o", "temperature": "0.70", "max_tokens": 1000, "stt_provider": "whisper",
              "custom_headers": {"Authorization": "Bearer x"}, "enabled_mcp_servers": ["weather"]},
    "hostile": {"llm_model": "deepseek", "temperature": NAN, "max_tokens": None, "stt_provider": "azure",
                "voice_provider": "", "custom_headers": "Bearer x", "enabled_mcp_servers": {"a": 1},
                "pii_redaction_enabled": None, "webhook_url": "https://u:p4ss@h.example/x?token=t0k"},
}  # fmt: skip


@pytest.fixture
def agents(db):
    tenant = make_organization()
    for kind, columns in COLUMNS.items():
        for shape, config in SHAPES.items():
            make_agent(tenant, name=f"{kind} {shape}", config=config, **columns)
    make_agent(tenant, name="nested", config=None, temperature="1.00")
    with platform(), connection.cursor() as cursor:
        deep = '{"llm_model": "claude", "x": ' + '{"a":' * 5000 + "1" + "}" * 5001
        cursor.execute("update agents set config = %s where name = 'nested'", [deep])
    return {agent.pk: agent for agent in Agent.objects.all()}


def by_sql(expressions):
    """{id: [value of each expression]}."""
    named = {f"v{n}": one for n, one in enumerate(expressions)}
    return {pk: values for pk, *values in Agent.objects.annotate(**named).values_list("pk", *named)}


def plain(value):
    """A value of the resolver as the database writes it as a text."""
    if isinstance(value, bool):
        return str(value).lower()
    return json.dumps(value) if isinstance(value, dict | list) else str(value)


def test_values_and_sources_are_those_of_the_resolver(agents):
    names = list(SETTINGS)
    found = by_sql(
        [sql.of(name, sql.plain("found")) for name in names] + [sql.source_of(name) for name in names]
    )
    for pk, agent in agents.items():
        values, sources = found[pk][: len(names)], found[pk][len(names) :]
        for setting, value, source in zip(effective(agent).values(), values, sources, strict=True):
            where = (agent.name, setting.name)
            assert (where, source) == (where, setting.source)
            if setting.value is None or value is None:
                assert (where, value) == (where, setting.value)
            elif not isinstance(setting.value, int | float | Decimal) or isinstance(setting.value, bool):
                assert (where, value) == (where, plain(setting.value))


def test_numbers_drifts_and_what_cannot_be_served_are_those_of_the_resolver(agents):
    names, numbers, served = list(SETTINGS), sorted(NUMBERS), sorted(SERVED)
    found = by_sql(
        [sql.drifts(name) for name in names]
        + [sql.number_of(name) for name in numbers]
        + [sql.unserved(name) for name in served]
        + [sql.any_drifts(), sql.any_unserved()]
    )
    for pk, agent in agents.items():
        settings = effective(agent)
        values = iter(found[pk])
        assert {name for name in names if next(values)} == {one.name for one in drifting(settings)}, (
            agent.name
        )
        for name in numbers:
            value = settings[name].value
            expected = None if isinstance(value, bool) else number(value)
            got = next(values)
            got = None if got is None else Decimal(got)
            assert (agent.name, name, got) == (agent.name, name, expected)
        wrong = {setting.name for setting, _ in unserved(settings)}
        assert {name for name in served if next(values)} == wrong, agent.name
        assert bool(next(values)) == bool(drifting(settings)), agent.name
        assert bool(next(values)) == bool(wrong), agent.name


def test_no_text_holds_a_secret(agents):
    tenant = next(iter(agents.values())).organization
    make_agent(
        tenant, config={"custom_headers": [{"name": "X", "value": "s3cret"}], "webhook_url": "//u:p4ss@h"}
    )
    make_agent(
        tenant, config={"webhook_url": "ftp://a@u:p4ss@h/?api_key=t0k", "llm_model": "http://u:p4ss@h"}
    )
    make_agent(
        tenant, config={"enabled_mcp_servers": ["https://u:p4ss@h/?token=t0k", '{"password": "s3cret"}']}
    )
    make_agent(tenant, config={"enabled_mcp_servers": '["s3cret"]', "llm_model": '{"password": "s3cret'})
    shown = [make(name) for name in SETTINGS for make in (sql.asked_text, sql.column_text)]
    for values in by_sql([*shown, sql.asked_text(sql.HOST)]).values():
        text = " ".join(str(value) for value in values)
        assert not any(secret in text for secret in ("Bearer", "s3cret", "p4ss", "t0k")), text


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://Hooks.Example.com/x", "hooks.example.com"),
        ("https://user:p@ss@hooks.example.com:8443/x", "hooks.example.com"),
        ("http://[2001:db8::1]:80/", "[2001:db8::1]"),
        ("https://hooks.example.com?x=//other.example", "hooks.example.com"),
        ("hooks.example.com", None),
        ("", None),
    ],
)
def test_the_host_of_a_webhook(db, url, host):
    make_agent(config={"webhook_url": url})
    assert list(by_sql([sql.asked_text(sql.HOST)]).values()) == [[host]]
