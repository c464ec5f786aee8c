"""Agents whose settings are odd, each in its own way; every secret here is made up."""

import json

from backoffice.demo.agents import COLUMNS, DEFAULTS, agent_tuple
from backoffice.demo.world import fixed_id

BUILDER = {
    "id": "agent_12",
    "name": "Twice wrapped",
    "greeting": "Hello!",
    "systemInstruction": "You answer for Pixel Forge. Be brief.",
    "maxReplyTokens": 250,
    "model": "gemini-pro",
    "voice": {"enabled": True, "name": "Kore", "language": "English", "speed": 1.2, "pitch": 1.1},
    "sip": {
        "enabled": True,
        "username": "forge",
        "password": "demo-sip-password",
        "domain": "sip.forge.example",
    },
    "custom_headers": {"Authorization": "Bearer demo-token-not-real"},
    "theme": {"mode": "dark", "customCss": "body { display: none }"},
}


def odd_agents(organization_id, at):
    """Rows of `agents`, for an organization, made at that time."""
    nothing = dict.fromkeys(COLUMNS)
    start = {**nothing, **DEFAULTS, "created_at": at, "updated_at": at}
    for slug, columns in ODD.items():
        whose = {"id": fixed_id("odd", slug), "organization_id": organization_id}
        yield agent_tuple({**(nothing if slug == "null-agent" else start), **whose, **columns})


ODD = {
    # The builder once wrote the whole object into the name (H7).
    "json-name": {
        "name": '{"id":"agent_7","name":"Desk","model":"gemini-pro"}',
        "config": {"id": "agent_7", "name": "Desk", "model": "gemini-pro", "maxReplyTokens": 150},
    },
    "null-agent": {"name": "(nothing set)"},
    # Values that no editor offers, and JSON of the wrong shape in every column.
    "unknown-agent": {
        "name": "Set by hand",
        "llm_provider": "llamafarm",
        "llm_model": "llama-3-70b",
        "voice_provider": "parrot",
        "stt_provider": "ear-trumpet",
        "stt_mode": "slow",
        "ambient_sound": "rain",
        "denoising_mode": "earplugs",
        "voicemail_action": "sing",
        "data_storage_policy": "eu-only",
        "temperature": 9.99,
        "max_tokens": -1,
        "version": 0,
        "backchannel_words": "mm-hmm",
        "boosted_keywords": {"word": "Pixel"},
        "pii_redaction_list": "email",
        "custom_headers": ["X-Key: none"],
        "enabled_mcp_servers": {"web_browsing": True},
        "knowledge_base_ids": 7,
        "config": ["not", "an", "object"],
    },
    # A provider that works, with a voice and a voice model that it does not have.
    "unserved-voice": {
        "name": "Wrong voice",
        "voice_provider": "openai",
        "voice_id": "Puck",
        "voice_model": "eleven_turbo_v2",
    },
    # An envelope in an envelope: copies of one setting on every level, secrets inside, unknown kinds in lists.
    "twice-wrapped": {
        "name": "Twice wrapped (old)",
        "llm_model": "gpt-4o-mini",
        "custom_headers": {"Authorization": "Bearer demo-older-token"},
        "pii_redaction_list": ["iban", "email"],
        "config": {
            "name": "Wrapped once",
            "llm_model": "gpt-4o",
            "config": {"name": "Wrapped twice", "config": BUILDER},
        },
    },
    # JSON of which no value has the type that it should have.
    "wrong-types": {
        "name": "Wrong types",
        "config": {
            "llm_model": ["gpt-4o"],
            "temperature": "warm",
            "max_tokens": True,
            "voice": "Nova",
            "voice_speed": {"value": 1.1},
            "enable_backchannel": "yes",
            "backchannel_words": "right",
            "sip": {"enabled": "yes", "port": "5060", "password": 1234},
            "theme": 7,
        },
    },
    # A configuration that was written as a text.
    "text-config": {
        "name": "Encoded twice",
        "config": json.dumps({"llm_model": "gpt-4.1", "sip": {"password": "demo-sip-password"}}),
    },
}
