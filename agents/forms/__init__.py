"""Forms of an agent: its settings, its secrets, its JSON."""

from agents.forms.agent import AgentAddForm, AgentForm

__all__ = ["AgentAddForm", "AgentForm"]
