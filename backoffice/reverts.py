"""Putting back what a change wrote: the one service for undo, for restoring an earlier value, and for whole batches.

The audit has both values of each column that a change wrote. What still holds the value that the change wrote is put
back at once; where something else is stored by now, somebody has to say which of the three values it shall be. Writing
goes through services.save, compares under its lock, and needs the same permissions as any other edit.
"""

import csv
import json
from dataclasses import dataclass, field
from functools import lru_cache

from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.db import DataError, IntegrityError, models, transaction
from django.db.models.expressions import Subquery
from django.db.models.fields.json import KeyTransform
from django.urls import reverse
from django.utils.text import capfirst

from backoffice import jobs, services
from backoffice.holding import holding
from backoffice.logs import request_id
from backoffice.model_fields import require_value
from backoffice.models import AuditEvent
from backoffice.postgresql.base import INFINITE_FUTURE, INFINITE_PAST
from backoffice.roles import READ_ONLY, field_permission, role_of
from backoffice.spreadsheets import guarded
from backoffice.table_checks import may_write, platform_models
from backoffice.ways_back import WayBack, planned

BEFORE, WRITTEN, STORED = "before", "written", "stored"
# What the audit keeps instead of a value (audit.redact and audit.without_content in db/backoffice.sql).
WITHHELD = ("[secret]", "[secret, changed]", "[nested too deep]", "[content, ")
INFINITE = {"infinity": INFINITE_FUTURE, "-infinity": INFINITE_PAST}
SECRET = "The audit does not keep secrets, so it cannot be put back from there."


class Differs(Exception):
    """Something else is stored by now, and nobody has said yet what it shall be. `change` has the values."""

    def __init__(self, change):
        super().__init__(f"{change.label} was changed since.")
        self.change = change


@dataclass
class FieldChange:
    """One column of a change: what it was before, what the change wrote, what is stored now, as the field's values.

    `faults` says why a value cannot be written, by BEFORE and WRITTEN; `page` is where such a field is changed instead.
    """

    name: str
    label: str
    before: object = None
    written: object = None
    stored: object = None
    faults: dict = field(default_factory=dict)
    page: str = ""
    model_field: models.Field | None = None
    source: dict = field(default_factory=dict)  # id of the audit event that holds each value

    @property
    def state(self):
        """cannot, done (holds the earlier value already), ready or differs."""
        if self.faults.get(BEFORE):
            return "cannot"
        if text_of(self.stored) == text_of(self.before):
            return "done"
        return "ready" if text_of(self.stored) == text_of(self.written) else "differs"

    @property
    def why_not(self):
        return self.faults.get(BEFORE, "")


@dataclass
class RowChange:
    """What one or several audit events, taken together, did to one row. `problem` says why none of it is put back.

    In a batch `verb` says what its `way` back does, where its app has one (backoffice/ways_back.py).
    """

    table: str
    row_id: str
    label: str
    action: str
    events: list
    model: type | None = None
    obj: models.Model | None = None
    fields: list = field(default_factory=list)
    problem: str = ""
    delete_url: str = ""
    way: WayBack | None = None
    verb: str = ""

    @property
    def record(self):
        """What it is, in words."""
        return self.events[-1].record

    def in_state(self, *states):
        return [one for one in self.fields if one.state in states]

    @property
    def state(self):
        """The row's: ready or differs if any field is, else done or cannot."""
        if self.problem:
            return "cannot"
        if self.verb:
            return "ready"
        found = {one.state for one in self.fields}
        return next((state for state in ("ready", "differs", "done") if state in found), "cannot")


@lru_cache(maxsize=1)
def models_by_table():
    """{name of a table in public: its model}; the audit calls these tables by their plain names."""
    return {model._meta.db_table: model for model in platform_models() if '"' not in model._meta.db_table}


def refusal(user, model, model_field):
    """Why this person may not write the field; "" if they may."""
    meta = model._meta
    if meta.label_lower in READ_ONLY or not may_write(meta.db_table, model_field.column):
        return "The back office may not change it."
    permission = field_permission(model, model_field.name)
    if not user.has_perm(permission):
        return f"Your role ({role_of(user)}) lacks the permission {permission}."
    return ""


def can_revert(event, user, obj=None):
    """The names of the columns of an event that this person could put back, without asking the database.

    With the row at hand, what holds its earlier value already is left out.
    """
    model = models_by_table().get(event.table_name)
    if model is None or event.action != AuditEvent.Action.UPDATE:
        return []
    found = {one.column: one for one in model._meta.concrete_fields}
    leading = leading_columns(model, event.changes)
    loaded = obj is not None and isinstance(obj, model)
    return [
        column
        for column, (old, _) in event.changes.items()
        if column in found
        and column in leading
        and not is_withheld(old)
        and not refusal(user, model, found[column])
        and not (loaded and holds(obj, found[column], old))
    ]


