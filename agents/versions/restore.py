"""Putting back a version: every setting and key as it was then, in the shape that it had, secrets as they are now."""

import hashlib
import json
from dataclasses import dataclass, field

from django.core.exceptions import ValidationError
from django.db import DataError, connection, models
from django.db.models.expressions import RawSQL

from agents.effective import SETTINGS, resolve, unserved
from agents.models import Agent
from agents.versions import rows
from agents.versions.changes import Difference, difference, label_of
from agents.versions.secrets import as_sql, has_marks, plain, put_together, spelled
from backoffice import services

# What a version puts back. Publishing has its own pages, and an agent stays with its organization.
WRITTEN = {**SETTINGS, "config": Agent._meta.get_field("config")}


class Moved(Exception):
    """The agent was changed since the page was opened. `preview` is how it would be now."""

    def __init__(self, preview):
        super().__init__("The agent was changed meanwhile.")
        self.preview = preview


@dataclass
class Preview:
    """What restoring a version would do now.

    `row` is what would be stored, `columns` {name: (SQL, parameters)} what is written for it. `stays` names secrets
    that stay as they are stored now, `lost` those that are stored no more and cannot be brought back, `problems` what
    cannot be put back at all.
    """

    version: rows.Version
    now: dict
    row: dict
    columns: dict = field(default_factory=dict)
    stays: list = field(default_factory=list)
    lost: list = field(default_factory=list)
    problems: list = field(default_factory=list)

    @property
    def difference(self) -> Difference:
        return difference(self.now, self.row)

    @property
    def seen(self):
        """Stands for the settings as they are stored now."""
        found = {one.column: self.now[one.column] for one in WRITTEN.values()}
        return hashlib.sha256(json.dumps(found, sort_keys=True).encode()).hexdigest()

    @property
    def unserved(self):
        """[(Setting, what the runtime makes of it)] of the settings that it could not serve."""
        columns = {name: self.row.get(one.column) for name, one in SETTINGS.items()}
        return unserved(resolve(self.row.get("config"), columns))


def preview(agent, version, now):
    """The Preview of a Version, over the stored_row() `now`."""
    found = Preview(version, now, {**now})
    for name, one in WRITTEN.items():
        column = one.column
        then, stored = plain(version.row[column]), plain(now[column])
        if json.dumps(then, sort_keys=True) != json.dumps(stored, sort_keys=True):
            add_column(found, name, one, then, stored)
    return found


def add_column(found, name, one, then, stored):
    column = one.column
    source = (found.version.sources or {}).get(column)
    if not isinstance(one, models.JSONField):
        if has_marks(then) or has_marks(stored):
            found.stays.append(f"{label_of(one)} (it holds a secret)")
            return
        kind = one.db_type(connection)
        sql = f"(select (old ->> %s)::{kind} from audit.event where id = %s)"
        found.columns[name], found.row[column] = (sql, [column, source]), then
        return
    plan = put_together(column, then, stored)
    if plan.problem:
        found.problems.append(f"{label_of(one)}: {plan.problem}")
        return
    found.stays += [spelled(column, path) for path in plan.stays]
    found.lost += [spelled(column, path) for path in plan.lost]
    if plan.keeps_all or plan.value == stored:
        return
    base = "(select nullif(old -> %s, 'null'::jsonb) from audit.event where id = %s)"
    if then is None and plan.value is not None:
        base = f"coalesce({base}, '{{}}'::jsonb)"
    quoted = f"agents.{connection.ops.quote_name(column)}"
    found.columns[name] = as_sql(quoted, base, [column, source], plan.steps)
    found.row[column] = plan.value


def restore_version(agent, *, actor, reason, key, seen=None):
    """Write a version over what is stored. Returns the names of the columns written.

    `seen` is the Preview.seen of what the actor agreed to: raises Moved if something else is stored by now. Without it
    the version has to be the one before the newest, which makes this the undo of the last change. Raises
    ValidationError for what cannot be done.
    """
    with services.acting(actor, reason_for(agent, key, reason)):
        now = rows.stored_row(agent.pk, lock=True)
        version = rows.version_of(agent, key, now) if now else None
        if version is None:
            raise ValidationError("The agent has no such version.")
        found = preview(agent, version, now)
        moved = found.seen != seen if seen else rows.event_before(agent, rows.newest_key(agent)) != key
        if moved:
            raise Moved(found)
        if found.problems:
            raise ValidationError(found.problems)
        if not found.columns:
            raise ValidationError("Nothing would change: these settings are stored already.")
        write(agent, found)
    return list(found.columns)


def write(agent, found):
    values = {
        name: RawSQL(sql, params, output_field=WRITTEN[name]) for name, (sql, params) in found.columns.items()
    }
    try:
        Agent._base_manager.filter(pk=agent.pk).update(**values)
    except DataError as error:
        raise ValidationError("A value does not fit into its column any more.") from error
    written = rows.stored_row(agent.pk)
    if any(plain(written[one.column]) != plain(found.row[one.column]) for one in WRITTEN.values()):
        raise ValidationError("What was written is not what was shown, so nothing was changed.")


def reason_for(agent, key, reason):
    """What the history says: which version, and why."""
    if key == rows.BEGINNING:
        return f"Restored as before the first change on record: {reason}"
    event = rows.events_of(agent).filter(pk=key).values_list("at", flat=True).first()
    moment = f" of {event:%Y-%m-%d %H:%M} UTC" if event else ""
    return f"Restored as after change {key}{moment}: {reason}"
