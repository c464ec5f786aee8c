"""Addresses as reverse() gives them, where a page asks for many: it takes a hundred calls of functions for each.

What is kept is the same as long as the process lives. `prefix` is get_script_prefix(), which begins all addresses.
"""

from contextvars import ContextVar
from functools import cache
from uuid import UUID

from django.db import models
from django.urls import NoReverseMatch, get_script_prefix, reverse

from backoffice.holding import holding

# Of the request: Django's own takes as long to ask as the rest of an address takes to write.
kept_prefix = ContextVar("kept_prefix", default=None)

# Of keys that make an address on their own, and stand for others of their type.
SAMPLES = {UUID: UUID(int=0), int: 0}


def keeping_prefix():
    """Within it, what all addresses begin with stays what it is now."""
    return holding(kept_prefix, get_script_prefix())


def script_prefix():
    return kept_prefix.get() or get_script_prefix()


@cache
def fixed_under(prefix, name, *args):
    """fixed_address() where many are asked for."""
    return reverse(name, args=args)


def fixed_address(name, *args):
    """The address of what does not depend on a row. Not for keys of rows: each would be kept for good."""
    return fixed_under(script_prefix(), name, *args)


@cache
def around(prefix, name, kind):
    """What stands before and behind the key in the addresses of a page of rows whose key is of a type of SAMPLES."""
    key = str(SAMPLES[kind])
    before, _, behind = reverse(name, args=[key]).rpartition(f"/{key}/")
    return f"{before}/", f"/{behind}"


def row_address(name, key):
    """reverse(name, args=[key])."""
    kind = type(key)
    if kind not in SAMPLES or (kind is int and key < 0):
        return reverse(name, args=[key])
    try:
        before, behind = around(script_prefix(), name, kind)
    except NoReverseMatch:
        return reverse(name, args=[key])  # which says so of this key
    return f"{before}{key}{behind}"


@cache
def folder_of(model, prefix):
    """Where the pages of a model's rows are: "/tenants/notes/"."""
    kind = UUID if isinstance(model._meta.pk, models.UUIDField) else int
    return around(prefix, f"{model._meta.app_label}:{model._meta.model_name}_detail", kind)[0]


def address_of(model, key):
    """The page of a row."""
    return f"{folder_of(model, script_prefix())}{key}/"
