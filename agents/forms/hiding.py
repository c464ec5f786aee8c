"""Values that hold a secret, or may: the form shows them without it, and keeps them as long as nobody types another."""

import copy
import json

from agents.secrets import fingerprint
from backoffice.display import HIDDEN, redact_text
from backoffice.forms import StaffForm

TYPE_IT = "What is hidden cannot be kept in another value: type it as a whole."


class HidingForm(StaffForm):
    """An agent's form without the log-in and token of its webhook's address, and without a name that is JSON.

    The snapshot that travels with the form has a fingerprint in their place.
    """

    WHY_HIDDEN = {
        "name": "A fault of the builder has stored JSON as the name. It stays unless you type a name.",
        "webhook_url": "Begins with https://. What is hidden stays as long as you leave the address as it is.",
    }

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.stored = copy.copy(self.instance)  # which cleaning writes to
        for name, shown in self.hidden_in(self.instance).items():
            if self.initial.get(name) == getattr(self.instance, name):
                self.initial[name] = shown

    def hidden_in(self, instance):
        """{field: what is shown of it} of those that are not shown as they are stored."""
        found = {}
        if "name" in self.fields and instance.has_json_name:
            found["name"] = ""
        address = instance.webhook_url
        if "webhook_url" in self.fields and address and redact_text(address) != address:
            found["webhook_url"] = redact_text(address)
        return found

    def seen_in(self, instance):
        marks = {
            name: json.dumps([shown, fingerprint(getattr(instance, name))])
            for name, shown in self.hidden_in(instance).items()
        }
        return super().seen_in(instance) | marks

    def opened_values(self):
        """With what is still stored in the place of its fingerprint; of anything else there is what was shown."""
        opened = super().opened_values()
        for name in self.WHY_HIDDEN.keys() & opened.keys():
            seen = json.loads(opened[name])
            if isinstance(seen, list):
                stored = getattr(self.stored, name)
                opened[name] = json.dumps(stored if fingerprint(stored) == seen[1] else seen[0])
        return opened

    def clean(self):
        cleaned = super().clean()
        for name in self.hidden_in(self.stored):
            if name not in self.changed_data:
                cleaned[name] = getattr(self.stored, name)
            elif HIDDEN in (cleaned.get(name) or ""):
                self.add_error(name, TYPE_IT)
        return cleaned
