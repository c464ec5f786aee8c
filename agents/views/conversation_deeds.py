"""What is done with a conversation: revealing it, masking it again, taking it along as a file."""

from django.http import Http404, HttpResponseRedirect, StreamingHttpResponse
from django.utils import timezone

from agents.conversations import downloads, reveals
from agents.views.conversation_base import ConversationPage, OfChat, OfSession
from backoffice import generic
from backoffice.services import log_read


class Reveal(generic.ActionView):
    """Shows a conversation unmasked for ten minutes, with a reason that is logged."""

    permission = reveals.PERMISSION
    service = staticmethod(reveals.reveal)
    label = "Reveal"
    icon = "eye"
    explanation = (
        "Shows mail addresses, numbers and the like as they are stored: to you, in this conversation, for ten minutes. "
        "Your reason and what is revealed are kept in the read log."
    )

    def deed(self):
        return "reveal conversations"

    def done(self, result):
        reveals.begin(self.request, self.object)
        return HttpResponseRedirect(self.success_url())


class MaskAgain(ConversationPage):
    """Ends a reveal before its time."""

    permission = reveals.PERMISSION
    http_method_names = ["post"]

    def deed(self):
        return "reveal conversations"

    def post(self, request, pk):
        reveals.end(request, self.object)
        return HttpResponseRedirect(self.address())


class Download(ConversationPage):
    """The whole conversation, masked, as a file; with `?copy=1` for the clipboard. Each is logged."""

    permission = downloads.PERMISSION
    page = "download"

    def deed(self):
        return "export what was said"

    def get(self, request, pk):
        if request.GET.get("format") not in downloads.FORMATS:
            raise Http404
        ending, content_type, write, words = downloads.FORMATS[request.GET["format"]]
        is_copy = bool(request.GET.get("copy"))
        log_read(
            "export",
            self.object,
            actor=request.user,
            organization_id=self.organization_id,
            detail=f"{'copied' if is_copy else 'downloaded'} as {words}, masked",
        )
        response = StreamingHttpResponse(write(self.object, self.head()), content_type=content_type)
        name = downloads.file_name(self.object, ending)
        response["Content-Disposition"] = f'attachment; filename="{name}"'
        response["X-Content-Type-Options"] = "nosniff"
        return response

    def head(self):
        record = self.object
        facts = [
            ("Organization", str(record.agent.organization)),
            ("Agent", str(record.agent)),
            ("Channel", getattr(record, "channel", None) or "legacy"),
            ("Started", self.start.isoformat() if self.start else "not known"),
            ("Masked", "mail addresses and numbers"),
        ]
        return downloads.Head(str(record), facts, self.start, timezone.get_current_timezone())


class AgentSessionReveal(OfSession, Reveal):
    pass


class AgentSessionMask(OfSession, MaskAgain):
    pass


class AgentSessionDownload(OfSession, Download):
    pass


class ChatSessionReveal(OfChat, Reveal):
    pass


class ChatSessionMask(OfChat, MaskAgain):
    pass


class ChatSessionDownload(OfChat, Download):
    pass
