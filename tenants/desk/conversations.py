"""A tenant's newest conversations out of all three stores, merged by the database."""

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from uuid import UUID

from agents.models import Agent, AgentSession, ChatSession
from backoffice.addresses import address_of
from tenants.desk.together import read_together

# The newest rows of each agent by its index, so that the cost goes by the number of agents, not of conversations. Where
# these are many, the newest rows of the whole store are looked at first: a tenant of that size mostly has some of them.
# What was stored is looked up for what is shown.
SESSION = """
  select 'session' as store, s.id, s.session_id as label, s.channel, s.status, s.message_count as messages,
    s.last_activity_at as at, a.id as agent_id, a.name as agent_name"""
CHAT = "select 'chat', c.id, null::text, null::text, null::text, null::int, c.created_at as at, a.id, a.name"
SESSION_ORDER = "order by coalesce(s.last_activity_at, '-infinity') desc, s.id desc"
CHAT_ORDER = "order by coalesce(c.created_at, '-infinity') desc, c.id desc"
BY_AGENT = {
    "session": f"""{SESSION} from agents a cross join lateral (
      select * from agent_sessions s where s.agent_id = a.id {SESSION_ORDER} limit %(limit)s) s
    where a.organization_id = %(id)s""",
    "chat": f"""{CHAT} from agents a cross join lateral (
      select * from chat_sessions c where c.project_id = a.id {CHAT_ORDER} limit %(limit)s) c
    where a.organization_id = %(id)s""",
}
LATEST = 2_000
OF_LATEST = {
    "session": f"""{SESSION} from (select * from agent_sessions s {SESSION_ORDER} limit {LATEST}) s
      join agents a on a.id = s.agent_id where a.organization_id = %(id)s {SESSION_ORDER} limit %(limit)s""",
    "chat": f"""{CHAT} from (select * from chat_sessions c {CHAT_ORDER} limit {LATEST}) c
      join agents a on a.id = c.project_id where a.organization_id = %(id)s {CHAT_ORDER} limit %(limit)s""",
}
LATEST_FIRST = """
(with latest as materialized ({of_latest}), enough as materialized (select count(*) = %(limit)s as it from latest)
 select * from latest where (select it from enough)
 union all ({by_agent} and not (select it from enough)))"""
NEWEST = """
select store, id, label, channel, status, at, agent_id, agent_name,
  case when store = 'chat' then (
    select count(*) from (select from chat_messages m where m.session_id = newest.id limit 1000) m)
  else messages end,
  case when store = 'chat' then 'legacy'
    when exists (select from agent_messages m where m.session_id = newest.id) then 'messages'
    when (select case when jsonb_typeof(s.conversation_history) = 'array'
                      then jsonb_array_length(s.conversation_history) > 0 else s.conversation_history is not null end
          from agent_sessions s where s.id = newest.id) then 'history'
    else 'nothing' end
from (
  select * from ({stores}) stores
  order by coalesce(at, '-infinity') desc, id desc limit %(limit)s) newest
order by coalesce(at, '-infinity') desc, id desc
"""


@dataclass(frozen=True)
class Conversation:
    """`store` is session or chat; `source` where its words are: messages, history (JSON), legacy or nothing. `at` is
    the last activity, for a legacy chat its beginning. No content.
    """

    store: str
    id: UUID
    label: str | None
    channel: str | None
    status: str | None
    at: datetime | None
    agent_id: UUID
    agent_name: str
    messages: int | None
    source: str

    @property
    def title(self):
        return (self.label or "(no session id)") if self.store == "session" else f"chat {str(self.id)[:8]}"

    @cached_property
    def agent(self):
        return Agent.with_columns(id=self.agent_id, name=self.agent_name)

    @property
    def is_shared(self):
        """The session `default`, which callers of all tenants share."""
        return self.label == AgentSession.SHARED_ID

    @property
    def url(self):
        return address_of(AgentSession if self.store == "session" else ChatSession, self.id)


def conversations_read(organization, user, limit, *, many_agents=False):
    """The statement that reads the newest conversations in the stores that `user` may see, and its parameters."""
    stores = ["session", "chat"] if user.has_perm("agents.view_chatsession") else ["session"]
    reads = [
        LATEST_FIRST.format(of_latest=OF_LATEST[store], by_agent=BY_AGENT[store])
        if many_agents
        else BY_AGENT[store]
        for store in stores
    ]
    return NEWEST.format(stores=" union all ".join(reads)), {"id": organization.pk, "limit": limit}


def conversations_of(organization, user, limit, *, many_agents=False):
    """The newest Conversations, in one query."""
    (rows,) = read_together([conversations_read(organization, user, limit, many_agents=many_agents)])
    return [Conversation(*row) for row in rows]
