"""Verbs that need no more than a click: a button posts, the answer is the page it stands on, with an undo."""

from django.contrib import messages
from django.http import HttpResponseRedirect
from django.urls import reverse

from backoffice import generic
from tenants.forms import QuickForm


class QuickAction(generic.ActionView):
    """An ActionView whose POST without any field is enough. Opened by GET it asks for confirmation.

    `undo` names the url of the action that takes it back.
    """

    form_class = QuickForm
    undo = ""

    def get_form(self, **kwargs):
        return super().get_form(initial={"next": self.request.GET.get("next", "")}, **kwargs)

    def done(self, result):
        tags = f"undo:{reverse(self.undo, args=[self.object.pk])}" if self.undo else ""
        messages.success(self.request, self.said(result), extra_tags=tags)
        return HttpResponseRedirect(self.success_url())

    def said(self, result):
        return self.success.format(object=self.object)

    def success_url(self):
        return generic.safe_next(self.request, self.url("detail", self.object))

    def context(self):
        return {"cancel_url": self.success_url()}
