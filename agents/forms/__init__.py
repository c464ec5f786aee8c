"""Forms of an agent: its settings, its secrets, its JSON."""

from agents.forms.agent import AgentAddForm, AgentForm
from agents.forms.secrets import HeadersForm, SipForm

__all__ = ["AgentAddForm", "AgentForm", "HeadersForm", "SipForm"]