def leading_columns(model, columns):
    """Those of the columns of a change that are put back; others follow them, if there are any to follow."""
    return [column for column in columns if column not in model.following_fields] or list(columns)


def holds(obj, model_field, old):
    try:
        return text_of(getattr(obj, model_field.attname)) == text_of(to_value(model_field, old))
    except ValidationError:
        return False


def changes_of(events, user):
    """[RowChange], one per row, of audit events given oldest first; stored rows are read with one query per model."""
    grouped = {}
    for event in events:
        grouped.setdefault((event.table_name, event.row_id), []).append(event)
    stored = read_rows(grouped)
    return [row_change(key, found, stored.get(key), user) for key, found in grouped.items()]


def read_rows(keys):
    by_model = {}
    for table, row_id in keys:
        if model := models_by_table().get(table):
            try:
                by_model.setdefault((table, model), {})[model._meta.pk.to_python(row_id)] = row_id
            except ValidationError:
                continue
    return {
        (table, ids[pk]): obj.for_editing()
        for (table, model), ids in by_model.items()
        for pk, obj in model._base_manager.in_bulk(list(ids)).items()
    }


def row_change(key, events, obj, user):
    table, row_id = key
    model = models_by_table().get(table)
    actions = {event.action for event in events}
    change = RowChange(table, row_id, events[-1].row_label or row_id, events[-1].action, events, model, obj)
    if model is None:
        change.problem = "This is not a record of the platform; it is changed on its own page."
    elif AuditEvent.Action.DELETE in actions:
        change.problem = (
            "It was deleted. A deleted record is not brought back: what belonged to it is gone as well."
        )
    elif AuditEvent.Action.INSERT in actions:
        change.problem = "It was created by this. Undoing that means deleting it, on the record's own page."
        meta = model._meta
        if obj is not None and user.has_perm(f"{meta.app_label}.delete_{meta.model_name}"):
            change.delete_url = own_page(model, "delete", obj.pk)
    elif obj is None:
        change.problem = "The record does not exist any more."
    else:
        change.fields = [field_change(change, column, user) for column in written_columns(change)]
    return change


def written_columns(change):
    """Those columns of all its events that lead."""
    columns = dict.fromkeys(column for event in change.events for column in event.changes)
    return leading_columns(change.model, columns)


def own_page(model, page, pk):
    try:
        return reverse(f"{model._meta.app_label}:{model._meta.model_name}_{page}", args=[pk])
    except LookupError:  # NoReverseMatch
        return ""


def field_change(change, column, user):
    """The earliest value before and the latest value written, of all events that wrote the column.

    What only brought a column in step with what was in effect is no change of that: what came after it counts.
    """
    events = [event for event in change.events if column in event.changes]
    events = [event for event in events if event.reason != services.IN_STEP] or events
    before, written = events[0].changes[column][0], events[-1].changes[column][1]
    model_field = next((one for one in change.model._meta.concrete_fields if one.column == column), None)
    if model_field is None:
        reason = SECRET if is_withheld(before) else "The back office does not know this column."
        return FieldChange(
            column,
            capfirst(column.replace("_", " ")),
            before,
            written,
            faults={BEFORE: reason, WRITTEN: reason},
        )
    found = FieldChange(
        model_field.name,
        capfirst(model_field.verbose_name),
        stored=getattr(change.obj, model_field.attname),
        model_field=model_field,
        source={BEFORE: events[0].pk, WRITTEN: events[-1].pk},
    )
    denied = refusal(user, change.model, model_field)
    for name, raw in ((BEFORE, before), (WRITTEN, written)):
        value, fault = checked(model_field, raw, change.obj)
        setattr(found, name, value)
        if fault or denied:
            found.faults[name] = fault or denied
    if not denied and (page := change.model.reviewed_fields.get(model_field.name)):
        name, _, parameter = page.partition("?")
        found.page = f"{reverse(name, args=[change.obj.pk])}?{parameter}={before}"
        fault = "It is moved on its own page, which shows the consequences first."
        found.faults |= {BEFORE: fault, WRITTEN: fault}
    return found


def is_withheld(raw):
    """Whether the audit kept a mark instead of the value, or in some part of it."""
    text = raw if isinstance(raw, str) else json.dumps(raw)
    return any(mark in text for mark in WITHHELD)


