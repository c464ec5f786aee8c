"""What belongs to a tenant: every table that holds rows of it, the platform's, the audit's and our own."""

from dataclasses import dataclass

from django.apps import apps
from django.db import connection

COUNT_LIMIT = 10_000
OF_AGENTS = "select id from public.agents where organization_id = %(id)s"
SESSIONS = f"select id from public.agent_sessions where agent_id in ({OF_AGENTS})"
CHATS = f"select id from public.chat_sessions where project_id in ({OF_AGENTS})"


@dataclass(frozen=True)
class Part:
    """One table; `where` says which rows are the tenant's (%(id)s, the row is `t`).

    `goes` tells whether closing deletes them; `redact` whether texts and JSON may hold secrets; `own` whether the
    table is the back office's, `derived` whether it only repeats what others hold, and so is deleted but not exported.
    """

    table: str
    label: str
    where: str
    goes: bool = True
    redact: bool = False
    own: bool = False
    derived: bool = False

    @property
    def file_name(self):
        schema, _, table = self.table.partition(".")
        return {"public": "", "backoffice": "staff_"}.get(schema, f"{schema}_") + table


OF_TENANT = "t.organization_id = %(id)s"
PLATFORM = (
    Part("public.organizations", "Organization", "t.id = %(id)s", redact=True),
    Part(
        "public.user_profiles",
        "Owner's profile",
        "t.id = (select owner_id from public.organizations where id = %(id)s)",
        goes=False,
        redact=True,
    ),
    Part("public.agents", "Agents", OF_TENANT, redact=True),
    Part("public.sip_trunks", "SIP trunks", OF_TENANT, redact=True),
    Part("public.phone_numbers", "Phone numbers", OF_TENANT, redact=True),
    Part("public.agent_sessions", "Sessions", f"t.agent_id in ({OF_AGENTS})", redact=True),
    Part("public.agent_messages", "Messages", f"t.session_id in ({SESSIONS})", redact=True),
    Part("public.chat_sessions", "Legacy chats", f"t.project_id in ({OF_AGENTS})"),
    Part("public.chat_messages", "Legacy messages", f"t.session_id in ({CHATS})", redact=True),
    Part("public.usage_logs", "Usage", OF_TENANT, redact=True),
    Part("public.call_logs", "Calls", OF_TENANT, redact=True),
    Part("public.credit_transactions", "Credit ledger", OF_TENANT, goes=False),
    Part("billing.credit_request", "Requests for credits", OF_TENANT, goes=False),
    Part("billing.adoption", "Changes from outside that staff stands for", OF_TENANT, goes=False),
    Part("billing.bulk_posting_row", "Lines of bulk postings", OF_TENANT, goes=False),
    Part("billing.settlement", "Settlements", OF_TENANT, goes=False),
    Part("billing.settled_row", "What was settled", OF_TENANT, goes=False),
    Part("billing.statement", "Monthly statements", OF_TENANT, goes=False),
    Part("audit.event", "Changes (audit)", OF_TENANT, goes=False),
    Part("audit.read_log", "Readings (audit)", OF_TENANT, goes=False),
)


def own_parts():
    """Our own tables with rows about a tenant: those with an `organization_id`, and those that hang on them.

    Found in the models, so that a table which is added later is exported and deleted too. What hangs on another
    comes before it, the order in which they can be deleted.
    """
    models = [m for m in apps.get_models() if m._meta.managed and not m._meta.proxy]
    found = {
        model: OF_TENANT
        for model in models
        if any(field.column == "organization_id" for field in model._meta.concrete_fields)
    }
    waiting = list(found)
    for parent in waiting:
        for relation in parent._meta.related_objects:
            child = relation.related_model
            if child in models and child not in found:
                of_parent = found[parent].replace("t.", "p.", 1)
                found[child] = (
                    f"t.{relation.field.column} in"
                    f' (select p.id from backoffice."{parent._meta.db_table}" p where {of_parent})'
                )
                waiting.append(child)
    return [
        Part(
            f"backoffice.{model._meta.db_table}",
            str(model._meta.verbose_name_plural).capitalize(),
            where,
            own=True,
            derived=getattr(model, "is_derived", False),
        )
        for model, where in reversed(found.items())
    ]


def all_parts():
    return [*PLATFORM, *(part for part in own_parts() if not part.derived)]


def counts(organization):
    """[(Part, number of rows)]; counting stops at COUNT_LIMIT + 1. One query."""
    parts = all_parts()
    columns = [
        f"(select count(*) from (select from {part.table} t where {part.where} limit {COUNT_LIMIT + 1}) rows)"
        for part in parts
    ]
    with connection.cursor() as cursor:
        cursor.execute(f"select {', '.join(columns)}", {"id": organization.pk})
        return list(zip(parts, cursor.fetchone(), strict=True))


def delete_own(cursor, organization_id):
    """Deletes our own rows about a tenant; the audit keeps each. Returns {table: how many}."""
    deleted = {}
    for part in own_parts():
        cursor.execute(f"delete from {part.table} t where {part.where}", {"id": organization_id})
        deleted[part.table] = cursor.rowcount
    return deleted
