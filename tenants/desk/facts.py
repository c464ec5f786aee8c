"""What every tab of the tenant page says about the tenant, in one query."""

from dataclasses import dataclass

from django.db import connection
from django.urls import reverse

COUNT_LIMIT = 1000
# (label, url name of the list, the rows that it has of the tenant); counting stops at COUNT_LIMIT.
RELATED = [
    ("Agents", "agents:agent_list", "agents where organization_id = %(id)s"),
    ("Phone numbers", "telephony:phonenumber_list", "phone_numbers where organization_id = %(id)s"),
    ("SIP trunks", "telephony:siptrunk_list", "sip_trunks where organization_id = %(id)s"),
    ("Calls", "telephony:calllog_list", "call_logs where organization_id = %(id)s"),
    ("Usage", "billing:usagelog_list", "usage_logs where organization_id = %(id)s"),
    ("Credit ledger", "billing:credittransaction_list", "credit_transactions where organization_id = %(id)s"),
]


@dataclass(frozen=True)
class Facts:
    """`counts` go by the labels of RELATED and end at COUNT_LIMIT + 1."""

    counts: dict

    def related(self, organization, may_open):
        """[{label, url, count}] of the lists that the reader may open, narrowed to the tenant."""
        return [
            {
                "label": label,
                "url": f"{reverse(name)}?organization={organization.pk}",
                "count": self.counts[label],
            }
            for label, name, _ in RELATED
            if may_open(name)
        ]


def facts_of(organization):
    columns = [
        f"(select count(*) from (select from {rows} limit {COUNT_LIMIT + 1}) rows)" for _, _, rows in RELATED
    ]
    with connection.cursor() as cursor:
        cursor.execute(f"select {', '.join(columns)}", {"id": organization.pk})
        row = cursor.fetchone()
    return Facts(dict(zip([label for label, _, _ in RELATED], row, strict=True)))
