"""Undo: the page that puts back one change, and the one for everything that ran under one request or job."""

from django import forms
from django.contrib import messages
from django.core import signing
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.functional import cached_property
from django.views import View

from backoffice import fresh, jobs, reverts
from backoffice.audit import undo_tag
from backoffice.display import names_of, side
from backoffice.forms import ReasonForm
from backoffice.generic import safe_next
from backoffice.logs import request_id
from backoffice.models import AuditEvent
from backoffice.roles import field_permission, role_of
from backoffice.ways_back import planned

MOST_AT_ONCE = 200  # audit events of a batch; more of them are put back by a job


def needed_permissions(change):
    """Those of which one is enough to put something of this change back."""
    if change.model is None:
        return {"backoffice.view_auditevent"}
    needed = {field_permission(change.model, one.name) for one in change.fields}
    return needed or {field_permission(change.model, "")}


def ask_fresh(request, changes):
    """The answer that leads to the confirmation, where putting this back needs one; else None."""
    needed = {
        name
        for change in changes
        for name in (change.way.permissions if change.way is not None else needed_permissions(change))
    }
    return next((asked for name in sorted(needed) if (asked := fresh.ask(request, name))), None)


def missing_permission(change, user):
    """The permission without which nothing of this change can be put back; "" for those who may."""
    if change.way is not None:
        return change.way.missing_permission(user)
    needed = needed_permissions(change)
    if change.model is not None:
        meta = change.model._meta
        if not user.has_perm(view := f"{meta.app_label}.view_{meta.model_name}"):
            return view
    return "" if any(user.has_perm(name) for name in needed) else min(needed)


def require(changes, user):
    """Refuses those who may put back nothing of it."""
    missing = [missing_permission(change, user) for change in changes]
    if all(missing):
        raise PermissionDenied(
            f"Your role ({role_of(user)}) may not undo this change; it lacks the permission {missing[0]}."
        )


class RevertForm(ReasonForm):
    """Why, and for each field that can be put back which of its values it shall have."""

    opened = forms.CharField(widget=forms.HiddenInput)

    def __init__(self, *args, change, **kwargs):
        super().__init__(*args, **kwargs)
        self.change = change
        for one in self.asked():
            self.fields[f"pick_{one.name}"] = forms.ChoiceField(
                label=one.label,
                choices=[(value, value) for value in choices_of(one)],
                error_messages={"required": "Choose one of the values."},
            )

    def asked(self):
        return [one for one in self.change.fields if len(choices_of(one)) > 1]

    def clean_opened(self):
        try:
            return signing.loads(self.cleaned_data["opened"], salt="revert")
        except signing.BadSignature:
            raise ValidationError("This page is out of date. Open it again.") from None

    def answers(self):
        return {one.name: self.cleaned_data[f"pick_{one.name}"] for one in self.asked()}


def choices_of(one):
    """The values among which one can choose: what is stored, and each other one that can be written."""
    choices = [reverts.STORED]
    stored = reverts.text_of(one.stored)
    written = reverts.text_of(one.written)
    if not one.faults.get(reverts.BEFORE) and reverts.text_of(one.before) != stored:
        choices.append(reverts.BEFORE)
    if not one.faults.get(reverts.WRITTEN) and written not in (stored, reverts.text_of(one.before)):
        choices.append(reverts.WRITTEN)
    return choices


