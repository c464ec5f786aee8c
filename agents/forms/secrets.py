"""Secrets are set, replaced and taken away here; no form shows one."""

import re

from django import forms
from django.core.exceptions import ValidationError
from django.utils.text import Truncator

from agents import secrets
from agents.validation import headers_fault
from backoffice.forms import ReasonForm, YesNoSelect

NEW_ROWS = 3
MOST = 50
KEEP, REPLACE, REMOVE = "keep", "replace", "remove"
WHAT_TO_DO = [(KEEP, "Set: keep it"), (REPLACE, "Replace it"), (REMOVE, "Remove it")]
DOMAIN = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9-]+)*")


def secret_field(label, help_text=""):
    """For typing a secret: what was typed is not sent back either."""
    widget = forms.PasswordInput(attrs={"autocomplete": "new-password"})
    return forms.CharField(
        label=label, required=False, strip=False, max_length=4000, widget=widget, help_text=help_text
    )


def todo_field(label):
    return forms.ChoiceField(label=label, choices=WHAT_TO_DO, initial=KEEP, required=False)


class SecretsForm(ReasonForm):
    """Asks what to do with what is stored; `changes` is the answer, as its service takes it.

    If something else is stored than when the page was opened, the answers about it are put aside and asked again.
    """

    opened = forms.CharField(widget=forms.HiddenInput, required=False)
    asked_about = ()  # beginnings of the names of fields that are about what was stored

    def __init__(self, *args, stored, **kwargs):
        super().__init__(*args, **kwargs)
        self.stored = stored
        self.changes = {}
        self.moved = self.is_bound and self.data.get("opened") != secrets.fingerprint(stored)
        if self.moved:
            answers = self.data.copy()
            for name in self.data:
                if name.startswith(self.asked_about):
                    del answers[name]
            self.data = answers
            self.data["opened"] = secrets.fingerprint(stored)
        self.initial["opened"] = secrets.fingerprint(stored)
        self.add_fields()
        for name in ("reason", "opened"):
            self.fields[name] = self.fields.pop(name)

    def clean(self):
        cleaned = super().clean()
        if self.moved:
            raise ValidationError(secrets.MOVED)
        self.find_changes(cleaned)
        if not self.errors and not self.changes:
            raise ValidationError("Nothing would change.")
        return cleaned

    def answer(self, cleaned, todo, value):
        """(what to do, the new secret) of one stored secret; a secret that is typed replaces."""
        action, secret = cleaned.get(todo) or KEEP, cleaned.get(value) or ""
        if action == REMOVE and secret:
            self.add_error(value, "Leave this empty to remove it.")
        if action == REPLACE and not secret:
            self.add_error(value, "Type the new value.")
        return (REPLACE if secret and action == KEEP else action), secret


class HeadersForm(SecretsForm):
    """The names of its fields say what is a secret: such a value is not kept when the form comes too late."""

    asked_about = ("do_", "secret_")

    def add_fields(self):
        self.names = list(self.stored)[:MOST]
        for place, name in enumerate(self.names):
            label = Truncator(name).chars(60)
            self.fields[f"do_{place}"] = todo_field(label)
            self.fields[f"secret_{place}"] = secret_field(f"New value of {label}")
        for row in range(NEW_ROWS):
            self.fields[f"new_name_{row}"] = forms.CharField(label="Header", required=False, max_length=200)
            self.fields[f"new_secret_{row}"] = secret_field("Value")

    @property
    def sections(self):
        """[(heading, [BoundField])]"""
        found = [
            (Truncator(name).chars(60), [self[f"do_{place}"], self[f"secret_{place}"]])
            for place, name in enumerate(self.names)
        ]
        for row in range(NEW_ROWS):
            found.append(("A new header", [self[f"new_name_{row}"], self[f"new_secret_{row}"]]))
        return found

    def find_changes(self, cleaned):
        for place, name in enumerate(self.names):
            action, secret = self.answer(cleaned, f"do_{place}", f"secret_{place}")
            if action == REMOVE:
                self.changes[name] = None
            elif secret:
                self.set(name, secret, f"secret_{place}")
        for row in range(NEW_ROWS):
            name, secret = (
                (cleaned.get(f"new_name_{row}") or "").strip(),
                cleaned.get(f"new_secret_{row}") or "",
            )
            if name and not secret:
                self.add_error(f"new_secret_{row}", "Type the value of this header.")
            elif secret and not name:
                self.add_error(f"new_name_{row}", "Type the name of this header.")
            elif name:
                taken = {known.lower() for known, value in (self.stored | self.changes).items()}
                if name.lower() in taken:
                    self.add_error(f"new_name_{row}", f"{name} is set already; replace it above.")
                elif headers_fault({name: "x"}):
                    self.add_error(f"new_name_{row}", headers_fault({name: "x"}))
                else:
                    self.set(name, secret, f"new_secret_{row}")

    def set(self, name, secret, field):
        if fault := headers_fault({"X": secret}):
            self.add_error(field, fault.replace("of X", "of a header"))
        else:
            self.changes[name] = secret


