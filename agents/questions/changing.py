"""From a question to a change: the dry run, the confirmation, and the job that does it row by row, each row once."""

import logging

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import DatabaseError, InterfaceError, OperationalError, transaction
from django.utils import timezone

from agents.effective import effective
from agents.models import Agent, SettingChange, SettingChangeRow
from agents.questions.deeds import Deed, is_same, outlook
from backoffice import jobs, services
from backoffice.bulk import request_named
from backoffice.models import User
from backoffice.ways_back import WAYS_BACK, WayBack

logger = logging.getLogger(__name__)

CHANGE = "agents.change_agent"
AT_ONCE = 100  # agents whose dry run is worked out while one waits; more of them by a job
CHUNK = 200
State, Outcome = SettingChangeRow.State, SettingChangeRow.Outcome


def prepare_change(run, deeds, *, actor):
    """The SettingChange of a BulkRun's rows with its dry run, or the job that works that out."""
    label = "; ".join(str(deed) for deed in deeds)
    change = SettingChange.objects.create(
        name=label if len(label) <= 200 else f"{label[:199]}…",
        deeds=[deed.to_json() for deed in deeds],
        row_ids=run.row_ids,
        row_count=len(run.row_ids),
        list_query=run.query,
        owner=actor,
        owner_name=str(actor),
    )
    if change.row_count <= AT_ONCE:
        check_rows(change)
    else:
        title = f"Dry run: {change.name}"[:200]
        change.check_job = jobs.start("settings_check", title=title, owner=actor, change=str(change.pk))
        change.save(update_fields=["check_job"])
    return change


@jobs.kind("settings_check", resumable=True)
def check_in_job(job, progress):
    """params: change (the id of a SettingChange)."""
    change = SettingChange.objects.get(pk=job.params["change"])
    check_rows(change, progress)
    found = change.states()
    nothing, blocked = f"nothing to change: {found['already']:,}", f"blocked: {found['blocked']:,}"
    job.message = f"Will change: {found['ready']:,}, {nothing}, {blocked}."


def check_rows(change, progress=None):
    """Works out the rows of a dry run that are not there yet."""
    deeds = [Deed.from_json(one) for one in change.deeds]
    done = set(change.rows.values_list("number", flat=True))
    waiting = [(number, pk) for number, pk in enumerate(change.row_ids, 1) if number not in done]
    if progress:
        progress.job.done = len(done)
        progress.start(change.row_count)
    for start in range(0, len(waiting), CHUNK):
        chunk = waiting[start : start + CHUNK]
        agents = Agent.objects.select_related("organization").in_bulk([pk for _, pk in chunk])
        agents = {str(pk): agent for pk, agent in agents.items()}
        rows = [checked_row(change, number, pk, agents.get(pk), deeds) for number, pk in chunk]
        SettingChangeRow.objects.bulk_create(rows, ignore_conflicts=True)  # another run may be at work
        if progress:
            progress.step(len(chunk))
    SettingChange.objects.filter(pk=change.pk, checked_at=None).update(checked_at=timezone.now())


def checked_row(change, number, pk, agent, deeds):
    row = SettingChangeRow(change=change, number=number, agent_id=pk, agent_name=pk)
    if agent is None:
        row.state, row.problem = State.GONE, "It is not there any more."
        return row
    found = outlook(agent, deeds)
    row.agent_name, row.organization_id = str(agent)[:300], agent.organization_id
    row.organization_name = str(agent.organization)[:255]
    row.state, row.problem, row.seen, row.fields = found.state, found.problem, found.seen, found.lines
    return row


def confirm_change(change, *, actor, reason):
    """Start the job of a change, once: asked again it returns the same job. Raises ValidationError.

    The one entry that the audit keeps of it has the job's id as its request, as all that the job writes.
    """
    with transaction.atomic():
        change = SettingChange.objects.select_for_update().get(pk=change.pk)
        if change.job is not None:
            return change.job
        if change.confirmed_at or not change.checked_at:
            raise ValidationError("Its dry run is not finished.")
        if change.owner_id != actor.pk:
            raise ValidationError(f"It is confirmed by whoever asked for it: {change.owner_name}.")
        number = change.states()["ready"]
        if not number:
            raise ValidationError("No agent would change.")
        agents = f"{number:,} agent{'' if number == 1 else 's'}"
        title = f"{change.name[: 198 - len(agents)]}: {agents}"
        change.job = jobs.start("settings_change", title=title, owner=actor, change=str(change.pk))
        change.confirmed_at, change.reason = timezone.now(), reason
        with request_named(str(change.job.pk)):
            services.save(change, actor=actor, reason=reason)
    return change.job