class RevertChange(View):
    """One change. What is still as it wrote it is put back; about the rest the page asks, field by field.

    ?field=<column> limits it to one field. A POST that did not come from the page (the toast's Undo) goes ahead where
    there is nothing to ask, and shows the page otherwise.
    """

    model = AuditEvent

    @cached_property
    def event(self):
        return get_object_or_404(AuditEvent, pk=self.kwargs["pk"])

    def read(self):
        (change,) = reverts.changes_of([self.event], self.request.user)
        return self.limited(change)

    def limited(self, change):
        if column := self.request.GET.get("field"):
            found = [f for f in change.fields if column in (f.name, getattr(f.model_field, "column", ""))]
            if change.fields and not found:
                raise Http404
            change.fields = found
        return change

    @property
    def default_reason(self):
        return f"Undo of change {self.event.pk}"

    def get(self, request, pk):
        change = self.read()
        require([change], request.user)
        return ask_fresh(request, [change]) or self.show(change, self.new_form(change))

    def post(self, request, pk):
        change = self.read()
        require([change], request.user)
        if asked := ask_fresh(request, [change]):
            return asked
        one_click = "opened" not in request.POST
        form = self.new_form(change) if one_click else RevertForm(request.POST, change=change)
        if not one_click and not form.is_valid():
            return self.show(change, form, status=422)
        reason = self.default_reason if one_click else form.cleaned_data["reason"]
        answers = None if one_click else form.answers()
        try:
            names = reverts.put_back(
                change,
                actor=request.user,
                reason=reason,
                answers=answers,
                seen=None if one_click else form.cleaned_data["opened"],
            )
        except reverts.Differs as error:
            change = self.limited(error.change)
            form = self.new_form(change, reason=reason, answers=answers or {})
            return self.show(change, form, status=409, moved=not one_click)
        except ValidationError as error:
            page = next((one.page for one in change.fields if one.page), "")
            if one_click and page:
                return HttpResponseRedirect(page)
            return self.show(change, form, status=422, problems=error.messages)
        if not names:
            return self.show(change, form, status=422, problems=["As chosen, nothing would change."])
        return self.done(change, names)

    def new_form(self, change, reason="", answers=None):
        stored = {one.name: reverts.text_of(one.stored) for one in change.fields if one.model_field}
        initial = {
            "reason": reason or self.default_reason,
            "opened": signing.dumps(stored, salt="revert", compress=True),
        }
        for one in change.fields:
            picked = reverts.BEFORE if one.state == "ready" else reverts.STORED if one.state == "done" else ""
            initial[f"pick_{one.name}"] = (answers or {}).get(one.name) or picked
        return RevertForm(change=change, initial=initial)

    def done(self, change, names):
        labels = ", ".join(one.label for one in change.fields if one.name in names)
        obj = change.model._base_manager.get(pk=change.obj.pk)
        messages.success(
            self.request, f"{labels} of {obj} put back.", extra_tags=undo_tag(obj, self.request.user)
        )
        return HttpResponseRedirect(safe_next(self.request, record_url(obj)))

    def show(self, change, form, *, status=200, problems=(), moved=False):
        event = self.event
        url = record_url(change.obj) if change.obj is not None else ""
        can_audit = self.request.user.has_perm("backoffice.view_auditevent")
        context = {
            "page_title": f"Undo a change of {change.obj or change.label}",
            "change": change,
            "event": event,
            "form": form,
            "rows": compare_rows(change, form),
            "asks": bool(change.in_state("differs")),
            "moved": moved,
            "problems": problems,
            "next": safe_next(self.request, ""),
            "cancel_url": safe_next(self.request, url or reverse("home")),
            "event_url": event.get_absolute_url() if can_audit else "",
            "crumbs": [(str(change.obj), url)] if url else [],
        }
        return render(self.request, "backoffice/revert.html", context, status=status)


def record_url(obj):
    return obj.get_absolute_url() if hasattr(obj, "get_absolute_url") else reverse("home")


def compare_rows(change, form=None):
    """What templates/components/three_values.html shows of each field."""
    values = [
        (one.model_field, value)
        for one in change.fields
        if one.model_field is not None
        for value in (one.before, one.written, one.stored)
    ]
    names = names_of(values)
    rows = []
    for one in change.fields:
        bound = form[f"pick_{one.name}"] if form and f"pick_{one.name}" in form.fields else None
        rows.append(
            {
                "name": f"pick_{one.name}",
                "label": one.label,
                "before": side(one.model_field, one.before, names),
                "written": side(one.model_field, one.written, names),
                "stored": side(one.model_field, one.stored, names)
                if one.model_field
                else "not readable here",
                "unchanged": reverts.text_of(one.written) == reverts.text_of(one.stored),
                "choices": choices_of(one) if bound is not None else [],
                "picked": bound.value() if bound is not None else "",
                "errors": bound.errors if bound is not None else [],
                "state": one.state,
                "why_not": one.why_not,
                "page": one.page,
            }
        )
    return rows


