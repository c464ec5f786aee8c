"""A form that was sent too late: after its session ended, or when the person had to confirm first who they are.

What was typed waits in the session (docs/staff.md says why there) until the person has signed in or confirmed, and is
sent again by themselves from the page /held/<id>/. Secrets and files are not kept: they are asked for again.
"""

import json
import secrets
import time

from django.urls import reverse

from backoffice.display import HIDDEN, SECRET_KEY, parse_json, redact

SESSION_KEY = "held"
MINUTES = 30
MOST = 2  # forms of one session
PLACEHOLDER = "[secret]"  # keeps what is stored at its place
LONGEST = 200_000  # characters of one form


def keep(request, account_id):
    """Keeps the POST for this account; returns the address where it can be sent again, "" where it is too long."""
    skipped = {"csrfmiddlewaretoken"}
    if "_preview" in request.POST:  # asked for while typing: the form is not finished
        skipped.add("_preview")
    secret = {name for name in request.POST if name not in skipped and SECRET_KEY.search(name)}
    fields = [
        (name, without_secrets(value))
        for name, values in request.POST.lists()
        if name not in skipped | secret
        for value in values
    ]
    secret |= {name for name, value in fields if value not in request.POST.getlist(name)}
    if sum(len(name) + len(value) for name, value in fields) > LONGEST:
        return ""
    key = secrets.token_urlsafe(9)
    form = {
        "account": account_id,
        "at": time.time(),
        "path": request.get_full_path(),
        "fields": fields,
        "left_out": sorted({*request.FILES, *secret}),
    }
    request.session[SESSION_KEY] = {**dict(list(waiting(request).items())[1 - MOST :]), key: form}
    return reverse("held", args=[key])


def without_secrets(text):
    """A text as it is typed; JSON with secrets in it (a configuration) has PLACEHOLDER in their places."""
    parsed = parse_json(text)
    if parsed is None:
        return text
    kept = json.loads(json.dumps(redact(parsed)).replace(json.dumps(HIDDEN)[1:-1], PLACEHOLDER))
    return text if kept == parsed else json.dumps(kept, indent=2, ensure_ascii=False)


def waiting(request):
    """{key: form} of those that are still kept."""
    after = time.time() - MINUTES * 60
    return {key: form for key, form in request.session.get(SESSION_KEY, {}).items() if form["at"] > after}


def tidy(request):
    """Forgets what is too old; changes the session only then."""
    if len(kept := waiting(request)) < len(request.session.get(SESSION_KEY, ())):
        request.session[SESSION_KEY] = kept


def find(request, key):
    """The form, for the person who typed it; None for everybody else."""
    form = waiting(request).get(key)
    return form if form and form["account"] == request.user.pk else None
