"""Addresses of every kind of page as people of all roles ask for them, for measurements with many requests (memory.py,
crowd.py); one line per kind and role. What a single page costs beside the floor is the table of speed/pages.py.
"""

from dataclasses import dataclass
from itertools import cycle
from urllib.parse import quote

HTMX = "HX-Request: true\r\n"


@dataclass(frozen=True)
class Page:
    kind: str
    role: str
    address: str
    status: int = 200
    part: bool = False  # what htmx asks for

    @property
    def headers(self):
        return HTMX if self.part else ""


# (kind, roles, address); what stands in brackets is one of IDS. A kind that begins with "part" is asked for by htmx.
KINDS = (
    ("home", "support finance manager admin", "/"),
    ("figures", "manager", "/figures/"),
    ("figures", "admin", "/figures/?days=7&organization={tenant}"),
    ("search box", "support", "/search/?q={word}"),
    ("part: palette", "support finance", "/search/palette/?q={word}"),
    ("tenants", "support finance", "/tenants/organizations/"),
    ("tenants", "manager", "/tenants/organizations/?q={word}"),
    ("part: list", "support", "/tenants/organizations/?q={word}"),
    ("tenant", "support finance manager admin", "/tenants/organizations/{tenant}/"),
    ("tenant's calls", "support", "/tenants/organizations/{tenant}/calls/"),
    ("tenant's conversations", "support", "/tenants/organizations/{tenant}/conversations/"),
    ("tenant's usage", "finance", "/tenants/organizations/{tenant}/usage/"),
    ("tenant's time line", "support", "/tenants/organizations/{tenant}/timeline/"),
    ("tenant's ledger", "finance", "/tenants/organizations/{tenant}/ledger/"),
    ("edit a tenant", "admin", "/tenants/organizations/{tenant}/edit/"),
    ("profiles", "support", "/tenants/profiles/"),
    ("agents", "support", "/agents/agents/?organization={tenant}"),
    ("agents", "manager", "/agents/agents/"),
    ("agent", "support", "/agents/agents/{agent}/"),
    ("agent's history", "manager", "/agents/agents/{agent}/history/"),
    ("edit an agent", "admin", "/agents/agents/{agent}/edit/"),
    ("settings of agents", "manager", "/agents/settings/"),
    ("conversations", "support manager", "/agents/conversations/"),
    ("conversations", "manager", "/agents/conversations/?organization={tenant}"),
    ("search, rare word", "support", "/agents/search/?q=vorbandel"),
    ("search, common word", "support", "/agents/search/?q=dolveren"),
    ("search, phrase", "manager", "/agents/search/?q=%22dolveren+mirasto%22&organization={tenant}"),
    ("sessions", "support", "/agents/sessions/"),
    ("transcript", "support manager", "/agents/sessions/{session}/"),
    ("transcript, long", "support", "/agents/sessions/{long}/"),
    ("messages", "support", "/agents/messages/"),
    ("messages", "manager", "/agents/messages/?organization={tenant}"),
    ("numbers", "support", "/telephony/numbers/"),
    ("number", "support", "/telephony/numbers/{number}/"),
    ("edit a number", "support", "/telephony/numbers/{number}/edit/"),
    ("trunks", "support", "/telephony/trunks/"),
    ("calls", "support", "/telephony/calls/?organization={tenant}"),
    ("call", "support", "/telephony/calls/{call}/"),
    ("ledger", "finance", "/billing/ledger/"),
    ("ledger", "finance", "/billing/ledger/?organization={tenant}"),
    ("balances", "finance", "/billing/balances/"),
    ("usage", "finance", "/billing/usage/"),
    ("month overview", "finance", "/billing/overview/"),
    ("reconciliation", "finance", "/billing/reconciliation/"),
    ("statements", "finance", "/billing/statements/"),
    ("changes", "admin manager", "/audit/changes/"),
    ("readings", "admin", "/audit/readings/"),
    ("staff", "admin", "/staff/"),
    ("data health", "admin", "/health/"),
    ("jobs", "admin", "/jobs/"),
    ("one's own page", "manager", "/me/"),
    ("Django admin", "admin", "/admin/"),
    ("Django admin", "admin", "/admin/tenants/organization/"),
    ("part: picker", "admin", "/pick/agents.agent/?name=agent&agent_search={word}"),
    ("not there", "support manager", "/tenants/organizations/00000000-0000-4000-8000-000000000000/"),
    ("not there", "support", "/no/such/page/"),
)
SOME = 40
IDS = {
    "agent": "select id::text from public.agents order by id limit %s",
    "session": "select id::text from public.agent_sessions order by id limit %s",
    "number": "select id::text from public.phone_numbers order by id limit %s",
    "call": "select id::text from public.call_logs order by id limit %s",
    "word": "select distinct lower(split_part(name, ' ', 1)) from public.organizations limit %s",
    "long": "select source_id::text from backoffice.agents_conversation where store = 'session'"
    " order by stored desc limit least(%s, 3)",
    # The largest, of whose pages most is kept, and some that are neither large nor small.
    "tenant": "with t as (select organization_id::text as id, count(*) as rows from backoffice.agents_conversation"
    " where organization_id is not null group by 1)"
    " (select id from t order by rows desc limit 2) union all (select id from t order by id limit %s)",
}


def pages(owner):
    """[Page] of all kinds, each with as many ids as there are."""
    ids = {}
    for name, statement in IDS.items():
        rows = [row[0] for row in owner.execute(statement, [SOME]).fetchall()]
        ids[name] = rows or ["00000000-0000-4000-8000-000000000000"]
    found = []
    for kind, roles, address in KINDS:
        several = [name for name in ids if f"{{{name}}}" in address]
        values = ids[several[0]] if several else [""]
        for value, role in zip(values, cycle(roles.split()), strict=False):
            found.append(page(kind, role, address, several, value))
        if not several:
            found += [page(kind, role, address, several, "") for role in roles.split()[1:]]
    return found


def page(kind, role, address, several, value):
    path = address.format(**{several[0]: quote(value)}) if several else address
    return Page(kind, role, path, 404 if kind == "not there" else 200, kind.startswith("part"))


def by_kind(found):
    """{kind: [its pages]}."""
    kinds = {}
    for each in found:
        kinds.setdefault(each.kind, []).append(each)
    return kinds
