"""AI agents, their conversations in the current store and the legacy one, and what the back office
keeps about conversations: the list that unites the stores, the search index, reviews.
"""

from agents.models.agents import NOT_ENFORCED, NOT_USED, Agent, json_default, short_decimal
from agents.models.changes import SettingChange, SettingChangeRow
from agents.models.conversations import (
    FLAG_MEANING,
    Conversation,
    Flag,
    IndexedTurn,
    IndexState,
    Outcome,
    Store,
)
from agents.models.legacy import ChatMessage, ChatSession
from agents.models.reviews import Label, LabelUse, Review, ReviewNote, Sample, SampleItem
from agents.models.sessions import AgentMessage, AgentSession, Channel, quiet_since

__all__ = [
    "FLAG_MEANING",
    "NOT_ENFORCED",
    "NOT_USED",
    "Agent",
    "AgentMessage",
    "AgentSession",
    "Channel",
    "ChatMessage",
    "ChatSession",
    "Conversation",
    "Flag",
    "IndexState",
    "IndexedTurn",
    "Label",
    "LabelUse",
    "Outcome",
    "Review",
    "ReviewNote",
    "Sample",
    "SampleItem",
    "SettingChange",
    "SettingChangeRow",
    "Store",
    "json_default",
    "quiet_since",
    "short_decimal",
]
