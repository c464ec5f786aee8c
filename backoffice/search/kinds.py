"""What can be found, in the order in which equals are shown. A kind is searched for those who may see its model."""

from dataclasses import dataclass

from django.apps import apps

from backoffice.addresses import fixed_address
from backoffice.search.rows import row_of, statement


@dataclass(frozen=True)
class Kind:
    """`columns` is all that is read of a row: what names it, then `details`, shown beside the name.

    `tenant` is the way to the organization, whose name is shown too.
    """

    name: str
    label: str
    model_label: str
    icon: str
    list: str
    columns: tuple = ()
    details: tuple = ()
    tenant: str = ""
    joined: tuple = ()  # relations that `details` name

    @property
    def model(self):
        return apps.get_model(self.model_label)

    @property
    def permission(self):
        app, _, model = self.model_label.partition(".")
        return f"{app}.view_{model.lower()}"

    def list_url(self):
        return fixed_address(self.list)

    @property
    def statement(self):
        """(SQL, its Parts), as rows.statement() has them."""
        columns, joined = [*self.columns, *self.details], [*self.joined]
        if self.tenant:
            joined.append(self.tenant.replace(".", "__"))
            columns.append(f"{joined[-1]}__name")
        return statement(self.model, tuple(columns), tuple(joined))

    def read(self, pks, user):
        """The statement for the rows with these ids that `user` may see, and its parameters."""
        sql, _ = self.statement
        if self.name == "job" and not user.is_superuser:
            return f"{sql} and t0.owner_id = %s", [pks, user.pk]
        return sql, [pks]

    def rows(self, found, alias):
        """{pk as text: row} of what read() found in a database."""
        _, parts = self.statement
        rows = [row_of(parts, values, alias) for values in found]
        return {str(row.pk): row for row in rows}

    def tenant_of(self, row):
        """The organization a row belongs to, None where there is none."""
        for step in self.tenant.split(".") if self.tenant else []:
            row = getattr(row, step, None)
        return row if self.tenant else None


KINDS = [
    Kind(
        "organization",
        "Organizations",
        "tenants.Organization",
        "building-2",
        "tenants:organization_list",
        columns=("name", "owner__email"),
        details=("owner",),
        joined=("owner",),
    ),
    Kind(
        "profile",
        "User profiles",
        "tenants.UserProfile",
        "user",
        "tenants:userprofile_list",
        columns=("email", "phone_number", "stripe_customer_id", "stripe_subscription_id"),
        details=("full_name", "company_name"),
    ),
    Kind(
        "agent",
        "Agents",
        "agents.Agent",
        "bot",
        "agents:agent_list",
        columns=("name",),
        tenant="organization",
    ),
    Kind(
        "number",
        "Phone numbers",
        "telephony.PhoneNumber",
        "hash",
        "telephony:phonenumber_list",
        columns=("e164", "provider_sid"),
        details=("status",),
        tenant="organization",
    ),
    Kind(
        "trunk",
        "SIP trunks",
        "telephony.SipTrunk",
        "server",
        "telephony:siptrunk_list",
        columns=("provider", "sip_domain"),
        details=("username",),
        tenant="organization",
    ),
    Kind(
        "session",
        "Sessions",
        "agents.AgentSession",
        "messages-square",
        "agents:agentsession_list",
        columns=("external_id", "agent__name"),
        tenant="agent.organization",
    ),
    Kind(
        "call",
        "Calls",
        "telephony.CallLog",
        "phone",
        "telephony:calllog_list",
        columns=("direction", "caller_number", "session_ref"),
        details=("status",),
        tenant="organization",
    ),
    Kind(
        "message",
        "Messages",
        "agents.AgentMessage",
        "message-square-text",
        "agents:agentmessage_list",
        columns=("role",),
        tenant="session.agent.organization",
    ),
    Kind(
        "chat",
        "Legacy chats",
        "agents.ChatSession",
        "archive",
        "agents:chatsession_list",
        tenant="agent.organization",
    ),
    Kind(
        "chat_message",
        "Legacy messages",
        "agents.ChatMessage",
        "message-square-dashed",
        "agents:chatmessage_list",
        columns=("role",),
        tenant="session.agent.organization",
    ),
    Kind(
        "usage",
        "Usage",
        "billing.UsageLog",
        "chart-column",
        "billing:usagelog_list",
        columns=("tokens_used", "model_used"),
        tenant="organization",
    ),
    Kind(
        "ledger",
        "Credit ledger",
        "billing.CreditTransaction",
        "coins",
        "billing:credittransaction_list",
        columns=("amount", "kind", "organization_name"),
        tenant="organization",
    ),
    Kind(
        "change",
        "Changes",
        "backoffice.AuditEvent",
        "history",
        "backoffice:auditevent_list",
        columns=("table_name", "row_id", "row_label", "action"),
        details=("actor",),
        tenant="organization",
    ),
    Kind(
        "reading",
        "Readings",
        "backoffice.ReadLog",
        "eye",
        "backoffice:readlog_list",
        columns=("kind", "row_id", "row_label"),
        details=("actor",),
        tenant="organization",
    ),
    Kind("job", "Jobs", "backoffice.Job", "loader", "job_list", columns=("title",), details=("status",)),
    Kind(
        "note",
        "Notes",
        "tenants.Note",
        "sticky-note",
        "tenants:note_list",
        columns=("text",),
        details=("author_name",),
        tenant="organization",
    ),
]
# Numbers that called, not rows: shown to those who may see calls, opened as the list of their calls.
CALLER = Kind("caller", "Callers", "telephony.CallLog", "phone-incoming", "telephony:calllog_list")
BY_NAME = {kind.name: kind for kind in [*KINDS, CALLER]}


def kinds_for(user):
    return [kind for kind in [*KINDS, CALLER] if user.has_perm(kind.permission)]
