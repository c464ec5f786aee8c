from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpResponseRedirect

from agents import raw
from agents.forms.raw import RawForm
from agents.models import Agent
from agents.secrets import fingerprint
from backoffice import generic
from backoffice.audit import last_change, undo_tag
from backoffice.services import Conflict


class AgentJson(generic.ObjectPage):
    """The configuration as text: first what it would change is shown, then it is saved, as it was shown."""

    model = Agent
    action = "change"
    page = "json"

    def get(self, request, pk):
        initial = {"text": raw.text_of(self.object.config), "opened": raw.version_of(self.object)}
        return self.show(RawForm(agent=self.object, initial=initial))

    def post(self, request, pk):
        saves = "save" in request.POST
        form = RawForm(request.POST, agent=self.object, saves=saves)
        try:
            form.check_version()
            if not form.is_valid():
                return self.show(form, status=422, change=form.change)
            if saves and request.POST.get("reviewed") == seen(request.POST):
                return self.save(form)
        except Conflict:
            return self.show_conflict(form)
        except ValidationError as error:
            form.add_error("text", error)
            return self.show(form, status=422)
        return self.show_change(form)

    def save(self, form):
        saved = raw.save_config(
            self.object,
            actor=self.request.user,
            reason=form.cleaned_data["reason"],
            opened=form.cleaned_data["opened"],
            typed=form.typed,
        )
        text = f"The configuration of {saved} was saved. It takes effect when the runtime reloads the agent."
        messages.success(self.request, text, extra_tags=undo_tag(saved, self.request.user))
        return HttpResponseRedirect(self.url("detail", saved))

    def show_change(self, form, **context):
        form.data = form.data.copy()
        form.data["reviewed"] = seen(form.data)
        form.fields["reason"].required = True  # for what comes next
        return self.show(form, change=form.change, **context)

    def show_conflict(self, form):
        """What was typed, against what is stored by now; saving it needs another look."""
        form.data = form.data.copy()
        form.data["opened"] = raw.version_of(self.object)
        form.is_valid()
        return self.show(
            form, status=409, change=form.change, moved=True, event=last_change(self.object, ["config"])
        )

    def show(self, form, status=200, change=None, **context):
        config = self.object.config
        context |= {
            "form": form,
            "object": self.object,
            "page_title": f"Configuration of {self.object}",
            "crumbs": self.crumbs(),
            "change": change,
            "replaces_whole": config is not None and not isinstance(config, dict),
            "cancel_url": self.url("detail", self.object),
        }
        return self.render(context, status=status)


def seen(data):
    """Stands for the text and the stored version whose difference was shown."""
    return fingerprint([data.get("text", ""), data.get("opened", "")])
