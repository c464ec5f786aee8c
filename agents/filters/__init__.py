from agents.filters.conversations import ConversationFilter
from agents.filters.reviews import LabelFilter, SampleFilter
from agents.filters.stores import (
    AgentFilter,
    AgentMessageFilter,
    AgentSessionFilter,
    ChatMessageFilter,
    ChatSessionFilter,
    TenantFilter,
)

__all__ = [
    "AgentFilter",
    "AgentMessageFilter",
    "AgentSessionFilter",
    "ChatMessageFilter",
    "ChatSessionFilter",
    "ConversationFilter",
    "LabelFilter",
    "SampleFilter",
    "TenantFilter",
]
