"""Recordings for the demo: a few seconds of tones, made from the name of the file.

Nothing is stored: the same name always gives the same sound, so a row only needs an address.
"""

import array
import functools
import io
import math
import random
import sys
import wave

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
