from agents.models import Agent, AgentMessage, AgentSession, ChatMessage, ChatSession
from tenants.tests.factories import insert, make_organization, serial


def make_agent(organization=None, **fields):
    fields = {"name": f"Agent {serial()}", **fields}
    return insert(Agent, organization=organization or make_organization(), **fields)


def make_session(agent=None, **fields):
    fields = {"external_id": f"session_1765000000000_{serial():09}", **fields}
    return insert(AgentSession, agent=agent or make_agent(), **fields)


def make_message(session=None, **fields):
    fields = {"role": "user", "content": f"Question {serial()}", **fields}
    return insert(AgentMessage, session=session or make_session(), **fields)


def make_chat_session(agent=None, **fields):
    return insert(ChatSession, agent=agent or make_agent(), **fields)


def make_chat_message(session=None, **fields):
    fields = {"role": "user", "text": f"Legacy question {serial()}", **fields}
    return insert(ChatMessage, session=session or make_chat_session(), **fields)
