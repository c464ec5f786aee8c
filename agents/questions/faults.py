"""What is wrong with new values of settings, apart from their types."""

from decimal import Decimal

from django.core.exceptions import ValidationError

from agents.effective import SETTINGS
from agents.forms import RANGES
from agents.models import Agent


def faults(agent, changes):
    """{setting: [sentences]} of values that an agent must not get; {} if there are none."""
    found = {}
    for name, value in changes.items():
        if messages := list(faults_of(name, value)):
            found[name] = messages
    return found


def faults_of(name, value):
    if value in (None, ""):
        return
    try:
        SETTINGS[name].run_validators(value)
    except ValidationError as error:
        yield from error.messages
    if name in RANGES:
        low, high = RANGES[name]
        if not Decimal(low) <= value <= Decimal(high):
            yield f"Choose a value from {low} to {high}."
    if name == "llm_model" and not value.startswith(Agent.LLM_MODEL_PREFIXES):
        yield f"The runtime does not know “{value}” and would silently run {Agent.DEFAULT_LLM_MODEL}."
    if name == "voice_provider" and value not in list(Agent.VOICE_PROVIDERS_THAT_WORK):
        yield f"The runtime cannot speak with the provider “{value}”."
    if name == "stt_provider" and value not in list(Agent.STT_PROVIDERS_THAT_WORK):
        yield f"The runtime cannot listen with the provider “{value}”."
    if name == "webhook_url" and not value.lower().startswith("https://"):
        yield "A webhook's address begins with https://."
