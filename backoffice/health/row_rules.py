"""What a rule about rows is: a statement that finds them, and words for people.

A statement gives (record, row_id, organization_id, detail): the model's label, the row's id, its tenant's id and a
short text that holds no personal data and no secret. It is read to COUNT_LIMIT rows at the most.
"""

from dataclasses import dataclass, field

from django.urls import NoReverseMatch, reverse
from django.utils.http import urlencode

COUNT_LIMIT = 10_000
# Of rules whose rows a list can show, only some are kept as a sample.
SAMPLE = 20


@dataclass(frozen=True)
class Rule:
    """`hazard` is its number in the platform's list of known hazards (docs/data-health.md), "" for none.

    `list` is (url name, query) of the list that shows exactly these rows, where there is one. `needs` is a statement
    that says whether the rule can be counted yet. `see` is (words, url name) of a page that helps to mend them.
    With the `foreign_key` (table, column, parent) in force there can be none, and nobody looks.
    """

    name: str
    section: str
    level: str
    label: str
    meaning: str
    remedy: str
    sql: str
    hazard: str = ""
    list: tuple = ()
    params: dict = field(default_factory=dict)
    needs: str = ""
    see: tuple = ()
    foreign_key: tuple = ()

    @property
    def list_url(self):
        if not self.list:
            return ""
        name, query = self.list
        return f"{address}?{urlencode(query)}" if (address := page(name)) else ""

    @property
    def see_url(self):
        return page(self.see[1]) if self.see else ""

    @property
    def kept(self):
        return SAMPLE if self.list_url else COUNT_LIMIT

    @property
    def url(self):
        """Where its rows are seen: the list of its own, which names the other list."""
        return f"{reverse('healthrow_list')}?{urlencode({'rule': self.name})}"


def page(name):
    """The address of a page, "" where there is none of that name."""
    try:
        return reverse(name)
    except NoReverseMatch:
        return ""


def find(record, table, detail, condition, *, organization="t.organization_id", joins=""):
    """The statement of a rule that looks at one table, called t."""
    return (
        f"select '{record}' as record, t.id as row_id, {organization} as organization_id, {detail} as detail "
        f"from {table} t {joins} where {condition}"
    )


OF_AGENT = "(select a.organization_id from public.agents a where a.id = t.{})"
OF_SESSION = (
    "(select a.organization_id from public.agent_sessions s join public.agents a on a.id = s.agent_id "
    "where s.id = t.session_id)"
)
OF_CHAT = (
    "(select a.organization_id from public.chat_sessions s join public.agents a on a.id = s.project_id "
    "where s.id = t.session_id)"
)
# {table: (model, its tenant as SQL)}
KINDS = {
    "public.organizations": ("tenants.organization", "t.id"),
    "public.user_profiles": ("tenants.userprofile", "null::uuid"),
    "public.agents": ("agents.agent", "t.organization_id"),
    "public.sip_trunks": ("telephony.siptrunk", "t.organization_id"),
    "public.phone_numbers": ("telephony.phonenumber", "t.organization_id"),
    "public.agent_sessions": ("agents.agentsession", OF_AGENT.format("agent_id")),
    "public.agent_messages": ("agents.agentmessage", OF_SESSION),
    "public.chat_sessions": ("agents.chatsession", OF_AGENT.format("project_id")),
    "public.chat_messages": ("agents.chatmessage", OF_CHAT),
    "public.usage_logs": ("billing.usagelog", "t.organization_id"),
    "public.call_logs": ("telephony.calllog", "t.organization_id"),
}


def find_in(table, detail, condition, joins=""):
    record, organization = KINDS[table]
    return find(record, table, detail, condition, organization=organization, joins=joins)
