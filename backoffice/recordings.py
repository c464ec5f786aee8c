"""One door to recordings: who may read transcripts may play them, and each playing is logged."""

from django.conf import settings
from django.http import Http404, HttpResponseRedirect
from django.utils.http import url_has_allowed_host_and_scheme

from backoffice import generic, services


def is_playable(url):
    """Whether a recording's address is one that our pages may play: our own, or of a host in MEDIA_HOSTS."""
    if not url:
        return False
    if url.startswith("/"):
        return url_has_allowed_host_and_scheme(url, allowed_hosts=None)
    return any(url.startswith(host.rstrip("/") + "/") for host in settings.MEDIA_HOSTS)


class Recording(generic.ObjectPage):
    """Logs the reading and sends the player on to the recording; 404 where there is none that our pages may play."""

    action = "view"
    page = "recording"
    permission = "agents.read_transcript"
    url_field = ""

    def organization_id(self):
        return self.object.organization_id

    def get(self, request, pk):
        url = getattr(self.object, self.url_field)
        if not is_playable(url):
            raise Http404
        services.log_read(
            "recording", self.object, actor=request.user, organization_id=self.organization_id()
        )
        response = HttpResponseRedirect(url)
        response["Cache-Control"] = "no-store"
        return response
