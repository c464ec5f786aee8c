"""What of an agent is written and never read again: the values of its headers, the password of its SIP log-in."""

import json

from django.core.exceptions import ValidationError
from django.utils.crypto import salted_hmac

from agents.effective import at, effective, layers, written
from agents.models import Agent
from backoffice import services

MOVED = "Somebody changed this since you opened the page. Nothing was saved; below is what is set now: choose again."
ODD_CONFIGURATION = "The configuration (JSON) is no object; mend that first, by editing the JSON."


def fingerprint(value):
    """A text that differs when the value does and tells nothing about it: for the check of what was opened."""
    text = json.dumps(value, sort_keys=True, default=str)
    return salted_hmac("agents.secrets", text, algorithm="sha256").hexdigest()


def headers_of(agent):
    """{name: value} in effect, secrets and all. Raises ValidationError where something else is stored."""
    value = effective(agent)["custom_headers"].value
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise ValidationError(
            "The headers are stored in another shape than names and values; edit the JSON instead."
        )
    return value


def sip_of(config):
    """The SIP log-in, secrets and all, {} for none. Raises ValidationError where something else is stored."""
    for layer in reversed(layers(config)):
        if (sip := layer.get("sip")) is not None:
            if not isinstance(sip, dict):
                raise ValidationError(
                    "The SIP log-in is stored in another shape than an object; edit the JSON instead."
                )
            return sip
    return {}


def set_headers(agent, *, actor, reason, opened, changes):
    """Set headers {name: value}, or take them away (None), in the column and where the configuration has them.

    `opened` is the fingerprint of the headers as they were seen. Raises ValidationError if they are others by now.
    """
    with services.acting(actor, reason):
        stored = Agent._base_manager.select_for_update().get(pk=agent.pk)
        headers = headers_of(stored)
        if fingerprint(headers) != opened:
            raise ValidationError(MOVED, code="moved")
        kept = {name: value for name, value in (headers | changes).items() if value is not None}
        if kept != headers:
            stored.custom_headers = kept
            stored.save(update_fields=["custom_headers"])
    return stored


def set_sip(agent, *, actor, reason, opened, changes):
    """Set keys of the SIP log-in {key: value}, or take them away (None), wherever the configuration keeps it.

    `opened` is the fingerprint of the log-in as it was seen. Raises ValidationError if it is another by now, or if the
    configuration is no object.
    """
    with services.acting(actor, reason):
        stored = Agent._base_manager.select_for_update().get(pk=agent.pk)
        if fingerprint(sip_of(stored.config)) != opened:
            raise ValidationError(MOVED, code="moved")
        if places := sip_places(stored.config, changes):
            stored.config = written(places)
            stored.save(update_fields=["config"])
            stored.refresh_from_db(fields=["config"])
    return stored


def sip_places(config, changes):
    """[(path, value)] that a change of the log-in writes: in every layer that has one, else in the innermost."""
    found = layers(config)
    new = {key: value for key, value in changes.items() if value is not None}
    if config is None:
        return [([], {"sip": new})] if new else []
    if not found:
        raise ValidationError(ODD_CONFIGURATION)
    places = []
    for depth, layer in enumerate(found):
        path = ["config"] * depth + ["sip"]
        if isinstance(sip := layer.get("sip"), dict):
            places += [
                ([*path, key], value) for key, value in changes.items() if value is not None or key in sip
            ]
    innermost = ["config"] * (len(found) - 1) + ["sip"]
    if not places and new and at(config, innermost) is None:
        places = [(innermost, new)]
    return places
