from django.core.exceptions import ValidationError
from django.utils.functional import cached_property

from agents import secrets
from agents.forms import HeadersForm, SipForm
from agents.models import Agent
from backoffice import generic


class AgentSecrets(generic.ActionView):
    """Sets what nobody can read. Where it is stored in another shape, the page says so and offers nothing."""

    model = Agent
    template_name = "agents/agent_secrets.html"

    @cached_property
    def stored(self):
        """(what is stored, what stands in the way)"""
        try:
            return self.read(), ""
        except ValidationError as error:
            return {}, error.message

    def get_form(self, **kwargs):
        return self.form_class(stored=self.stored[0], **kwargs)

    def post(self, request, pk):
        return self.show(self.get_form(), status=422) if self.stored[1] else super().post(request, pk)

    def arguments(self, form):
        return {"reason": form.cleaned_data["reason"], "opened": form.data["opened"], "changes": form.changes}

    def context(self):
        return {"in_the_way": self.stored[1]}


class AgentHeaders(AgentSecrets):
    form_class = HeadersForm
    service = staticmethod(secrets.set_headers)
    label = "Set headers"
    icon = "key-round"
    explanation = (
        "Values are written and never shown. They go to the column and, where it has them, to the configuration "
        "(JSON). Stored, not enforced: the runtime calls no webhook."
    )
    success = "The headers of {object} were saved. They take effect when the runtime reloads the agent."

    def read(self):
        return secrets.headers_of(self.object)


class AgentSip(AgentSecrets):
    form_class = SipForm
    service = staticmethod(secrets.set_sip)
    label = "Set SIP log-in"
    icon = "key-round"
    explanation = (
        "The log-in that the configuration (JSON) keeps under “sip”. Stored, not used: calls go by the platform's own "
        "trunk."
    )
    success = "The SIP log-in of {object} was saved. It takes effect when the runtime reloads the agent."

    def read(self):
        if self.object.config is not None:
            secrets.sip_places(self.object.config, {})
        return secrets.sip_of(self.object.config)