class RevertBatch(View):
    """Everything that ran under one request or job: what can be put back, what differs, what cannot.

    After it was put back the same page names what was left alone, and why.
    """

    @cached_property
    def events(self):
        batch = self.kwargs["batch"].replace("\0", "?")  # the database takes no NUL
        return list(reverts.batch_events(batch)[: MOST_AT_ONCE + 1])

    @property
    def is_large(self):
        return len(self.events) > MOST_AT_ONCE

    def read(self):
        if not self.events:
            raise Http404("Nothing was recorded under this request.")
        changes = planned(reverts.changes_of(self.events[:MOST_AT_ONCE], self.request.user))
        require(changes, self.request.user)
        return changes

    def new_form(self, data=None):
        return ReasonForm(data, initial={"reason": f"Undo of batch {self.kwargs['batch'][:8]}"})

    def get(self, request, batch):
        changes = self.read()
        return ask_fresh(request, changes) or self.show(changes, self.new_form())

    def post(self, request, batch):
        changes = self.read()
        if asked := ask_fresh(request, changes):
            return asked
        one_click = "reason" not in request.POST
        form = self.new_form(None if one_click else request.POST)
        if not one_click and not form.is_valid():
            return self.show(changes, form, status=422)
        reason = form["reason"].initial if one_click else form.cleaned_data["reason"]
        if self.is_large:
            job = jobs.start(
                "revert", title=f"Undo of batch {batch[:8]}", owner=request.user, batch=batch, reason=reason
            )
            return HttpResponseRedirect(job.get_absolute_url())
        only = None
        if not one_click:
            only = {tuple(text.split(":", 1)) for text in request.POST.getlist("row") if ":" in text}
            if not only:
                form.add_error(None, "Choose at least one record.")
                return self.show(changes, form, status=422)
        done, left = reverts.revert_batch(batch, actor=request.user, reason=reason, only=only)
        return self.done(done, left)

    def done(self, done, left):
        here = reverse("backoffice:batch_revert", args=[self.kwargs["batch"]])
        if done:
            undo = reverse("backoffice:batch_revert", args=[request_id.get()])
            text = f"{count(done)} put back."
            messages.success(self.request, text, extra_tags=f"undo:{undo}")
        if left:
            messages.warning(
                self.request, f"{count(left)} left alone, wholly or in part. This page says why."
            )
            return HttpResponseRedirect(here)
        return HttpResponseRedirect(safe_next(self.request, here))

    def show(self, changes, form, status=200):
        names = names_of(
            (one.model_field, value)
            for change in changes
            for one in change.fields
            if one.model_field is not None
            for value in (one.before, one.written, one.stored)
        )
        groups = {state: [] for state in ("ready", "differs", "done", "cannot")}
        chosen = self.request.POST.getlist("row") if form.is_bound else None
        for change in changes:
            key = f"{change.table}:{change.row_id}"
            groups[change.state].append(
                {
                    "change": change,
                    "key": key,
                    "checked": chosen is None or key in chosen,
                    "url": record_url(change.obj) if change.obj is not None else "",
                    "event_url": reverse("backoffice:auditevent_revert", args=[change.events[-1].pk]),
                    "why": " ".join(reverts.left_alone(change)) or change.problem,
                    "fields": [
                        {
                            "label": one.label,
                            "before": side(one.model_field, one.before, names),
                            "stored": side(one.model_field, one.stored, names),
                        }
                        for one in change.in_state("ready")
                    ],
                }
            )
        first = self.events[0]
        context = {
            "page_title": f"Undo of batch {self.kwargs['batch'][:8]}",
            "first": first,
            "groups": groups,
            "form": form,
            "is_large": self.is_large,
            "most": MOST_AT_ONCE,
            "next": safe_next(self.request, ""),
        }
        return render(self.request, "backoffice/revert_batch.html", context, status=status)


def count(rows):
    return f"{len(rows)} record{'' if len(rows) == 1 else 's'}"