@jobs.kind("settings_change", resumable=True)
def change_in_job(job, progress):
    """params: change (the id of a confirmed SettingChange). Whoever confirmed it is the actor."""
    change = SettingChange.objects.get(pk=job.params["change"])
    actor = User.objects.get(pk=job.owner_id)
    if not actor.is_active or not actor.has_perm(CHANGE):
        raise PermissionDenied(f"The account of {actor} may not change agents (any more).")
    deeds = [Deed.from_json(one) for one in change.deeds]
    ready = change.rows.filter(state=State.READY).order_by("number").values_list("pk", "outcome")
    waiting = [pk for pk, outcome in ready if outcome is None]
    job.done = len(ready) - len(waiting)
    progress.start(len(ready))
    try:
        with request_named(str(job.pk)):
            for pk in waiting:
                change_row(pk, change, deeds, actor)
                progress.step()
    finally:
        job.message = summary(change)


def change_row(pk, change, deeds, actor):
    """One row: the change and its outcome together, or the outcome of what was refused."""
    try:
        with transaction.atomic():
            row = SettingChangeRow.objects.select_for_update().filter(pk=pk, outcome=None).first()
            if row is not None:  # another run of the job may have been here
                row.outcome, row.message = changed(row, deeds, actor, change.reason)
                finish(row)
    except (ValidationError, services.Conflict) as error:
        keep(pk, Outcome.FAILED, " ".join(getattr(error, "messages", None) or [str(error)]))
    except (OperationalError, InterfaceError):
        raise  # the connection is gone, or the database is: the job stops, and goes on later
    except DatabaseError as error:
        logger.warning(
            "A row of a settings change was refused.", exc_info=error, extra={"change": str(change.pk)}
        )
        keep(pk, Outcome.FAILED, "The database did not accept it.")


def changed(row, deeds, actor, reason):
    """(outcome, message) of one agent, locked until the end of the transaction."""
    agent = Agent.objects.select_for_update().filter(pk=row.agent_id).first()
    if agent is None:
        return Outcome.SKIPPED, "It is not there any more."
    found = outlook(agent, deeds)
    moved = [name for name in row.seen if found.seen.get(name) != row.seen[name]]
    if moved:
        return Outcome.SKIPPED, f"Changed since the dry run: {', '.join(moved)}."
    if found.problem:
        return Outcome.BLOCKED, found.problem
    editing = agent.for_editing()
    opened = services.snapshot(editing, found.changes)
    for name, value in found.changes.items():
        setattr(editing, name, value)
    services.save(editing, actor=actor, reason=reason, opened=opened)
    now = effective(Agent.objects.get(pk=agent.pk))
    if any(not is_same(name, now[name].value, value) for name, value in found.changes.items()):
        raise ValidationError("It did not take the value; it is changed on the agent's own page.")
    return Outcome.CHANGED, ""


def keep(pk, outcome, message):
    with transaction.atomic():
        row = SettingChangeRow.objects.select_for_update().filter(pk=pk, outcome=None).first()
        if row is not None:
            row.outcome, row.message = outcome, message
            finish(row)


def finish(row):
    row.done_at = timezone.now()
    row.save(update_fields=["outcome", "message", "done_at"])


def summary(change):
    number = change.outcomes()
    text = f"{number['changed']:,} changed, {number['skipped']:,} skipped, {number['blocked']:,} blocked,"
    rest = f" {number[None]:,} not done." if number[None] else ""
    return f"{text} {number['failed']:,} failed.{rest}"


def goes_along(changes):
    """The entry of the confirmation stands for the batch: it is no row of it to put back."""
    return {(change.table, change.row_id) for change in changes}


WAYS_BACK["backoffice.agents_settingchange"] = WayBack((CHANGE,), goes_along, lambda change, **_: "")
