"""A tenant's newest conversations out of all three stores, merged by the database."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.urls import reverse

from agents.models import Agent, AgentSession
from tenants.desk.together import read_together

# The newest rows of each agent by its index, so that the cost goes by the number of agents, not of conversations; for a
# tenant with very many agents the store as a whole, newest first. What was stored is looked up for what is shown.
SESSION = """
  select 'session' as store, s.id, s.session_id as label, s.channel, s.status, s.message_count as messages,
    s.last_activity_at as at, a.id as agent_id, a.name as agent_name"""
CHAT = "select 'chat', c.id, null, null, null, null, c.created_at, a.id, a.name"
SESSION_ORDER = "order by coalesce(s.last_activity_at, '-infinity') desc, s.id desc limit %(limit)s"
CHAT_ORDER = "order by coalesce(c.created_at, '-infinity') desc, c.id desc limit %(limit)s"
BY_AGENT = {
    "session": f"""{SESSION} from agents a cross join lateral (
      select * from agent_sessions s where s.agent_id = a.id {SESSION_ORDER}) s where a.organization_id = %(id)s""",
    "chat": f"""{CHAT} from agents a cross join lateral (
      select * from chat_sessions c where c.project_id = a.id {CHAT_ORDER}) c where a.organization_id = %(id)s""",
}
BY_TIME = {
    "session": f"""({SESSION} from agent_sessions s join agents a on a.id = s.agent_id
      where a.organization_id = %(id)s {SESSION_ORDER})""",
    "chat": f"""({CHAT} from chat_sessions c join agents a on a.id = c.project_id
      where a.organization_id = %(id)s {CHAT_ORDER})""",
}
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

    @property
    def agent(self):
        return Agent(pk=self.agent_id, name=self.agent_name)

    @property
    def is_shared(self):
        """The session `default`, which callers of all tenants share."""
        return self.label == AgentSession.SHARED_ID

    @property
    def url(self):
        page = "agentsession_detail" if self.store == "session" else "chatsession_detail"
        return reverse(f"agents:{page}", args=[self.id])


def conversations_read(organization, user, limit, *, many_agents=False):
    """The statement that reads the newest conversations in the stores that `user` may see, and its parameters."""
    reads = BY_TIME if many_agents else BY_AGENT
    stores = [reads["session"]]
    if user.has_perm("agents.view_chatsession"):
        stores.append(reads["chat"])
    return NEWEST.format(stores=" union all ".join(stores)), {"id": organization.pk, "limit": limit}


def conversations_of(organization, user, limit, *, many_agents=False):
    """The newest Conversations, in one query."""
    (rows,) = read_together([conversations_read(organization, user, limit, many_agents=many_agents)])
    return [Conversation(*row) for row in rows]
