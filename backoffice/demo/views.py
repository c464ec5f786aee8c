import re

from django.conf import settings
from django.http import Http404, HttpResponse
from django.views.decorators.http import require_safe

from backoffice.demo.audio import wav


def ranged(request, content, content_type):
    """A response with the bytes asked for in the Range header: browsers seek only where the server offers it.

    One range; anything else in the header is ignored, as RFC 9110 allows. 416 when it starts behind the end.
    """
    size = len(content)
    match = re.fullmatch(r"bytes=(\d{0,15})-(\d{0,15})", request.headers.get("Range", ""))
    start, stop, status = 0, size, 200
    if match and any(match.groups()):
        first, last = match.groups()
        if first:
            start, stop = int(first), min(size, int(last) + 1) if last else size
        else:
            start = max(0, size - int(last))
        if start >= size:
            return HttpResponse(status=416, headers={"Content-Range": f"bytes */{size}"})
        if start < stop:
            status = 206
        else:
            start, stop = 0, size
    response = HttpResponse(content[start:stop], status=status, content_type=content_type)
    response["Accept-Ranges"] = "bytes"
    if status == 206:
        response["Content-Range"] = f"bytes {start}-{stop - 1}/{size}"
    return response


@require_safe
def demo_audio(request, name):
    """The recording of this name; only beside the embedded demo database."""
    if not settings.EMBEDDED:
        raise Http404("There is no demo here.")
    response = ranged(request, wav(name), "audio/wav")
    response["Cache-Control"] = "private, max-age=86400"
    return response
