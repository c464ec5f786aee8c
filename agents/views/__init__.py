"""Pages of agents and conversations."""

from agents.views.agents import AgentCreate, AgentDelete, AgentDetail, AgentList, AgentUpdate
from agents.views.conversation import (
    AgentSessionDetail,
    AgentSessionReveal,
    ChatSessionDetail,
    ChatSessionReveal,
)
from agents.views.conversations import ConversationCounts, ConversationList, ConversationRecord
from agents.views.labels import (
    LabelCreate,
    LabelDelete,
    LabelDetail,
    LabelList,
    LabelRestore,
    LabelRetire,
    LabelUpdate,
)
from agents.views.reviews import (
    ReviewLabel,
    ReviewLabelOff,
    ReviewNoteAdd,
    ReviewNoteDelete,
    ReviewNoteEdit,
    ReviewOutcome,
    ReviewTurn,
)
from agents.views.sample_review import SampleReview
from agents.views.samples import SampleDelete, SampleDetail, SampleDraw, SampleList
from agents.views.stores import (
    READ,
    AgentMessageDetail,
    AgentMessageList,
    AgentMessageRecording,
    AgentSessionClose,
    AgentSessionDelete,
    AgentSessionList,
    ChatMessageDetail,
    ChatMessageList,
    ChatSessionDelete,
    ChatSessionList,
)
from agents.views.turn_export import TurnExport

__all__ = [
    "READ",
from agents.views.search import ConversationSearch
    "AgentCreate",
    "AgentDelete",
    "AgentDetail",
    "AgentList",
    "AgentMessageDetail",
    "AgentMessageList",
    "AgentMessageRecording",
    "AgentSessionClose",
    "AgentSessionDelete",
    "AgentSessionDetail",
    "AgentSessionList",
    "AgentSessionReveal",
    "AgentUpdate",
    "ChatMessageDetail",
    "ChatMessageList",
    "ChatSessionDelete",
    "ChatSessionDetail",
    "ChatSessionList",
    "ChatSessionReveal",
    "ConversationCounts",
    "ConversationList",
    "ConversationRecord",
    "LabelCreate",
    "LabelDelete",
    "LabelDetail",
    "LabelList",
    "LabelRestore",
    "LabelRetire",
    "LabelUpdate",
    "ReviewLabel",
    "ReviewLabelOff",
    "ReviewNoteAdd",
    "ReviewNoteDelete",
    "ReviewNoteEdit",
    "ReviewOutcome",
    "ReviewTurn",
    "SampleDelete",
    "SampleDetail",
    "SampleDraw",
    "SampleList",
    "SampleReview",
    "TurnExport",
]
    "ConversationSearch",
