"""Pages of agents and conversations."""

from agents.views.agents import AgentCreate, AgentDelete, AgentDetail, AgentList, AgentUpdate
from agents.views.conversation import (
    AgentSessionDetail,
    AgentSessionReveal,
    ChatSessionDetail,
    ChatSessionReveal,
)
from agents.views.conversations import ConversationCounts, ConversationList
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
    "TurnExport",
]
