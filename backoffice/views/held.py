from django.http import Http404
from django.shortcuts import render
from django.views import View

from backoffice.display import redact_text
from backoffice.sessions import held

SHOWN = 300  # characters of one value
OF_THE_FORM = {"opened", "next", "idempotency_key"}  # not typed by anybody


class Held(View):
    """What was typed into a form that came too late: shown, and sent again by its person."""

    http_method_names = ["get"]

    def get(self, request, key):
        form = held.find(request, key)
        if form is None:
            raise Http404("Nothing waits here any more: what was typed is kept for half an hour.")
        typed = [
            (name.strip("_").replace("_", " ").capitalize(), redact_text(value)[:SHOWN])
            for name, value in form["fields"]
            if value.strip() and not name.startswith("_") and name not in OF_THE_FORM
        ]
        context = {"page_title": "Send what you typed?", "held": form, "typed": typed}
        return render(request, "backoffice/held.html", context)