def checked(model_field, raw, obj):
    """(the value as the field has it, why it cannot be written or "")."""
    if is_withheld(raw):
        return raw, SECRET
    try:
        value = to_value(model_field, raw)
        stored = getattr(obj, model_field.attname)
        if text_of(value) != text_of(stored):  # what is stored is not judged
            model_field.run_validators(value)
            if model_field.is_relation:
                require_value(
                    model_field, value
                )  # whether the other row is there is asked when it is written
            else:
                model_field.validate(value, obj)
    except ValidationError as error:
        return raw, f"It is not accepted: {' '.join(error.messages)}"
    return value, ""


def to_value(model_field, raw):
    """A column's value in the audit's JSON as the model's field has it. Raises ValidationError."""
    if raw is None or isinstance(model_field, models.JSONField):
        return raw
    if isinstance(model_field, models.ForeignKey):
        model_field = model_field.target_field
    if isinstance(model_field, models.DecimalField):
        value = model_field.to_python(str(raw))
        return value.quantize(1 / (value.__class__(10) ** model_field.decimal_places))
    if isinstance(model_field, models.DateTimeField) and raw in INFINITE:
        return INFINITE[raw]
    return model_field.to_python(raw)


def text_of(value):
    """A value to compare by: as services.snapshot has it, where 1, 1.0 and true are not the same."""
    return json.dumps(value, cls=services.DjangoJSONEncoder, sort_keys=True)


def revert(event, *, actor, reason, answers=None, seen=None):
    """Put back what one audit event wrote. Returns the names of the fields that were.

    Without `answers`, all of it: raises Differs if something else is stored by now. `answers` is {field: "before",
    "written" or "stored"} and says so for each; what is not named stays as it is stored. They hold for the stored
    values that were `seen` (a services.snapshot; by default those that the change wrote): Differs otherwise.
    Raises ValidationError for what cannot be put back, in a sentence.
    """
    (change,) = changes_of([event], actor)
    return put_back(change, actor=actor, reason=reason, answers=answers, seen=seen)


def put_back(change, *, actor, reason, answers=None, seen=None):
    """`revert` for the events of one row, taken together."""
    if change.problem:
        raise ValidationError(change.problem)
    if answers is None:
        if change.in_state("differs"):
            raise Differs(change)
        answers = {one.name: BEFORE for one in change.in_state("ready")}
        if not answers:
            raise ValidationError(nothing_to_do(change))
    chosen = {
        one.name: (one, answer)
        for one in change.fields
        if (answer := answers.get(one.name)) in (BEFORE, WRITTEN)
    }
    faults = {name: one.faults[answer] for name, (one, answer) in chosen.items() if one.faults.get(answer)}
    if faults:
        raise ValidationError([f"{chosen[name][0].label}: {fault}" for name, fault in faults.items()])
    if not chosen:
        return []
    opened = {name: text_of(one.written) for name, (one, _) in chosen.items()}
    if seen is not None:
        opened = {name: seen.get(name, "") for name in chosen}
    return write(change, chosen, opened, actor, reason)


def write(change, chosen, opened, actor, reason):
    obj = change.model._base_manager.filter(pk=change.obj.pk).first()
    if obj is None:
        raise ValidationError("The record does not exist any more.")
    obj, names = obj.for_editing(), list(chosen)
    for one in following(change, chosen, actor):
        chosen = {**chosen, one.name: (one, BEFORE)}
        opened = {**opened, one.name: text_of(one.written)}
    for one, answer in chosen.values():
        setattr(obj, one.model_field.attname, getattr(one, answer))
    others = {one.name for one in obj._meta.concrete_fields} - set(chosen)
    try:
        require_related(obj, chosen)
        obj.validate_unique(exclude=others)
        for name, (one, answer) in chosen.items():
            value = getattr(one, answer)
            if isinstance(one.model_field, models.JSONField) and value is not None:
                setattr(obj, name, from_audit(one, answer))
        services.save(obj, actor=actor, reason=reason, opened=opened)
    except services.Conflict as conflict:
        (fresh,) = changes_of(change.events, actor)
        raise Differs(fresh) from conflict
    except IntegrityError as error:
        raise ValidationError(services.integrity_sentence(error)) from error
    except DataError as error:
        raise ValidationError("A value does not fit into its column any more.") from error
    except ValidationError as error:
        raise ValidationError(sentences(error, chosen)) from error
    return names


