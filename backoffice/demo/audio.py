"""Recordings for the demo: a few seconds of tones made from the name of the file, and the view that serves them.

Nothing is stored: the same name always gives the same sound, so a row only needs an address.
"""

import array
import functools
import io
import math
import random
import re
import sys
import wave

from django.conf import settings
from django.http import Http404, HttpResponse
from django.views.decorators.http import require_safe

RATE = 8000  # samples per second, as on the telephone
PITCHES = (131, 147, 165, 196, 220, 247, 294)  # Hz; two voices, a low one and one a fifth above


def address(name):
    return f"/demo/audio/{name}.wav"


def duration_ms(name):
    """How long the recording of this name is: 2 to 6 seconds."""
    return 250 * random.Random(name).randrange(8, 25)


@functools.lru_cache(maxsize=64)
def wav(name):
    """The recording as WAV, 8 kHz, 16 bit, mono: syllables of two voices taking turns."""
    rng = random.Random(name)
    total = RATE * 250 * rng.randrange(8, 25) // 1000
    samples = array.array("h")
    high = False
    while len(samples) < total:
        if rng.random() < 0.2:  # the other one speaks, after a breath
            high = not high
            samples.extend([0] * (RATE // 5))
            continue
        pitch = rng.choice(PITCHES) * (1.5 if high else 1)
        length = rng.randrange(RATE // 10, RATE // 4)
        step = 2 * math.pi * pitch / RATE
        # A hump of sound: fades in and out, so that nothing clicks.
        samples.extend(
            int(9000 * math.sin(math.pi * i / length) * (math.sin(step * i) + 0.4 * math.sin(2 * step * i)))
            for i in range(length)
        )
    del samples[total:]
    if sys.byteorder == "big":
        samples.byteswap()
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(samples.tobytes())
    return buffer.getvalue()


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
