from django.db.models import F, Func, TextField, Value

from agents.conversations.labels import UseCount
from agents.models import (
    Agent,
    AgentMessage,
    AgentSession,
    ChatMessage,
    ChatSession,
    Conversation,
    Label,
    Sample,
)
from agents.questions.conditions import ASKED
from agents.questions.tables import NOT_OFFERED, BriefColumn
from backoffice.tables import Column, Table


class Joined(Func):
    """The elements of an array as one text."""

    function = "array_to_string"
    output_field = TextField()

    def __init__(self, column):
        super().__init__(F(column), Value(", "))


class LabelNames(Func):
    """The names of a conversation's labels as one text."""

    template = (
        "(select string_agg(l.name, ', ' order by l.name) from agents_label l"
        " where l.id = any (%(expressions)s))"
    )
    output_field = TextField()


class ConversationTable(Table):
    started_at = Column("Started", order="started")
    organization = Column("Organization")
    agent = Column("Agent")
    channel = Column("Channel")
    status = Column("Status")
    flags = Column("Flags", export=Joined("flags"))
    length_seconds = Column("Length", order="length", numeric=True)
    stored = Column("Messages", order="messages", numeric=True)
    tokens = Column("Tokens", order="tokens", numeric=True)
    cost_usd = Column("Cost (USD)", order="cost", numeric=True)
    caller = Column("Caller")
    outcome = Column("Outcome")
    last_at = Column("Last activity", order="activity", shown=False)
    counted = Column("Messages counted", numeric=True, shown=False)
    external_id = Column("Session id", shown=False)
    source_id = Column("Id in its store", shown=False)
    store = Column("Store", shown=False)
    labels = Column("Labels", shown=False, export=LabelNames(F("labels")))
    reviewed_by = Column("Reviewed by", shown=False)
    reviewed_at = Column("Reviewed", shown=False)

    class Meta(Table.Meta):
        model = Conversation
        fields = []
        rows = "agents/conversation_rows.html"


class AgentColumns(Table):
    name = Column("Name", order="name")
    organization = Column("Organization")
    llm_model = BriefColumn("llm_model", shown=True)
    voice_provider = BriefColumn("voice_provider", shown=True)
    is_published = Column("Published")
    version = Column("Version", numeric=True)
    created_at = Column("Created", order="created")

    class Meta(Table.Meta):
        model = Agent
        fields = []
        rows = "agents/agent_rows.html"


# Settings are shown and exported as they are in effect; their columns alone would often be wrong.
AgentTable = type(
    "AgentTable",
    (AgentColumns,),
    {name: BriefColumn(name) for name in ASKED if name not in {*NOT_OFFERED, *AgentColumns.base_columns}},
)


class AgentSessionTable(Table):
    external_id = Column("Session")
    agent = Column("Agent")
    organization = Column("Organization", accessor="agent__organization")
    channel = Column("Channel")
    status = Column("Status")
    message_count = Column("Messages", numeric=True)
    last_activity_at = Column("Last activity", order="activity")
    created_at = Column("Started", order="created")
    profile = Column("Signed-in user", shown=False, needs=["profile__email"])

    class Meta(Table.Meta):
        model = AgentSession
        fields = []
        rows = "agents/agentsession_rows.html"


class AgentMessageTable(Table):
    created_at = Column("Time", order="created")
    session = Column("Session")
    role = Column("Role")
    content = Column("Text", export=False)  # what was said leaves by no file
    tokens_used = Column("Tokens", numeric=True)
    latency_ms = Column("Latency", numeric=True)
    model_used = Column("Model")

    class Meta(Table.Meta):
        model = AgentMessage
        fields = []
        rows = "agents/agentmessage_rows.html"


class ChatSessionTable(Table):
    created_at = Column("Started", order="created")
    agent = Column("Agent")
    organization = Column("Organization", accessor="agent__organization")
    profile = Column("Signed-in user")

    class Meta(Table.Meta):
        model = ChatSession
        fields = []
        rows = "agents/chatsession_rows.html"


class ChatMessageTable(Table):
    timestamp = Column("Time", order="created")
    session = Column("Chat")
    role = Column("Role")
    text = Column("Text", export=False)

    class Meta(Table.Meta):
        model = ChatMessage
        fields = []
        rows = "agents/chatmessage_rows.html"


class LabelTable(Table):
    name = Column("Label", order="name")
    meaning = Column("When to use it")
    uses = Column("Uses", numeric=True, export=UseCount())
    is_retired = Column("Retired")
    created_at = Column("Added", shown=False)

    class Meta(Table.Meta):
        model = Label
        fields = []
        rows = "agents/label_rows.html"


class SampleTable(Table):
    name = Column("Sample")
    progress = Column("Reviewed", export=False)
    rate = Column("Success rate", export=False)
    of = Column("Drawn from", numeric=True)
    seed = Column("Seed")
    owner_name = Column("Drawn by")
    created_at = Column("Drawn", order="created")

    class Meta(Table.Meta):
        model = Sample
        fields = []
        rows = "agents/sample_rows.html"