def following(change, chosen, actor):
    """The columns that were written along, where all that the change wrote is put back and they still are as it left
    them: then they become again what they were, in every part.
    """
    columns = {one.model_field.column for one, answer in chosen.values() if answer == BEFORE}
    if columns != set(written_columns(change)):
        return []
    along = {column for event in change.events for column in event.changes} - columns
    found = [field_change(change, column, actor) for column in sorted(along)]
    return [one for one in found if one.state == "ready"]


def require_related(obj, chosen):
    for one, answer in chosen.values():
        value = getattr(one, answer)
        if one.model_field.is_relation and text_of(value) != text_of(one.stored):
            one.model_field.validate(value, obj)


def from_audit(one, answer):
    """JSON straight from the audit's row, where numbers have all their digits."""
    column, side = one.model_field.column, "old" if answer == BEFORE else "new"
    events = AuditEvent.objects.filter(pk=one.source[answer])
    return Subquery(events.values_list(KeyTransform(column, side)), output_field=models.JSONField())


def sentences(error, chosen):
    if not hasattr(error, "error_dict"):
        return error.messages
    return [
        text if name == NON_FIELD_ERRORS else f"{chosen[name][0].label}: {text}"
        for name, texts in error.message_dict.items()
        for text in texts
    ]


def nothing_to_do(change):
    """Why no field of a change is left to put back."""
    if change.in_state("done"):
        return f"Nothing was changed: {change.label} holds the earlier values already."
    return (
        " ".join(f"{one.label}: {one.why_not}" for one in change.fields)
        or "Nothing is on record to put back."
    )


# Batches: everything that ran under one request id, such as a bulk job


def batch_events(batch):
    """The audit events of one request or job, oldest first."""
    return AuditEvent.objects.filter(request_id=batch).order_by("id")


def revert_batch(batch, *, actor, reason, only=None, progress=None):
    """Put back, in one transaction, what still is as the batch left it. Returns ([RowChange], [(RowChange, why)]).

    The second list names what was left alone, wholly or in some field. `only` is a set of (table, row id) to which it
    is limited; `progress` is a job's.
    """
    done, left = [], []
    with transaction.atomic():
        changes = planned(changes_of(batch_events(batch), actor))
        if progress:
            progress.start(len(changes))
        for change in sorted(changes, key=lambda one: (one.table, one.row_id)):
            if only is not None and (change.table, change.row_id) not in only:
                continue
            names, why = revert_row(change, actor, reason)
            if names:
                done.append(change)
            if why:
                left.append((change, why))
            if progress:
                progress.step()
    return done, left


def revert_row(change, actor, reason):
    """(the fields of a batch's row that were put back, or its verb; why others were not or "")."""
    if change.problem:
        return [], change.problem
    if change.verb:
        return go_back(change, actor, reason)
    ready = {one.name: BEFORE for one in change.in_state("ready")}
    try:
        names = put_back(change, actor=actor, reason=reason, answers=ready)
    except Differs:
        return [], "It was changed by somebody else just now."
    except ValidationError as error:
        return [], " ".join(error.messages)
    return names, " ".join(left_alone(change))


def go_back(change, actor, reason):
    if missing := change.way.missing_permission(actor):
        return [], f"Your role ({role_of(actor)}) lacks the permission {missing}."
    try:
        return [change.verb], change.way.take_back(change, actor=actor, reason=reason)
    except ValidationError as error:
        return [], " ".join(error.messages)


def left_alone(change):
    """Why fields of a batch's row stay as they are: changed since, put back already, or not possible."""
    if differing := change.in_state("differs"):
        yield f"Changed since: {', '.join(one.label for one in differing)}."
    if change.in_state("done") and not change.in_state("ready"):
        yield "It holds the earlier values already."
    for one in change.in_state("cannot"):
        yield f"{one.label}: {one.why_not}"


@jobs.kind("revert", resumable=True)
def revert_in_job(job, progress):
    """params: batch (a request id), reason. The result lists what was left alone; undone, it is a batch itself."""
    with holding(request_id, str(job.pk)):
        done, left = revert_batch(
            job.params["batch"], actor=job.owner, reason=job.params["reason"], progress=progress
        )
    job.message = f"{len(done):,} records were put back, {len(left):,} were left alone in whole or in part."
    if left:
        job.result_path.parent.mkdir(parents=True, exist_ok=True)
        with job.result_path.open("w", newline="") as file:
            lines = csv.writer(file)
            lines.writerow(["table", "id", "record", "why it was left alone"])
            for change, why in left:
                lines.writerow([guarded(text) for text in (change.table, change.row_id, change.label, why)])
        job.result_name = "left-alone.csv"
