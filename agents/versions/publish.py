"""Publishing, as the platform does it: a mark and a count. The runtime serves drafts too."""

from django.core.exceptions import ValidationError
from django.db import transaction

from agents.effective import effective, unserved
from agents.models import Agent
from backoffice import services
from backoffice.display import redact

LARGEST = 2**31 - 1


def hindrances(agent):
    """Sentences that name the settings which the runtime cannot serve."""
    return [
        f"{setting.label} is “{str(redact(setting.value))[:60]}”: the runtime {what}."
        for setting, what in unserved(effective(agent))
    ]


@transaction.atomic
def publish_agent(agent, *, actor, reason):
    """Mark an agent as published and count its version up. Raises ValidationError where it could not be served."""
    agent = Agent.objects.select_for_update().get(pk=agent.pk)
    if found := hindrances(agent):
        raise ValidationError(found)
    agent.is_published = True
    agent.version = min((agent.version or 0) + 1, LARGEST)
    return services.save(agent, actor=actor, reason=reason)


@transaction.atomic
def unpublish_agent(agent, *, actor, reason):
    """Mark an agent as a draft again; its version stays. Raises ValidationError if it is one."""
    agent = Agent.objects.select_for_update().get(pk=agent.pk)
    if not agent.is_published:
        raise ValidationError(f"{agent} is not published.")
    agent.is_published = False
    return services.save(agent, actor=actor, reason=reason)
