"""Agents: 44 columns, and beside them the JSON that the browser app and the runtime read instead.

Which of the two is right depends on who wrote last, and the JSON has four shapes (`SHAPES`); some agents have none.
"""

import json
from dataclasses import dataclass

from backoffice.demo.texts_agents import DESCRIPTIONS, GREETINGS, KEYWORDS, KNOWLEDGE, NAMES, PLACES, PROMPTS

SHAPES = ("flat", "simple", "merged", "envelope")
# In this order agents take their shape: mostly what the API and the builder write, at times nothing.
SHAPE_ROUND = ("flat", "merged", "flat", "simple", "envelope", "flat", "merged", None, "flat", "empty")

MODELS = (
    ("openai", "gpt-4o-mini"), ("openai", "gpt-4o"), ("anthropic", "claude-3.5-haiku"), ("openai", "gpt-4.1"),
    ("google", "gemini-2.0-flash"), ("openai", "gpt-4o-mini"), ("anthropic", "claude-3.7-sonnet"),
    ("google", "gemini-pro"), ("anthropic", "claude-4.0-sonnet"), ("openai", "gpt-4-turbo"),
    ("anthropic", "claude-3-5-sonnet-20241022"), ("openai", "gpt-3.5-turbo"), ("google", "gemini-2.0-flash-exp"),
)  # fmt: skip
VOICES = (
    ("openai", "nova", "tts-1"),
    ("elevenlabs", "21m00Tcm4TlvDq8ikWAM", "eleven_turbo_v2"),
    ("openai", "alloy", "tts-1-hd"),
    ("elevenlabs", "AZnzlk1XvdvUeBnXmlld", "eleven_multilingual_v2"),
    (None, None, None),
    ("openai", "Shimmer", "tts-1"),
    ("elevenlabs", "EXAVITQu4vr4xnSDxMaL", "eleven_monolingual_v1"),
    (None, "Puck", None),
)
# Offered by the builder, refused by the runtime: the story of Voiceworks and Pixel Forge.
REFUSED_MODELS = (("deepseek", "deepseek-chat"), ("openai", "gpt-4o"), ("mistral", "mistral-large"))
REFUSED_VOICES = (
    ("cartesia", "sonic-english", "sonic"),
    ("azure", "en-US-JennyNeural", None),
    ("google", "en-US-Neural2-F", None),
)
REFUSED_STT = ("google", "azure", "openai")

COLUMNS = (
    "id", "organization_id", "name", "description", "llm_provider", "llm_model", "system_prompt", "temperature",
    "max_tokens", "voice_provider", "voice_id", "voice_model", "voice_speed", "voice_temperature", "voice_volume",
    "responsiveness", "interruption_sensitivity", "enable_backchannel", "backchannel_words", "boosted_keywords",
    "normalize_speech", "ambient_sound", "ambient_volume", "max_duration_seconds", "end_after_silence_seconds",
    "voicemail_detection", "voicemail_action", "voicemail_message", "stt_provider", "stt_mode", "denoising_mode",
    "pii_redaction_enabled", "pii_redaction_list", "data_storage_policy", "webhook_url", "webhook_timeout_ms",
    "custom_headers", "enabled_mcp_servers", "knowledge_base_ids", "is_published", "version", "config", "created_at",
    "updated_at",
)  # fmt: skip
JSON_COLUMNS = (
    "backchannel_words",
    "boosted_keywords",
    "pii_redaction_list",
    "custom_headers",
    "enabled_mcp_servers",
    "knowledge_base_ids",
    "config",
)

# What the database fills in when the browser app saves only name, description and config.
DEFAULTS = {
    "description": None,
    "llm_provider": "openai",
    "llm_model": "gpt-4o-mini",
    "system_prompt": None,
    "temperature": 0.7,
    "max_tokens": 1000,
    "voice_provider": None,
    "voice_id": None,
    "voice_model": None,
    "voice_speed": 1.0,
    "voice_temperature": 1.0,
    "voice_volume": 1.0,
    "responsiveness": 1.0,
    "interruption_sensitivity": 1.0,
    "enable_backchannel": True,
    "backchannel_words": ["mm-hmm", "I see", "right"],
    "boosted_keywords": [],
    "normalize_speech": True,
    "ambient_sound": "none",
    "ambient_volume": 0.5,
    "max_duration_seconds": 1800,
    "end_after_silence_seconds": 600,
    "voicemail_detection": False,
    "voicemail_action": "hangup",
    "voicemail_message": None,
    "stt_provider": "whisper",
    "stt_mode": "fast",
    "denoising_mode": "noise-cancellation",
    "pii_redaction_enabled": False,
    "pii_redaction_list": [],
    "data_storage_policy": "everything",
    "webhook_url": None,
    "webhook_timeout_ms": 5000,
    "custom_headers": {},
    "enabled_mcp_servers": [],
    "knowledge_base_ids": [],
    "is_published": False,
    "version": 1,
}


