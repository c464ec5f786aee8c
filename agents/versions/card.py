"""The history on an agent's page: as that of any record, but told by what was in effect."""

from django.urls import reverse
from django.utils.safestring import mark_safe

from agents.models import Agent
from agents.versions import rows
from agents.versions.changes import difference, label_of, replaced_by
from agents.versions.restore import WRITTEN
from backoffice.audit import describe, spoken
from backoffice.models import AuditEvent

LIMIT = 10  # the page is long; the history of versions has all
LINES = 12
# By what the history of any record calls a column.
LABELS = {spoken(one.column): label_of(one) for one in Agent._meta.concrete_fields}
RESTORED = {one.column for one in WRITTEN.values()}


def history_of(agent, user):
    """The newest audit events of an agent, as components/history.html takes them."""
    row = rows.stored_row(agent.pk)
    found = []
    for event in AuditEvent.objects.of(agent)[: LIMIT + 1]:
        entry = describe(event, user, agent)
        if row is not None and event.action == AuditEvent.Action.UPDATE:
            after, row = row, rows.row_before(row, event)
            entry["changes"] = told(difference(row, after, replaced_by(event), LINES))
            entry["undo_fields"] = undo_of_settings(entry["undo_fields"])
        found.append((event, entry))
    if len(found) > 1:
        undo_whole(agent, user, found[0], found[1][0])
    return [entry for _, entry in found[:LIMIT]]


def told(found):
    """[(label, before, after)]; what had no effect is told only where nothing else was changed."""
    if found.shown:
        return [(one.label, *sides(one)) for one in found.shown]
    return [(f"{one.label}, without an effect", *sides(one)) for one in found.unfelt]


def sides(one):
    """Of a long text the lines that differ, no more."""
    if one.is_secret:
        return "a secret", "another one"
    if not one.lines:
        return one.old, one.new
    gone, new = (
        mark_safe("\n".join(line.html for line in one.lines if line.kind == kind)) for kind in ("gone", "new")
    )  # each line was escaped
    return gone or (one.old and "…"), new or (one.new and "…")


def undo_of_settings(addresses):
    """{label of a setting: address}, out of that by column."""
    return {LABELS.get(words, words): url for words, url in addresses.items()}


def undo_whole(agent, user, newest, before):
    """The newest change is undone by restoring the version before it, so that keys of the configuration go back too."""
    event, entry = newest
    columns = set(event.changes)
    if "config" in columns and columns <= RESTORED and user.has_perm("agents.change_agent"):
        entry["undo_url"] = reverse("agents:agent_restore", args=[agent.pk, before.pk])
        entry["undo_fields"] = {} if len(entry["changes"]) == 1 else entry["undo_fields"]
