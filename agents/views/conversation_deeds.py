"""What is done with a conversation: revealing it, masking it again, taking it along as a file."""

from django.http import Http404, HttpResponseRedirect, StreamingHttpResponse
from django.utils import timezone

from agents.conversations import downloads, reveals
from agents.views.conversation_base import ConversationPage, OfChat, OfSession
from agents.views.stores import READ
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
    asks_fresh = False  # to show less is nothing to confirm
    http_method_names = ["post"]

    def deed(self):
        return "reveal conversations"

    def post(self, request, pk):
        reveals.end(request, self.object)
        return HttpResponseRedirect(self.address())


class WholeConversation(ConversationPage):
    """All turns, masked, in the format that the address names; each is logged as `deed_done`."""

    formats = {}
    deed_done = ""

    def get(self, request, pk):
        if request.GET.get("format") not in self.formats:
            raise Http404
        _, content_type, write, words = format = self.formats[request.GET["format"]]
        log_read(
            "export",
            self.object,
            actor=request.user,
            organization_id=self.organization_id,
            detail=f"{self.deed_done} as {words}, masked",
        )
        response = StreamingHttpResponse(write(self.object, self.head()), content_type=content_type)
        response["X-Content-Type-Options"] = "nosniff"
        return self.finished(response, format)

    def finished(self, response, format):
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


class Download(WholeConversation):
    permission = downloads.PERMISSION
    page = "download"
    formats = downloads.FORMATS
    deed_done = "downloaded"

    def deed(self):
        return "export what was said"

    def finished(self, response, format):
        name = downloads.file_name(self.object, format[0])
        response["Content-Disposition"] = f'attachment; filename="{name}"'
        return response


class Copy(WholeConversation):
    """For the clipboard: whoever may read it masked may copy it masked."""

    permission = READ
    page = "copy"
    formats = downloads.COPIES
    deed_done = "copied"

    def deed(self):
        return "read conversations"


class AgentSessionReveal(OfSession, Reveal):
    pass


class AgentSessionMask(OfSession, MaskAgain):
    pass


class AgentSessionDownload(OfSession, Download):
    pass


class AgentSessionCopy(OfSession, Copy):
    pass


class ChatSessionReveal(OfChat, Reveal):
    pass


class ChatSessionMask(OfChat, MaskAgain):
    pass


class ChatSessionDownload(OfChat, Download):
    pass


class ChatSessionCopy(OfChat, Copy):
    pass