@dataclass(frozen=True)
class Agent:
    """What the conversations need to know about an agent."""

    id: str
    name: str
    language: str
    model: str
    created_at: object
    refused_voice: str | None  # the vendor of its voice, where the runtime has none of that name


def dump(value):
    return None if value is None else json.dumps(value, ensure_ascii=False)


def make_agent(rng, tenant, number, *, id, organization_id, created_at, updated_at):
    """`(Agent, {column: value})` for the number-th agent of a tenant."""
    language = tenant.languages[number % len(tenant.languages)]
    pool = NAMES[language]
    name = pool[number % len(pool)] + PLACES[number // len(pool) % len(PLACES)]
    settings = wanted_settings(rng, tenant, number, language, name)
    shape = shape_of(rng, tenant, number)
    built_in_browser = shape in ("simple", "merged", "envelope")
    row = {
        **DEFAULTS,
        "id": id,
        "organization_id": organization_id,
        "name": name,
        "description": rng.choice([None, "", *DESCRIPTIONS[language]]),
        **({} if built_in_browser else settings),
        "is_published": rng.random() < 0.8,
        "version": rng.choice([1, 1, 2, 3, 7]),
        "config": config_in_shape(rng, shape, tenant, language, name, settings),
        "created_at": created_at,
        "updated_at": updated_at,
    }
    if shape == "flat" and (tenant.slug == "kanzlei-brandt" or rng.random() < 0.15):
        drift(rng, row)
    if tenant.slug == "green-valley-vet":
        row["is_published"] = False
    voice = settings["voice_provider"]
    refused = voice if any(voice == provider for provider, *_ in REFUSED_VOICES) else None
    return Agent(id, name, language, settings["llm_model"], created_at, refused), row


def shape_of(rng, tenant, number):
    if tenant.slug == "pixel-forge":
        return SHAPE_ROUND[number % len(SHAPE_ROUND)]
    if tenant.slug == "new-yesterday":
        return None
    if tenant.slug == "kanzlei-brandt":
        return "flat"
    return rng.choice(SHAPE_ROUND)


def wanted_settings(rng, tenant, number, language, name):
    """The settings somebody chose; whether they stand in the columns, in the JSON or in both is another matter."""
    provider, model = rng.choice(MODELS)
    voice_provider, voice_id, voice_model = rng.choice(VOICES)
    stt = rng.choice(["whisper", "deepgram"])
    if tenant.slug in ("voiceworks", "pixel-forge"):
        voice_provider, voice_id, voice_model = REFUSED_VOICES[number % 3]
        provider, model = REFUSED_MODELS[number % 3]
        stt = REFUSED_STT[number % 3]
    leaves_message = rng.random() < 0.2
    settings = {
        "llm_provider": provider,
        "llm_model": model,
        "system_prompt": rng.choice(PROMPTS[language]).format(agent=name, org=tenant.name),
        "temperature": rng.randrange(0, 13) / 10,
        "max_tokens": rng.randrange(1, 21) * 100,
        "voice_provider": voice_provider,
        "voice_id": voice_id,
        "voice_model": voice_model,
        "voice_speed": rng.choice([0.8, 0.9, 1.0, 1.0, 1.0, 1.1, 1.3]),
        "voice_temperature": rng.choice([0.6, 1.0, 1.2]),
        "voice_volume": rng.choice([0.8, 1.0, 1.0]),
        "responsiveness": rng.choice([0.5, 1.0, 1.0, 2.0]),
        "interruption_sensitivity": rng.choice([0.4, 1.0, 1.0, 1.8]),
        "enable_backchannel": rng.random() < 0.7,
        "boosted_keywords": KEYWORDS[tenant.industry][: rng.randrange(4)],
        "ambient_sound": rng.choice(["none", "none", "none", "office", "cafe", "nature", "white-noise"]),
        "ambient_volume": rng.choice([0.3, 0.5, 0.7]),
        "max_duration_seconds": rng.choice([600, 900, 1800, 1800, 3600]),
        "end_after_silence_seconds": rng.choice([60, 120, 600]),
        "voicemail_detection": leaves_message,
        "voicemail_action": rng.choice(["leave_message", "leave-message"]) if leaves_message else "hangup",
        "voicemail_message": GREETINGS[language].format(agent=name, org=tenant.name)
        if leaves_message
        else None,
        "stt_provider": stt,
        "stt_mode": rng.choice(["fast", "fast", "accurate", "streaming"]),
        "denoising_mode": rng.choice(
            ["noise-cancellation", "noise-and-background-speech-cancellation", "none", "light"]
        ),
        "pii_redaction_enabled": rng.random() < 0.3,
        "pii_redaction_list": rng.choice([[], ["email", "phone_number"], ["ssn", "credit_card"], ["name"]]),
        "data_storage_policy": rng.choice(
            ["everything"] * 5 + ["no-pii", "basic-attributes", "metadata-only"]
        ),
        "webhook_url": None,
        "custom_headers": {},
        "enabled_mcp_servers": rng.choice(
            [[], [], ["web_browsing"], ["calendar", "email"], ["code_interpreter"]]
        ),
        "knowledge_base_ids": rng.choice([[], [], [f"kb_{tenant.slug}"], ["kb_hours", "kb_prices"]]),
    }
    settings.update(story_settings(tenant))
    return settings


def story_settings(tenant):
    """What the stories of single tenants fix; every secret here is made up."""
    match tenant.slug:
        case "harrow-finch":
            return {
                "webhook_url": "http://hooks.harrow-finch.example/agent",
                "custom_headers": {"Authorization": "Bearer demo-token-not-real", "X-Office": "harrow-finch"},
                "pii_redaction_enabled": False,
                "pii_redaction_list": [],
            }
        case "northlight-bank":
            return {"data_storage_policy": "no-pii", "pii_redaction_enabled": False}
        case "lumen-notary":
            return {"data_storage_policy": "nothing"}
        case "silver-fern":
            return {
                "webhook_url": "https://hooks.silver-fern.example/agent",
                "custom_headers": {"X-Api-Key": "demo-key-not-real"},
                "pii_redaction_enabled": True,
                "pii_redaction_list": ["ssn", "credit_card", "phone_number", "email"],
                "data_storage_policy": "basic-attributes",
            }
    return {}


def config_in_shape(rng, shape, tenant, language, name, settings):
    if shape is None:
        return None
    if shape == "empty":
        return {}
    theme = {
        "primaryColor": rng.choice(["#336699", "#0f766e", "#7c2d12", "#4338ca"]),
        "mode": rng.choice(["light", "dark"]),
        "radius": rng.choice(["none", "sm", "md", "lg", "xl", "2xl", "full"]),
        "fontFamily": rng.choice(["inter", "roboto", "mono"]),
        "avatarIcon": rng.choice(["sparkles", "bot", "flower", "user", "help", "star"]),
        "showBranding": True,
    }
    flat = {"name": name, **settings, "theme": theme}
    if tenant.trunks:
        flat["sip"] = {
            "enabled": True,
            "username": tenant.slug,
            "password": "demo-sip-password",
            "domain": f"sip.{tenant.slug}.example",
            "port": 5060,
        }
    if shape == "flat":
        return flat
    simple = {
        "id": f"agent_{rng.randrange(1000)}",
        "name": name,
        "greeting": GREETINGS[language].format(agent=name, org=tenant.name),
        "systemInstruction": settings["system_prompt"],
        "maxReplyTokens": rng.choice([150, 250, 400]),
        "knowledgeContext": "\n".join(KNOWLEDGE[language]),
        "tools": rng.choice([[], ["googleSearch"]]),
        "quickReplies": ["Hours?", "Prices?"],
        "model": settings["llm_model"],
        "voice": {
            "enabled": True,
            "name": rng.choice(["Nova", "Echo", "Puck", "Kore"]),
            "language": {"en": "English", "de": "German", "ja": "Japanese", "ar": "Arabic"}[language],
            "speed": settings["voice_speed"],
            "pitch": 1.0,
            "phoneCallEnabled": bool(tenant.numbers),
        },
        "theme": theme,
    }
    if shape == "simple":
        return simple
    merged = {**flat, **simple}
    if shape == "merged":
        return merged
    # The builder wraps everything once more on an update, and leaves the column `name` as it was.
    return {"name": f"{name} v2", "description": "", "config": {**merged, "name": f"{name} v2"}}


def drift(rng, row):
    """Somebody changed the columns in SQL; the JSON still says what it said."""
    row["temperature"] = 0.9 if row["temperature"] != 0.9 else 0.2
    row["llm_model"] = "gpt-4o" if row["llm_model"] != "gpt-4o" else "gpt-4o-mini"
    row["llm_provider"] = "openai"
    if rng.random() < 0.5:
        row["max_tokens"] = 4000


def agent_tuple(row):
    """The row in the order of COLUMNS, JSON written out."""
    return tuple(dump(row[name]) if name in JSON_COLUMNS else row[name] for name in COLUMNS)
