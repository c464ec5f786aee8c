"""What is wrong with new values of an agent's settings, said before they are stored: the platform checks nothing."""

import re
from decimal import Decimal
from urllib.parse import urlsplit

from django.db import models

from agents import known
from agents.effective import DECIMALS, NUMBERS, SETTINGS, effective, number
from agents.models import Agent

HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,200}")
TEXTS_MOST = 1_000  # entries of a list
OPEN_CHOICES = {
    name: [value for value, _ in field.flatchoices]
    for name, field in SETTINGS.items()
    if getattr(field, "flatchoices", None)
}


def faults(agent, changes):
    """{setting: [messages]} of what is wrong with the new values `changes` {setting: value} of an Agent.

    Values as a column or JSON would hold them: texts, numbers, booleans, lists of texts, for `custom_headers` an object
    of texts; None takes a setting away. Only what is changed is looked at: older values of any kind may stay. For an
    agent that is still to be added, give an unsaved Agent.
    """
    found = {}
    for name, value in changes.items():
        if message := fault_of(agent, name, value):
            found[name] = [message]
    for name, message in voice_faults(agent, {n: v for n, v in changes.items() if n not in found}):
        found.setdefault(name, []).append(message)
    return found


def fault_of(agent, name, value):
    """What is wrong with one value by itself, "" for nothing."""
    field = SETTINGS.get(name)
    if field is None:
        return "This is no setting of an agent."
    if value is None or value == "":
        return "" if field.null else "It must not be empty."
    if name == "custom_headers":
        return headers_fault(value)
    if isinstance(field, models.JSONField):
        return texts_fault(name, value, stored_list(agent, name))
    if isinstance(field, models.BooleanField):
        return "" if isinstance(value, bool) else "It must be yes or no (true or false)."
    if name in NUMBERS:
        return number_fault(name, value)
    return text_fault(name, value)


def text_fault(name, value):
    field = SETTINGS[name]
    if not isinstance(value, str):
        return "It must be a text."
    if not is_storable(value):
        return "It holds a character that the database cannot store."
    if field.max_length and len(value) > field.max_length:
        return f"It has {len(value):,} characters; there is room for {field.max_length}."
    if name == "name" and value.lstrip().startswith("{"):
        return "A name cannot begin with {: it would be taken for JSON, and hidden."
    if name == "llm_model" and not value.startswith(Agent.LLM_MODEL_PREFIXES):
        return (
            f"The runtime knows models that begin with gpt, claude or gemini; “{known.said(value)}” would silently "
            f"run as {Agent.DEFAULT_LLM_MODEL}."
        )
    if name == "voice_provider" and value not in list(Agent.VOICE_PROVIDERS_THAT_WORK):
        return f"The runtime cannot speak with “{known.said(value)}”. ElevenLabs and OpenAI work."
    if name == "stt_provider" and value not in list(Agent.STT_PROVIDERS_THAT_WORK):
        return f"The runtime cannot listen with “{known.said(value)}”. Whisper and Deepgram work."
    if name == "webhook_url":
        return url_fault(value)
    if name in OPEN_CHOICES and value not in OPEN_CHOICES[name]:
        return f"“{known.said(value)}” is not a known value."
    return ""


def url_fault(value):
    try:
        parts = urlsplit(value)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return "This is no address."
    if parts.scheme.lower() != "https":
        return "A webhook's address begins with https://."
    if not host or re.search(r"\s", value):
        return "The address needs a host, such as https://hooks.example.com/agent, and no spaces."
    return ""


def number_fault(name, value):
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return "It must be a number."
    low, high, _ = known.RANGES[name]
    amount = number(value)
    if amount is None or not Decimal(low) <= amount <= Decimal(high):
        return f"Choose a value from {low} to {high}."
    if name not in DECIMALS and amount != int(amount):
        return "It must be a whole number."
    if name in DECIMALS and amount != round(amount, 2):
        return "It has room for two decimals."
    return ""


def texts_fault(name, value, stored):
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        return "It must be a list of texts."
    if not all(item.strip() and is_storable(item) for item in value) or len(value) > TEXTS_MOST:
        return f"It must be a list of at most {TEXTS_MOST:,} texts, none of them empty."
    if name == "pii_redaction_list":
        unknown = [item for item in value if item not in known.PII_KINDS and item not in stored]
        if unknown:
            return f"“{unknown[0][:60]}” is not a known kind of personal data."
    return ""


def headers_fault(value):
    """Says names only: the values are secrets."""
    if not isinstance(value, dict):
        return "It must be an object of header names and values."
    for header, secret in value.items():
        if not HEADER_NAME.fullmatch(header):
            return f"“{header[:60]}” cannot be the name of a header: letters, digits and hyphens."
        if not isinstance(secret, str) or not secret.isprintable() or not is_storable(secret):
            return f"The value of {header} must be a text of one line."
    lower = [header.lower() for header in value]
    if len(set(lower)) != len(lower):
        return "A header stands there twice: capital letters make no difference in names."
    return ""


def stored_list(agent, name):
    """What the list holds now, of its texts."""
    value = effective(agent)[name].value if agent is not None else None
    return value if isinstance(value, list) else []


def is_storable(text):
    """Whether PostgreSQL can hold the text: no NUL, no half of a surrogate pair."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return "\0" not in text


def voice_faults(agent, changes):
    """(setting, message) where provider, voice and model of the voice do not go together, of those that are changed.

    A new provider answers for the voice and the model that stay.
    """
    if not changes.keys() & {"voice_provider", "voice_id", "voice_model"}:
        return
    settings = effective(agent or Agent())
    provider, voice, model = (
        changes[name] if name in changes else settings[name].value
        for name in ("voice_provider", "voice_id", "voice_model")
    )
    for name, fault in (
        ("voice_id", known.voice_fault(provider, voice)),
        ("voice_model", known.voice_model_fault(provider, model)),
    ):
        if fault and name in changes:
            yield name, fault
        elif fault and "voice_provider" in changes:
            yield "voice_provider", f"{fault} Change the {SETTINGS[name].verbose_name} as well."
