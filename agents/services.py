from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from agents.models import AgentSession
from backoffice import services


@transaction.atomic
def close_session(session, *, actor, reason):
    """Mark a session as ended now; the platform never does. Raises ValidationError if it has ended already."""
    session = AgentSession.objects.select_for_update().get(pk=session.pk)
    if session.status == AgentSession.Status.ENDED:
        raise ValidationError("This session has ended already.")
    session.status = AgentSession.Status.ENDED
    session.ended_at = timezone.now()
    return services.save(session, actor=actor, reason=reason)
