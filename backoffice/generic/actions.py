"""Verbs on one row, deleting among them."""

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpResponseRedirect

from backoffice import services
from backoffice.audit import undo_tag
from backoffice.forms import DeleteForm, ReasonForm
from backoffice.generic.page import ObjectPage


class ActionView(ObjectPage):
    """A verb on one row: asks for a reason (and what `form_class` adds), runs `service`, shows its ValidationError.

    `service(obj, actor=…, reason=…, **other fields of the form)`. `bulk_page` is the url name of a page that asks about
    many rows instead of the usual confirmation; it gets the BulkRun as ?run=.
    """

    page = "action"
    action = "change"
    service = None
    form_class = ReasonForm
    bulk_page = ""
    label = ""
    icon = "play"
    explanation = ""
    danger = False
    success = "Done."

    def deed(self):
        return f"{self.label.lower()} ({self.model._meta.verbose_name_plural})"

    @classmethod
    def applies_to(cls, obj):
        """Whether the verb makes sense for this row: whether its button is shown."""
        return True

    def get_form(self, **kwargs):
        return self.form_class(**kwargs)

    def get(self, request, pk):
        return self.show(self.get_form())

    def post(self, request, pk):
        form = self.get_form(data=request.POST)
        if form.is_valid():
            try:
                result = type(self).service(self.object, actor=request.user, **self.arguments(form))
            except ValidationError as error:
                form.add_error(None, error)
            else:
                return self.done(result)
        return self.show(form, status=422)

    def arguments(self, form):
        """What the service gets beside the row and the actor."""
        return form.cleaned_data

    def done(self, result):
        tag = undo_tag(self.object, self.request.user)
        messages.success(self.request, self.success.format(object=self.object), extra_tags=tag)
        return HttpResponseRedirect(self.success_url())

    def success_url(self):
        return self.url("detail", self.object)

    def context(self):
        return {}

    def show(self, form, status=200):
        context = {
            "form": form,
            "object": self.object,
            "page_title": f"{self.label}: {self.object}",
            "crumbs": self.crumbs(),
            "submit": self.label,
            "explanation": self.explanation,
            "danger": self.danger,
            "cancel_url": self.url("detail", self.object),
            **self.context(),
        }
        return self.render(context, status=status)


class DeleteView(ActionView):
    """Deletion of a row that nothing depends on; lists what stands in the way, and asks to type the name."""

    page = "confirm_delete"
    action = "delete"
    label = "Delete"
    icon = "trash-2"
    danger = True
    success = "{object} was deleted."
    service = staticmethod(services.delete)

    def get_form(self, **kwargs):
        return DeleteForm(expected=str(self.object), **kwargs)

    def arguments(self, form):
        return {"reason": form.cleaned_data["reason"]}

    def context(self):
        return {"blockers": [blocker_words(*blocker) for blocker in services.delete_blockers(self.object)]}

    def success_url(self):
        return self.url("list")


def blocker_words(name, count):
    """One thing that stands in the way of a deletion: "4 agents"; counting stops at 1,000."""
    if name == "credits":
        return "a credit balance other than zero"
    words = name.replace("_", " ")
    if count >= 1000:
        return f"1,000 or more {words}"
    return f"{count} {words.removesuffix('s') if count == 1 else words}"
