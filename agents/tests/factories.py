from agents.conversations import index, samples
from agents.models import (
    Agent,
    AgentMessage,
    AgentSession,
    ChatMessage,
    ChatSession,
    Conversation,
    Label,
    Sample,
    Store,
)
from agents.questions import changing
from agents.questions.deeds import Deed
from backoffice import services
from backoffice.models import BulkRun
from backoffice.testing import make_user
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


def make_conversation(said=("Hello", "Good day"), record=None, **fields):
    """The row of the list for a session with these turns, visitor and agent in turn, or for a session or chat given."""
    if record is None:
        record = make_session(**fields)
        for n, text in enumerate(said):
            time = f"2026-01-01T10:{n // 60:02}:{n % 60:02}Z"
            make_message(record, role="assistant" if n % 2 else "user", content=text, created_at=time)
    index.refresh(Store.SESSION if isinstance(record, AgentSession) else Store.CHAT, [record.pk])
    return Conversation.objects.of(record).get()


def make_label(actor=None, **fields):
    label = Label(**{"name": f"Label {serial()}", **fields})
    return services.save(label, actor=actor or make_user("manager", email=f"labels{serial()}@example.test"))


def make_sample(actor, conversations=None, **fields):
    """A sample of all conversations there are; of one, if there is none."""
    if conversations is None:
        if not Conversation.objects.exists():
            make_conversation()
        conversations = Conversation.objects.all()
    sample = Sample(**{"name": f"Sample {serial()}", "seed": "seed", "size": 50, **fields})
    return samples.draw_sample(sample, actor=actor, conversations=conversations)


def make_setting_change(actor, agents=None, deeds=None):
    """A change with its dry run, not confirmed."""
    agents = agents or [make_agent()]
    run = BulkRun.objects.create(
        owner=actor,
        list_name="agents:question_list",
        action="ChangeSettings",
        row_ids=[str(agent.pk) for agent in agents],
    )
    return changing.prepare_change(run, deeds or [Deed("llm_model", "set", "gpt-4.1")], actor=actor)
