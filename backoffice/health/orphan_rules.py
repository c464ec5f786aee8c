"""Rules about rows whose other half is gone, or belongs to another tenant."""

from backoffice.health.findings import BAD, INFO, WARN
from backoffice.health.row_rules import Rule, find_in

# (table, column, parent, what the row is, what the parent is). Foreign keys forbid most of them, where there are any.
PARENTS = [
    ("public.agents", "organization_id", "public.organizations", "Agents", "organization"),
    ("public.sip_trunks", "organization_id", "public.organizations", "SIP trunks", "organization"),
    ("public.phone_numbers", "organization_id", "public.organizations", "Numbers", "organization"),
    ("public.phone_numbers", "agent_id", "public.agents", "Numbers", "agent"),
    ("public.agent_sessions", "agent_id", "public.agents", "Sessions", "agent"),
    ("public.agent_messages", "session_id", "public.agent_sessions", "Messages", "session"),
    ("public.chat_sessions", "project_id", "public.agents", "Legacy chats", "agent"),
    ("public.chat_sessions", "user_id", "public.user_profiles", "Legacy chats", "profile"),
    ("public.chat_messages", "session_id", "public.chat_sessions", "Legacy messages", "chat"),
    ("public.usage_logs", "organization_id", "public.organizations", "Usage", "organization"),
    ("public.usage_logs", "agent_id", "public.agents", "Usage", "agent"),
    ("public.usage_logs", "session_id", "public.agent_sessions", "Usage", "session"),
    ("public.call_logs", "organization_id", "public.organizations", "Calls", "organization"),
    ("public.call_logs", "agent_id", "public.agents", "Calls", "agent"),
    ("public.call_logs", "phone_number_id", "public.phone_numbers", "Calls", "number"),
]


def parent_rule(table, column, parent, rows, owner):
    return Rule(
        name=f"{table.removeprefix('public.')}_without_{owner}",
        section="orphans",
        level=BAD,
        label=f"{rows} of an unknown {owner}",
        meaning=f"{table.removeprefix('public.')}.{column} names a row of {parent.removeprefix('public.')} that does "
        "not exist.",
        remedy="Find out with the audit what became of the parent; then let the database's owner set it right, and add "
        "the foreign key that section Schema names.",
        sql=find_in(
            table,
            f"'names {owner} ' || t.{column}::text",
            f"t.{column} is not null and not exists (select from {parent} p where p.id = t.{column})",
        ),
        foreign_key=(table, column, parent),
    )


RULES = [parent_rule(*parent) for parent in PARENTS] + [
    Rule(
        "organization_without_profile", "orphans", WARN, "Organizations whose owner has no profile",
        "organizations.owner_id is the id of no row of user_profiles: nobody can be written to, and the tier counts as "
        "free.",
        "Look up the login with “Change the owner” on the tenant's page, or move the organization to somebody else.",
        find_in(
            "public.organizations",
            "'owner ' || t.owner_id::text",
            "not exists (select from public.user_profiles p where p.id = t.owner_id)",
        ),
        hazard="H15",
    ),
    Rule(
        "profile_without_organization", "orphans", INFO, "Profiles that own no organization",
        "A login without a tenant: its organization was moved, closed, or never made.",
        "Nothing, unless the person asks: then move an organization to it or let the app make one.",
        find_in(
            "public.user_profiles",
            "''",
            "not exists (select from public.organizations o where o.owner_id = t.id)",
        ),
        hazard="H15",
    ),
    Rule(
        "number_of_other_tenant", "orphans", BAD, "Numbers answered by another tenant's agent",
        "One tenant pays while another tenant's agent answers.",
        "Assign an agent of the number's own organization, or move the number.",
        find_in(
            "public.phone_numbers",
            "'agent ' || t.agent_id::text",
            "a.organization_id is distinct from t.organization_id",
            "join public.agents a on a.id = t.agent_id",
        ),
        hazard="H14",
        list=("telephony:phonenumber_list", {"problem": "mismatched"}),
    ),
    Rule(
        "usage_of_other_tenant", "orphans", WARN, "Usage booked on another tenant than its agent's",
        "usage_logs.organization_id is not the organization of its agent: the agent was moved afterwards, or the "
        "outside job that writes usage mixes tenants.",
        "If the agent was moved, nothing: the payer of then stays the payer. Otherwise tell who runs the job.",
        find_in(
            "public.usage_logs",
            "'agent ' || t.agent_id::text",
            "a.organization_id is distinct from t.organization_id",
            "join public.agents a on a.id = t.agent_id",
        ),
        hazard="H14",
    ),
    Rule(
        "call_of_other_tenant", "orphans", WARN, "Calls booked on another tenant than their agent's",
        "call_logs.organization_id is not the organization of the agent that answered.",
        "Look at the number: it may still be answered by another tenant's agent.",
        find_in(
            "public.call_logs",
            "'agent ' || t.agent_id::text",
            "a.organization_id is distinct from t.organization_id",
            "join public.agents a on a.id = t.agent_id",
        ),
        hazard="H14",
    ),
    Rule(
        "call_without_agent", "orphans", INFO, "Calls without an agent",
        "call_logs.agent_id is empty: the agent was deleted, which leaves its calls without a name.",
        "Nothing: the tenant stays on record.",
        find_in("public.call_logs", "''", "t.agent_id is null"),
        hazard="H10",
    ),
    Rule(
        "call_without_conversation", "orphans", INFO, "Calls without a conversation",
        "call_logs.session_id is the session id of no conversation: the platform makes it up for the call, so what was "
        "said cannot be found from the call.",
        "Nothing here: the phone worker has to store the call's own session id.",
        find_in(
            "public.call_logs",
            "''",
            "not exists (select from public.agent_sessions s where s.session_id = t.session_id)",
        ),
        hazard="H9",
    ),
]  # fmt: skip