class SipForm(SecretsForm):
    """The log-in that a configuration keeps beside the trunks; only what was changed is checked and written."""

    PLAIN = ("enabled", "username", "domain", "port")
    asked_about = ("do_", "password", *PLAIN)

    def add_fields(self):
        text = {"required": False, "max_length": 255}
        self.fields["enabled"] = forms.NullBooleanField(required=False, widget=YesNoSelect)
        self.fields["username"] = forms.CharField(**text, label="User name")
        self.fields["domain"] = forms.CharField(
            **text, help_text="Such as sip.example.net, without sip: or a path."
        )
        self.fields["port"] = forms.CharField(
            required=False,
            help_text="1 to 65535, usually 5060.",
            widget=forms.NumberInput(attrs={"min": 1, "max": 65535, "step": 1}),
        )
        for name in self.PLAIN:
            self.initial[name] = self.plain(name)
        if self.has_password:
            self.fields["do_password"] = todo_field("Password")
        label = "New password" if self.has_password else "Password (not set)"
        self.fields["password"] = secret_field(
            label, "It is written, and cannot be read again by anybody here."
        )

    @property
    def has_password(self):
        return self.stored.get("password") not in (None, "")

    def plain(self, name):
        """What is stored, where its control can show it."""
        value = self.stored.get(name)
        if name == "enabled":
            return value if isinstance(value, bool) else None
        is_shown = isinstance(value, str | int | float) and not isinstance(value, bool)
        return str(value)[:255] if is_shown else ""

    @property
    def sections(self):
        """[(heading, [BoundField])]"""
        passwords = [self[name] for name in ("do_password", "password") if name in self.fields]
        return [("Log-in", [self[name] for name in self.PLAIN]), ("Password", passwords)]

    def find_changes(self, cleaned):
        for name in self.PLAIN:
            value, before = cleaned.get(name), self.plain(name)
            if name in self.errors or value == before or (name != "enabled" and not value and not before):
                continue
            if fault := self.fault(name, value):
                self.add_error(name, fault)
            else:
                self.changes[name] = (
                    int(value) if name == "port" and value else None if value == "" else value
                )
        action, secret = self.answer(cleaned, "do_password", "password")
        if action == REMOVE:
            self.changes["password"] = None
        elif secret:
            self.changes["password"] = secret
        self.changes = {
            name: value for name, value in self.changes.items() if value is not None or name in self.stored
        }

    def fault(self, name, value):
        if name == "domain" and value and not DOMAIN.fullmatch(value):
            return "A domain looks like sip.example.net, without sip:, a port or a path."
        if name == "username" and value and re.search(r"[\s@:/]", value):
            return "A user name has no spaces, and neither @ nor : nor / in it."
        if (
            name == "port"
            and value
            and not (value.isascii() and value.isdigit() and 1 <= int(value[:6]) <= 65535)
        ):
            return "A port is a whole number from 1 to 65535."
        return ""
