"""Turns the small scripts of `texts_*.py` into conversations that differ from one another.

A script is a few topics; a topic is a heading and its turns, one per line:

    # Heading           starts a topic
    > text              the visitor says
    < text              the assistant answers
    = text              the system notes
    | text              another way of saying the turn above

`{name}`, `{day}`, `{amount}` … are slots, filled once per conversation, so that a name stays the same to its end.
`{day2}` is another value of `{day}`. Where an answer has as many ways as an earlier turn of its topic, they belong
together: the first way answers the first.
"""

import functools
import importlib
from dataclasses import dataclass

from backoffice.demo.names import PEOPLE

ROLES = {">": "user", "<": "assistant", "=": "system"}
MODULES = {"en": ["texts_en", "texts_en_more"], "de": ["texts_de"], "ja": ["texts_ja"], "ar": ["texts_ar"]}

# Well-known examples that belong to nobody: a test card, a number withdrawn in 1943, the IBAN of the textbooks.
FIXED_SLOTS = {
    "card": "4111 1111 1111 1111",
    "ssn": "078-05-1120",
    "iban": "DE89 3704 0044 0532 0130 00",
}


def parse(script):
    """`[[(role, [way, …]), …], …]`: the topics of a script, each a list of turns."""
    topics = []
    for line in script.strip().splitlines():
        mark, text = line[0], line[1:].strip()
        if mark == "#":
            topics.append([])
        elif mark == "|":
            topics[-1][-1][1].append(text)
        else:
            topics[-1].append((ROLES[mark], [text]))
    return topics


@dataclass(frozen=True)
class Language:
    """All that can be said in one language."""

    code: str
    pools: dict
    openings: list
    closings: list
    system: list
    phone: list
    common: list
    topics: dict

    def speak(self, rng, slots, industry, *, topics=1, phone=False):
        """The turns of one conversation, `(role, text)`: opening, some topics of the industry, mostly an end."""
        own = self.topics.get(industry) or self.common
        # Now and then one of the everyday topics; a long conversation goes round its topics again.
        order = rng.sample(own, len(own))
        chosen = [
            rng.choice(self.common) if rng.random() < 0.16 else order[n % len(own)] for n in range(topics)
        ]
        yield from self._topic(rng, slots, rng.choice(self.phone) if phone else [])
        if not phone and rng.random() < 0.2:
            yield from self._topic(rng, slots, rng.choice(self.system))
        yield from self._topic(rng, slots, rng.choice(self.openings))
        for topic in chosen:
            yield from self._topic(rng, slots, topic)
        if rng.random() < 0.75:
            yield from self._topic(rng, slots, rng.choice(self.closings))

    def _topic(self, rng, slots, turns):
        picked = {}
        for role, ways in turns:
            way = picked.setdefault(len(ways), rng.randrange(len(ways)))
            yield role, ways[way].format_map(slots)


class Slots(dict):
    """Values of the slots of one conversation, made when first asked for."""

    def __init__(self, rng, language, **known):
        super().__init__(FIXED_SLOTS, **known)
        self.rng = rng
        self.language = language
        self["name"], self.mailbox = rng.choice(PEOPLE[language.code])
        self["first"], _, self["last"] = self["name"].partition(" ")

    def __missing__(self, slot):
        base = slot.rstrip("23456789")
        maker = getattr(self, f"make_{slot}", None)
        if maker:
            value = maker()
        else:
            taken = self[base] if slot != base else None
            value = self.rng.choice([way for way in self.language.pools[base] if way != taken])
        self[slot] = value
        return value

    def make_time(self):
        return self.rng.choice(self.language.pools["time"][:-1])

    def make_time2(self):
        """Later on the same day."""
        times = self.language.pools["time"]
        return self.rng.choice(times[times.index(self["time"]) + 1 :])

    def make_email(self):
        return f"{self.mailbox}{self.rng.randrange(10, 99)}@example.com"

    def make_phone(self):
        """From the ranges that are kept free for fiction."""
        if self.language.code == "de":
            return f"+49 30 23125 {self.rng.randrange(1000):03}"
        return f"+1 415 555 01{self.rng.randrange(100):02}"

    def make_amount(self):
        return str(self.rng.randrange(12, 480))

    def make_n(self):
        return str(self.rng.randrange(10, 99))

    def make_ref(self):
        return (
            f"{''.join(self.rng.choices('ABCDEFGHKLMNPRSTUVWXYZ', k=2))}-{self.rng.randrange(10000, 99999)}"
        )


@functools.cache
def language(code):
    modules = [importlib.import_module(f"backoffice.demo.{name}") for name in MODULES[code]]
    base = modules[0]
    return Language(
        code=code,
        pools=base.POOLS,
        openings=parse(base.OPENINGS),
        closings=parse(base.CLOSINGS),
        system=parse(base.SYSTEM),
        phone=parse(base.PHONE),
        common=parse(base.COMMON),
        topics={industry: parse(script) for module in modules for industry, script in module.TOPICS.items()},
    )
