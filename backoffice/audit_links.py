"""Ways from and to the audit: views that are shipped with its lists, the page of a person, of a record."""

import datetime

from django.utils import timezone
from django.utils.html import format_html
from django.utils.http import urlencode

from backoffice.addresses import fixed_address, row_address
from backoffice.audit import entry_history_url
from backoffice.audit_models import kind_of
from backoffice.display import redact_text
from backoffice.record_history import record_for
from backoffice.templatetags import ui

# (name, icon, filters); `{week}` is the day a week ago. All who see the list have them; one's own are saved views.
CHANGES = [
    ("Outside changes this week", "globe", {"source": "outside", "since": "{week}"}),
    ("Deleted this month", "trash-2", {"action": "delete", "since": "{month}"}),
    ("Roles given and taken", "user-cog", {"table_name": "backoffice.backoffice_user_groups"}),
    ("Staff accounts", "users", {"table_name": "backoffice.backoffice_user"}),
    ("Batches this week", "layers", {"batches": "one", "since": "{week}"}),
    ("Removed by age", "archive-x", {"table_name": "audit.event"}),
]
READINGS = [
    ("Reveals this week", "eye", {"kind": "reveal", "since": "{week}"}),
    ("Exports", "download", {"kind": "export"}),
    ("Recordings this week", "volume-2", {"kind": "recording", "since": "{week}"}),
    ("Searches for personal data", "search", {"kind": "search"}),
]


def changes_links():
    return links("backoffice:auditevent_list", CHANGES)


def readings_links():
    return links("backoffice:readlog_list", READINGS)


def links(list_name, shipped):
    today = timezone.localdate()
    days = {"week": today - datetime.timedelta(days=7), "month": today - datetime.timedelta(days=30)}
    here = fixed_address(list_name)
    for label, icon, filters in shipped:
        query = urlencode({name: value.format(**days) for name, value in filters.items()})
        yield {"label": label, "icon": icon, "url": f"{here}?{query}"}


def person_of(entry, user):
    """Who it was, linked to what they did, where the reader may see that."""
    name = entry.actor or "nobody named"
    url = person_url(entry) if sees_people(user) else ""
    return format_html('<a href="{}">{}</a>', url, name) if url else name


def link_people(entries, user):
    """Gives each entry of a page `person_url`, the page of who it was; "" where the reader may not see it."""
    sees = sees_people(user)
    urls = {}  # fifty entries are of a few people
    for entry in entries:
        if sees and entry.actor_id not in urls:
            urls[entry.actor_id] = person_url(entry)
        entry.person_url = urls[entry.actor_id] if sees else ""


def person_url(entry):
    """The page of who it was, or "": programs that act without an account may name a number below 0."""
    if entry.actor_id is None or entry.actor_id < 0:
        return ""
    return row_address("backoffice:person_activity", entry.actor_id)


def sees_people(user):
    return user.has_perm("backoffice.view_auditevent") and user.has_perm("backoffice.view_readlog")


def record_of(entry, user):
    """What an entry is about: its name, linked to its page if it is still there, and the way to its history."""
    kind = kind_of(entry.table_name)
    name = redact_text(entry.row_label or entry.row_id or "")
    if not name:
        return f"no single {kind}"
    record = record_for(user, entry.table_name, entry.row_id) if entry.row_id else None
    shown = format_html('<a href="{}">{}</a>', record.get_absolute_url(), name) if record else name
    history = entry_history_url(entry)
    gone = "" if record or not entry.row_id else ui.missing("", "not there, or no page of its own")
    return format_html(
        "{} {} {}{}",
        kind,
        shown,
        gone,
        format_html(' <a href="{}">History</a>', history) if history else "",
    )
