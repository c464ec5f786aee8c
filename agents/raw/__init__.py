"""Editing a configuration as JSON: secrets stand as placeholders, faults are said by path, a diff comes first."""

from agents.raw.change import Change
from agents.raw.save import change_to, save_config, version_of
from agents.raw.text import EMPTY, Faults, parse, text_of

__all__ = ["EMPTY", "Change", "Faults", "change_to", "parse", "save_config", "text_of", "version_of"]
