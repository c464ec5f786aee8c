"""A copy of an agent for the same or another tenant: settings and configuration as they are stored, without secrets."""

import uuid
from dataclasses import dataclass

from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, models

from agents.effective import SETTINGS, paths_of
from agents.models import Agent
from agents.versions import rows
from agents.versions.changes import label_of
from agents.versions.secrets import MOST_STEPS, as_sql, has_marks, spelled
from backoffice import services

LONGEST_NAME = Agent._meta.get_field("name").max_length


@dataclass(frozen=True)
class Copy:
    """What a clone gets: {column: (SQL over the source's row, its parameters)}. `left_out` names the secrets."""

    columns: dict
    left_out: list


def copy_of(row):
    """The Copy of a stored_row()."""
    columns, left_out = {}, []
    for one in (*SETTINGS.values(), Agent._meta.get_field("config")):
        if one.name == "name":  # the clone has one of its own
            continue
        value, quoted = row[one.column], f"source.{connection.ops.quote_name(one.column)}"
        if not has_marks(value):
            columns[one.column] = (quoted, [])
        elif isinstance(one, models.JSONField) and isinstance(value, dict):
            paths = list(secret_paths(value))
            left_out += [spelled(one.column, path) for path in paths]
            columns[one.column] = as_sql(quoted, quoted, [], [("drop", path, ()) for path in paths])
        else:
            left_out.append(label_of(one))
            columns[one.column] = ("null", [])
    return Copy(columns, left_out)


def secret_paths(value, path=()):
    """Where secrets stand in a JSON value, as paths of keys and positions; a list of secrets goes whole."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from secret_paths(item, (*path, key))
    elif isinstance(value, list) and not any(has_marks(item) for item in value if not isinstance(item, dict)):
        for position, item in enumerate(value):
            yield from secret_paths(item, (*path, str(position)))
    elif has_marks(value):
        yield path


def clone_agent(agent, *, actor, reason, name, organization):
    """Make the copy, as a draft of version 1, with no number. Returns the new Agent. Raises ValidationError."""
    with services.acting(actor, f"Clone of {agent} ({agent.pk}): {reason}"):
        row = rows.stored_row(agent.pk, lock=True)
        if row is None:
            raise ValidationError("The agent does not exist any more.")
        copy = copy_of(row)
        if len(copy.left_out) > MOST_STEPS:
            raise ValidationError("It holds too many secrets to be copied without them.")
        pk = uuid.uuid4()
        try:
            insert(pk, agent, {**copy.columns, **own_values(row, copy, name, organization)})
        except IntegrityError as error:
            raise ValidationError(services.integrity_sentence(error)) from error
    return Agent.objects.get(pk=pk)


def own_values(row, copy, name, organization):
    """What the clone has of its own; its name also where the configuration holds one."""
    sql, params = copy.columns["config"]
    for path in paths_of(row["config"], "name"):
        sql, params = f"jsonb_set({sql}, %s::text[], to_jsonb(%s::text))", [*params, list(path), name]
    return {
        "name": ("%s", [name]),
        "organization_id": ("%s", [organization.pk]),
        "is_published": ("false", []),
        "version": ("1", []),
        "config": (sql, params),
    }


def insert(pk, agent, columns):
    names = ", ".join(connection.ops.quote_name(column) for column in columns)
    values = ", ".join(sql for sql, _ in columns.values())
    params = [value for _, params in columns.values() for value in params]
    with connection.cursor() as cursor:
        cursor.execute(
            f"insert into public.agents (id, {names})"
            f" select %s, {values} from public.agents source where source.id = %s",
            [pk, *params, agent.pk],
        )


def name_for_copy(agent):
    return f"Copy of {agent.display_name}"[:LONGEST_NAME]
