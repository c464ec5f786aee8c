from django.core.exceptions import ValidationError
from django.db import models
from django.db.models.functions import MD5, Cast
from django.utils.crypto import salted_hmac

from agents.effective import written
from agents.models import Agent
from agents.raw.change import ABSENT, Change, of
from agents.raw.schema import faults_of
from agents.raw.text import Faults, with_secrets
from backoffice import services

MOST_PLACES = 100  # changes that are written one by one, so that numbers elsewhere keep all their digits

JSON_NULL = models.Func(template="'null'::jsonb", output_field=models.JSONField())


def version_of(agent):
    """A text that differs when the stored configuration does, to the last digit; it tells nothing about it."""
    stored = Agent._base_manager.filter(pk=agent.pk)
    digest = stored.values_list(MD5(Cast("config", models.TextField())), flat=True).first()
    return salted_hmac("agents.raw", digest or "", algorithm="sha256").hexdigest()


def change_to(agent, typed):
    """The Change from an Agent to what was typed, its placeholders replaced. Raises Faults."""
    new = with_secrets(typed, agent.config)
    if faults := faults_of(agent, new):
        raise Faults(faults)
    return Change(agent, new)


def save_config(agent, *, actor, reason, opened, typed):
    """Write a configuration as it was typed, and the columns of the settings that it changes.

    `opened` is version_of() the one that was seen; raises Conflict if another is stored by now, ValidationError if
    something is wrong with it.
    """
    with services.acting(actor, reason):
        stored = Agent._base_manager.select_for_update().get(pk=agent.pk)
        if version_of(stored) != opened:
            raise services.Conflict(stored, ["config"])
        try:
            change = change_to(stored, typed)
        except Faults as faults:
            raise ValidationError(faults.messages) from None
        columns = change.columns
        for name, value in columns.items():
            setattr(stored, name, value)
        stored.config = written(places(change))
        stored.save(update_fields=[*columns, "config"])
        stored.refresh_from_db(fields=["config"])
    return stored


def places(change):
    if change.is_whole or len(change.paths) > MOST_PLACES:
        return [([], change.new)]
    return [(list(path), value_at(change.new, path)) for path in change.paths]


def value_at(new, path):
    """As agents.effective.written takes it: None to take a key away, null as an expression of its own."""
    value = of(new, path)
    if value is ABSENT:
        return None
    return JSON_NULL if value is None else value
