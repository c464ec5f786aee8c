"""The conversation of a call: found by the text of its session id alone, which nothing verifies."""

from dataclasses import dataclass, field

from agents.models import AgentSession
from telephony.models import CallLog

MOST = 100


@dataclass(frozen=True)
class Joined:
    """`session` is None where none matches; `doubts` are sentences on why it may be another call's conversation."""

    session: AgentSession | None
    doubts: list = field(default_factory=list)


def joined_to(call):
    """The Joined of a call; two queries."""
    if not call.session_ref:
        return Joined(None)
    sessions = AgentSession.objects.select_related("agent__organization")
    session = sessions.filter(external_id=call.session_ref).first()
    if session is None:
        return Joined(None)
    return Joined(session, list(doubts(call, session)))


def doubts(call, session):
    if session.is_shared:
        yield "It is the session that callers of all tenants share."
    agent = session.agent
    if agent.organization_id != call.organization_id:
        yield f"Its agent is another tenant's: {agent} of {agent.organization}."
    elif call.agent_id and session.agent_id != call.agent_id:
        yield f"Its agent is another one: {agent}."
    named = CallLog.objects.filter(session_ref=call.session_ref).exclude(pk=call.pk).order_by().values("pk")
    if others := named[: MOST + 1].count():
        number = f"More than {MOST}" if others > MOST else others
        yield f"{number} other call{'' if others == 1 else 's'} name{'s' if others == 1 else ''} the same session."
