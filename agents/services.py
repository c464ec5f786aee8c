from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from agents.conversations import index
from agents.models import AgentSession, Store
from backoffice import services


@transaction.atomic
def close_session(session, *, actor, reason):
    """Mark a session as ended now; the platform never does. Raises ValidationError if it has ended already."""
    session = AgentSession.objects.select_for_update().get(pk=session.pk)
    if session.status == AgentSession.Status.ENDED:
        raise ValidationError("This session has ended already.")
    session.status = AgentSession.Status.ENDED
    session.ended_at = timezone.now()
    services.save(session, actor=actor, reason=reason)
    index.refresh(Store.SESSION, [session.pk])
    return session


def close_conversation(conversation, *, actor, reason):
    """The same for a row of the list of conversations. Raises ValidationError for a legacy chat, too."""
    session = AgentSession.objects.filter(pk=conversation.source_id).first()
    if conversation.store != Store.SESSION or session is None:
        raise ValidationError("A legacy chat is never open, so it cannot be closed.")
    return close_session(session, actor=actor, reason=reason)
