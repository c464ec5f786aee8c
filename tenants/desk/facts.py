"""What the tenant page says about the tenant: on every tab (Facts), and what belongs to it (Related)."""

import json
from dataclasses import dataclass
from uuid import UUID

from backoffice.addresses import fixed_address, row_address
from tenants.health import credit

COUNT_LIMIT = 1000
OTHERS = 10
# (label, url name of the list, the rows that it has of the tenant); counting stops at COUNT_LIMIT.
RELATED = [
    ("Agents", "agents:agent_list", "agents where organization_id = %(id)s"),
    ("Phone numbers", "telephony:phonenumber_list", "phone_numbers where organization_id = %(id)s"),
    ("SIP trunks", "telephony:siptrunk_list", "sip_trunks where organization_id = %(id)s"),
    (
        "Sessions",
        "agents:agentsession_list",
        "agent_sessions s join agents a on a.id = s.agent_id where a.organization_id = %(id)s",
    ),
    (
        "Legacy chats",
        "agents:chatsession_list",
        "chat_sessions s join agents a on a.id = s.project_id where a.organization_id = %(id)s",
    ),
    ("Calls", "telephony:calllog_list", "call_logs where organization_id = %(id)s"),
    ("Usage", "billing:usagelog_list", "usage_logs where organization_id = %(id)s"),
    ("Credit ledger", "billing:credittransaction_list", "credit_transactions where organization_id = %(id)s"),
    ("Statements", "billing:statement_list", "billing.statement where organization_id = %(id)s"),
]
OTHER_ORGANIZATIONS = f"""
(select jsonb_agg(jsonb_build_object('id', id, 'name', name, 'balance', credits_balance::text) order by name, id)
 from (select id, name, credits_balance from organizations where owner_id = %(owner)s and id <> %(id)s
       limit {OTHERS + 1}) others)
"""


@dataclass(frozen=True)
class Facts:
    """What the head of every tab tells. `agents`: how many there are; counting stops at COUNT_LIMIT + 1."""

    credit: credit.Credit
    agents: int


def facts_read(organization, kept):
    """The statement that reads the facts, and its parameters; `kept` is figures.tenant.kept()."""
    agents = counted("agents where organization_id = %(id)s")
    return f"select {agents}, credit.* from ({credit.ONE}) credit", credit.parameters_of_one(
        kept, id=organization.pk
    )


def facts_from(row):
    agents, *values = row
    return Facts(credit.Credit(*values), agents)


def counted(rows):
    return f"(select count(*) from (select from {rows} limit {COUNT_LIMIT + 1}) rows)"


@dataclass(frozen=True)
class Related:
    """What belongs to a tenant. `counts` go by the labels of RELATED and end at COUNT_LIMIT + 1; `others` are the
    owner's other organizations, {id, name, balance}, at most OTHERS + 1.
    """

    counts: dict
    others: list

    def links(self, organization, may_open):
        """[{label, url, count}] of the lists that the reader may open, narrowed to the tenant."""
        return [
            {
                "label": label,
                "url": f"{fixed_address(name)}?organization={organization.pk}",
                "count": self.counts[label],
            }
            for label, name, _ in RELATED
            if may_open(name)
        ]


def related_read(organization):
    columns = [counted(rows) for _, _, rows in RELATED]
    return (
        f"select {OTHER_ORGANIZATIONS}, {', '.join(columns)}",
        {"id": organization.pk, "owner": organization.owner_id},
    )


def related_from(row):
    others, *numbers = row
    counts = dict(zip([label for label, _, _ in RELATED], numbers, strict=True))
    others = [
        {**other, "url": row_address("tenants:organization_detail", UUID(other["id"]))}
        for other in json.loads(others or "[]")
    ]
    return Related(counts, others)
