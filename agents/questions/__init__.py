"""Questions about the settings of all agents, as they are in effect, and changing many of them at once."""
