"""What is known of each setting of an agent: its group, its range, its known values, and what the runtime makes of it.

From the platform's own editors; its runtime and its database enforce next to nothing of it.
"""

from agents.models import Agent
from backoffice.display import redact

# (lowest, highest, step) of the platform's builder, or of its older form where that goes further.
RANGES = {
    "temperature": ("0", "2", "0.1"),
    "max_tokens": ("50", "4000", "10"),
    "voice_speed": ("0.5", "2", "0.1"),
    "voice_temperature": ("0", "2", "0.1"),
    "voice_volume": ("0", "2", "0.1"),
    "responsiveness": ("0", "3", "0.1"),
    "interruption_sensitivity": ("0", "3", "0.1"),
    "ambient_volume": ("0", "1", "0.1"),
    "max_duration_seconds": ("60", "7200", "60"),
    "end_after_silence_seconds": ("30", "1800", "30"),
    "webhook_timeout_ms": ("1000", "30000", "500"),
}
TEXT_LISTS = (
    "backchannel_words",
    "boosted_keywords",
    "pii_redaction_list",
    "enabled_mcp_servers",
    "knowledge_base_ids",
)

# (vendor, model): what the builder offers, then what other editors of the platform offer.
MODELS = (
    ("OpenAI", ("gpt-4o", "gpt-4o-mini", "gpt-4.1", "gpt-4-turbo", "gpt-4", "gpt-3.5-turbo")),
    (
        "Anthropic",
        ("claude-3.5-haiku", "claude-3.7-sonnet", "claude-4.0-sonnet", "claude-3-5-sonnet-20241022",
         "claude-3-haiku-20240307", "claude-3-opus", "claude-3-sonnet"),
    ),
    ("Google", ("gemini-2.0-flash", "gemini-pro", "gemini-2.0-flash-exp")),
)  # fmt: skip
OPENAI_VOICES = ("alloy", "echo", "fable", "onyx", "nova", "shimmer")
BROWSER_VOICES = ("Puck", "Charon", "Kore", "Fenrir", "Aoede")
VOICES = (("OpenAI", OPENAI_VOICES), ("only in the browser", BROWSER_VOICES))
VOICE_MODELS = (
    ("ElevenLabs", ("eleven_turbo_v2", "eleven_multilingual_v2", "eleven_monolingual_v1")),
    ("OpenAI", ("tts-1", "tts-1-hd")),
)
# How the names of a voice provider's models begin.
VOICE_MODEL_PREFIXES = {"elevenlabs": ("eleven_",), "openai": ("tts-", "gpt-")}
# The first four are masked in replies; the next two are offered and do nothing, like those of an older form.
PII_KINDS = {
    "ssn": "Social security number",
    "credit_card": "Credit card",
    "phone_number": "Phone number",
    "email": "E-mail address",
    "address": "Address (does nothing)",
    "name": "Name (does nothing)",
    "phone": "Phone (older, does nothing)",
    "date_of_birth": "Date of birth (older, does nothing)",
    "ip_address": "IP address (older, does nothing)",
    "passport": "Passport (older, does nothing)",
    "driver_license": "Driving licence (older, does nothing)",
}
MCP_SERVERS = {
    "web_browsing": "Web browsing",
    "image_generation": "Image generation",
    "code_interpreter": "Code interpreter",
    "google-search": "Google search (older)",
    "weather": "Weather (older)",
    "calculator": "Calculator (older)",
    "database": "Database (older)",
    "email": "E-mail (older)",
    "calendar": "Calendar (older)",
}

NOT_ENFORCED, NOT_USED = "stored, not enforced", "stored, not used"
# Settings that the runtime does not honour: limits, policies and connections that somebody may rely on, and the rest.
UNHONOURED = {
    **dict.fromkeys(
        ("max_duration_seconds", "end_after_silence_seconds", "data_storage_policy", "webhook_url",
         "webhook_timeout_ms", "custom_headers"),
        NOT_ENFORCED,
    ),
    **dict.fromkeys(
        ("llm_provider", "voice_temperature", "voice_volume", "responsiveness", "interruption_sensitivity",
         "enable_backchannel", "backchannel_words", "boosted_keywords", "normalize_speech", "ambient_sound",
         "ambient_volume", "voicemail_detection", "voicemail_action", "voicemail_message", "stt_mode",
         "enabled_mcp_servers"),
        NOT_USED,
    ),
}  # fmt: skip

# (heading, a sentence about the whole group, its settings): the sections of the page and of the form.
GROUPS = (
    ("Name", "", ("name", "description")),
    ("Language model", "", ("llm_model", "llm_provider", "temperature", "max_tokens", "system_prompt")),
    (
        "Voice",
        "For voice in the browser. The telephone worker ignores an agent's voice.",
        ("voice_provider", "voice_id", "voice_model", "voice_speed", "voice_temperature", "voice_volume",
         "responsiveness", "interruption_sensitivity", "enable_backchannel", "backchannel_words", "ambient_sound",
         "ambient_volume"),
    ),
    ("Listening", "", ("stt_provider", "stt_mode", "denoising_mode", "boosted_keywords", "normalize_speech")),
    (
        "Call handling",
        "",
        ("max_duration_seconds", "end_after_silence_seconds", "voicemail_detection", "voicemail_action",
         "voicemail_message"),
    ),
    (
        "Privacy",
        "What visitors type is stored as typed, whatever is set here.",
        ("pii_redaction_enabled", "pii_redaction_list", "data_storage_policy"),
    ),
    (
        "Connections",
        "",
        ("webhook_url", "webhook_timeout_ms", "custom_headers", "enabled_mcp_servers", "knowledge_base_ids"),
    ),
)  # fmt: skip


def unhonoured(settings, name):
    """NOT_ENFORCED or NOT_USED; "" for a setting that counts. `settings` are those of agents.effective."""
    if name == "voice_speed" and settings["voice_provider"].value != Agent.VoiceProvider.OPENAI:
        return NOT_USED
    if name == "pii_redaction_list" and settings["pii_redaction_enabled"].value is not True:
        return NOT_ENFORCED
    return UNHONOURED.get(name, "")


def is_unknown(name, value):
    """Whether a value is none of those that the platform's editors know for a setting with known values."""
    field = Agent._meta.get_field(name)
    if value in (None, "") or not (choices := getattr(field, "flatchoices", None)):
        return False
    return value not in [key for key, _ in choices]


def voice_fault(provider, voice):
    """Why a provider that works cannot speak with a voice; "" if it can, as far as is known."""
    if provider != Agent.VoiceProvider.OPENAI or voice in (None, ""):
        return ""
    if isinstance(voice, str) and voice.lower() in OPENAI_VOICES:
        return ""
    return f"OpenAI speaks only with {in_words(OPENAI_VOICES)}, not with “{said(voice)}”."


def voice_model_fault(provider, model):
    """Why a provider that works does not have a model; "" if it may have it."""
    prefixes = VOICE_MODEL_PREFIXES.get(provider) if isinstance(provider, str) else None
    if prefixes is None or model in (None, ""):
        return ""
    if isinstance(model, str) and model.startswith(prefixes):
        return ""
    label = Agent.VoiceProvider(provider).label
    models_ = next(names for vendor, names in VOICE_MODELS if vendor == label)
    return f"“{said(model)}” is no voice model of {label}; known are {in_words(models_)}."


def said(value):
    """A value that is not known, short; a text or another type, it may have a secret in it."""
    return str(redact(value))[:60]


def in_words(names):
    return f"{', '.join(names[:-1])} and {names[-1]}"
