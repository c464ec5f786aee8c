"""What people said, and what it left behind: sessions, messages, legacy chats, calls, usage.

The platform began to save messages, channels and ends of calls some months ago (`SAVED_SINCE`). What is older has only
what the platform then wrote: the first entry of the JSON history, a counter, calls that stay active for ever.
"""

import json
import uuid
from dataclasses import dataclass
from datetime import timedelta

from backoffice.demo import audio
from backoffice.demo.texts import Slots, language
from backoffice.demo.texts_agents import KNOWLEDGE

SAVED_SINCE = 120  # days before the end of the data
BATCH = 10_000  # messages held in memory before they are handed on

COLUMNS = {
    "agent_sessions": (
        "id", "agent_id", "session_id", "user_id", "website_domain", "ip_address", "channel", "conversation_history",
        "context_data", "message_count", "status", "started_at", "last_activity_at", "ended_at", "created_at",
    ),
    "agent_messages": (
        "id", "session_id", "role", "content", "audio_url", "audio_duration_ms", "tokens_used", "latency_ms",
        "model_used", "created_at",
    ),
    "chat_sessions": ("id", "project_id", "user_id", "created_at"),
    "chat_messages": ("id", "session_id", "role", "text", "timestamp"),
    "usage_logs": (
        "id", "agent_id", "organization_id", "session_id", "tokens_used", "cost_usd", "model_used", "channel",
        "created_at",
    ),
    "call_logs": (
        "id", "organization_id", "agent_id", "phone_number_id", "session_id", "direction", "caller_number",
        "duration_seconds", "cost", "recording_url", "status", "created_at",
    ),
}  # fmt: skip

# USD per 1,000 tokens, made up but of the right size.
PRICES = {"gpt-4o": 0.0065, "gpt-4o-mini": 0.0004, "gpt-4.1": 0.0052, "claude-3.5-haiku": 0.0022}
PRICE = 0.004

CALL_STATUS = (
    ("completed",) * 76 + ("failed",) * 7 + ("busy",) * 6 + ("active",) * 7 + ("no-answer",) * 2 + (None,) * 2
)


@dataclass
class Talk:
    """One conversation while its rows are made."""

    id: str
    external_id: str
    agent: object
    channel: str
    saved: bool
    started: object
    turns: list  # (role, text, time)

    @property
    def ended(self):
        return self.turns[-1][2] if self.turns else self.started


def batches(world, oddities):
    """`{table: [row, …]}` again and again, parents before children inside each; memory stays flat.

    `oddities(world)` yields the rows that are made by hand, as `(table, row)`.
    """
    batch = {table: [] for table in COLUMNS}
    for table, row in oddities(world):
        batch[table].append(row)
    for home in world.homes.values():
        for rows in of_one_tenant(world, home):
            for table, row in rows:
                batch[table].append(row)
            if len(batch["agent_messages"]) >= BATCH:
                yield batch
                batch = {table: [] for table in COLUMNS}
    yield batch


def of_one_tenant(world, home):
    """The rows of each of a tenant's conversations, calls and chats."""
    matched = 0
    for number in range(home.times(home.tenant.sessions)):
        talk, rows = conversation(world, home, number)
        if talk.channel == "phone" and talk.saved and home.tenant.calls:
            matched += 1
            rows.append(
                ("call_logs", call(world, home, world.rng(home.tenant.slug, "talk", number, "call"), talk))
            )
        yield rows
    for number in range(home.times(home.tenant.calls) - matched):
        yield [("call_logs", call(world, home, world.rng(home.tenant.slug, "call", number)))]
    for number in range(home.times(home.tenant.chats)):
        yield legacy_chat(world, home, world.rng(home.tenant.slug, "chat", number))


def new_id(rng):
    return str(uuid.UUID(int=rng.getrandbits(128), version=4))


def spoken(rng, started, turns, *, quick):
    """Turns with their times: typing takes longer than talking."""
    at = started
    for role, text in turns:
        yield role, text, at
        at += timedelta(seconds=rng.uniform(2, 11) if quick else rng.uniform(4, 55))


def conversation(world, home, number):
    tenant = home.tenant
    rng = world.rng(tenant.slug, "talk", number)
    channel = rng.choices(("text", "voice", "phone"), tenant.channels)[0]
    started = world.moment(rng, oldest=tenant.age, newest=tenant.silent, hours=tenant.hours)
    agent = answering(rng, home, started)
    if channel == "phone" and started > world.ago(tenant.cut_off):
        channel = "text"
    saved = started >= world.ago(SAVED_SINCE)
    store = how_stored(rng, saved)
    if store == "failed":
        turns = []
    else:
        tongue = language(agent.language)
        topics = rng.choices((1, 2, 3, 7), (72, 19, 7, 2))[0]
        slots = Slots(rng, tongue, agent=agent.name, org=tenant.name)
        said = tongue.speak(rng, slots, tenant.industry, topics=topics, phone=channel == "phone")
        turns = list(spoken(rng, started, said, quick=channel != "text"))
        if agent.refused_voice and rng.random() < 0.4:
            turns = refused(turns, agent.refused_voice)
    while turns and turns[-1][2] > world.until:
        turns = [(role, text, at - timedelta(days=1)) for role, text, at in turns]
        started -= timedelta(days=1)
    talk = Talk(new_id(rng), external_id(rng, channel, started, saved), agent, channel, saved, started, turns)
    rows = [("agent_sessions", session_row(rng, tenant, talk, store))]
    if store in ("messages", "both", "partly"):
        rows += [("agent_messages", row) for row in message_rows(rng, tenant, talk, store)]
    rows += [("usage_logs", row) for row in usage_rows(rng, home, talk)]
    return talk, rows


def how_stored(rng, saved):
    if saved:
        kinds = ("messages", "both", "partly", "history", "nothing", "failed")
        return rng.choices(kinds, (60, 22, 3, 7, 5, 3))[0]
    return rng.choices(("history", "nothing", "failed", "messages"), (78, 16, 4, 2))[0]


def answering(rng, home, at):
    """One of the agents that were there already; the first ones have most to do."""
    agent = home.agents[int(len(home.agents) * rng.random() ** 1.6)]
    return agent if agent.created_at <= at else home.agents[0]


def refused(turns, voice):
    """The conversation as it goes when the runtime cannot load the agent's voice: an error instead of an answer."""
    for index, (role, _text, at) in enumerate(turns):
        if role == "assistant" and index > 0:
            return [*turns[:index], (role, f"Error: Unsupported voice provider: {voice}", at)]
    return turns


def external_id(rng, channel, started, saved):
    """The id that the client chose, in each of the formats that clients use."""
    if channel == "phone" and saved:
        return new_id(rng)
    kind = rng.random()
    if kind < 0.62:
        letters = "".join(rng.choices("0123456789abcdefghijklmnopqrstuvwxyz", k=9))
        return f"session_{int(started.timestamp() * 1000)}_{letters}"
    return new_id(rng) if kind < 0.85 else f"session_{new_id(rng)}"


def naive(at):
    """UTC without offset, as the platform writes times into JSON."""
    return at.replace(tzinfo=None).isoformat(timespec="microseconds")


def history_of(turns):
    return [
        {"role": role, "content": text, "timestamp": naive(at)}
        for role, text, at in turns
        if role != "system"
    ]


def session_row(rng, tenant, talk, store):
    history = history_of(talk.turns) if store in ("both", "history", "partly") else []
    if store == "history" and rng.random() < 0.85:
        history = history[:1]  # the platform loses all but the first entry, and counts on
    status = rng.choices(("active", "ended", "timeout", None), (58, 30, 11, 1))[0] if talk.saved else "active"
    knows = store != "failed" and rng.random() < 0.3
    from_web = talk.saved and talk.channel == "text" and rng.random() < 0.3
    return (
        talk.id,
        talk.agent.id,
        talk.external_id,
        None,
        f"www.{tenant.slug}.example" if from_web else None,
        f"203.0.113.{rng.randrange(1, 255)}" if from_web else None,
        talk.channel if talk.saved else "text",
        json.dumps(history, ensure_ascii=False),
        json.dumps({"knowledge": KNOWLEDGE[talk.agent.language]} if knows else {}, ensure_ascii=False),
        sum(role != "system" for role, *_ in talk.turns),
        status,
        talk.started,
        talk.ended,
        talk.ended if status in ("ended", "timeout") else None,
        talk.started,
    )


def message_rows(rng, tenant, talk, store):
    turns = talk.turns[: max(2, len(talk.turns) // 2)] if store == "partly" else talk.turns
    audible = tenant.recorded and talk.channel != "text"
    for role, text, at in turns:
        message_id = new_id(rng)
        heard = audible and role != "system" and rng.random() < 0.7
        name = f"turn-{message_id[:8]}"
        answered = role == "assistant" and not text.startswith("Error:")
        measured = tenant.metered and answered and rng.random() < 0.93
        yield (
            message_id,
            talk.id,
            role,
            text,
            audio.address(name) if heard else None,
            audio.duration_ms(name) if heard else None,
            tokens_of(rng, text) if measured else None,
            latency(rng, talk.channel) if measured else None,
            talk.agent.model if measured else None,
            at,
        )


def tokens_of(rng, text):
    return len(text) // 3 + rng.randrange(90, 700)


def latency(rng, channel):
    """Milliseconds until the answer; one in fifty takes very long."""
    slow = 8 if rng.random() < 0.02 else 1
    return int(rng.lognormvariate(6.6 if channel == "phone" else 7.1, 0.4) * slow)


def cost_of(rng, tenant, tokens, model):
    """USD with four decimal places; most tenants have none, for the platform computes none."""
    if not tenant.priced:
        return None if rng.random() < 0.2 else "0"
    return f"{tokens * PRICES.get(model, PRICE) / 1000:.4f}"


def usage_rows(rng, home, talk):
    tenant, agent = home.tenant, talk.agent
    owner = (agent.id, home.organization_id)
    if not tenant.metered:
        # The browser app counts 100 where the model reports nothing.
        if talk.turns and rng.random() < 0.4:
            yield (new_id(rng), *owner, talk.id, 100, "0", None, rng.choice((None, "text")), talk.ended)
        return
    channel = talk.channel if talk.saved else "text"
    for role, text, at in talk.turns:
        if role == "assistant":
            tokens = tokens_of(rng, text)
            session = talk.id if rng.random() < 0.95 else None
            cost = cost_of(rng, tenant, tokens, agent.model)
            yield (new_id(rng), *owner, session, tokens, cost, agent.model, channel, at)
    if talk.channel == "voice" and talk.saved:
        # Live voice counts two tokens a second; trying a voice in the builder counts 50.
        seconds = int((talk.ended - talk.started).total_seconds())
        yield (
            new_id(rng),
            *owner,
            None,
            2 * seconds,
            cost_of(rng, tenant, 2 * seconds, None),
            None,
            "voice",
            talk.ended,
        )
        if rng.random() < 0.1:
            yield (new_id(rng), *owner, None, 50, "0", None, None, talk.started)


def call(world, home, rng, talk=None):
    """A call: one that the talk came from, or one whose conversation is nowhere."""
    tenant = home.tenant
    if talk:
        at, saved, agent_id, reference = talk.started, True, talk.agent.id, talk.external_id
        seconds = int((talk.ended - at).total_seconds()) + 4
    else:
        newest = max(tenant.silent, tenant.cut_off)
        at = world.moment(rng, oldest=tenant.age, newest=newest, hours=tenant.hours)
        saved = at >= world.ago(SAVED_SINCE)
        agent_id = answering(rng, home, at).id
        reference, seconds = new_id(rng), int(rng.lognormvariate(4.7, 0.8)) + 3
    status = rng.choice(CALL_STATUS)
    if talk:
        status = "completed" if status in ("failed", "busy", "no-answer") else status
    if tenant.slug == "cobalt-it" and rng.random() < 0.4:
        status = "active"
    if not saved and (not tenant.metered or rng.random() < 0.5):
        status = "active"  # the platform never finished a call then
    finished = status == "completed"
    if not finished:
        seconds = 0
    cost = f"{-(-seconds // 60) * 0.014:.4f}" if tenant.priced and finished else "0"
    name = f"call-{reference[:8]}"
    return (
        new_id(rng),
        home.organization_id,
        agent_id if rng.random() < 0.97 else None,
        rng.choice(home.numbers) if home.numbers else None,
        reference,
        "inbound" if rng.random() < 0.88 else "outbound",
        caller(rng, tenant),
        seconds,
        cost,
        audio.address(name) if finished and tenant.recorded else None,
        status,
        at,
    )


def caller(rng, tenant):
    """As the carrier sent it; NULL when the caller withholds the number."""
    kind = rng.random()
    if kind < (0.5 if tenant.slug == "bella-vista" else 0.06):
        return None
    if kind > 0.97:
        return rng.choice(("anonymous", "4155550123", "sip:front@pbx.example", "+1 (415) 555-0177"))
    if tenant.languages[0] == "de":
        return f"+493023125{rng.randrange(1000):03}"
    return f"+1415555{rng.randrange(100, 200):04}"


def legacy_chat(world, home, rng):
    """A chat of the old widget. Its times come from the browser's clock, which may be wrong."""
    tenant = home.tenant
    agent = rng.choice(home.agents)
    tongue = language(agent.language)
    at = world.moment(rng, oldest=tenant.age, newest=max(tenant.silent, tenant.age * 0.2), hours=tenant.hours)
    chat_id = new_id(rng)
    signed_in = rng.random() < 0.25
    rows = [("chat_sessions", (chat_id, agent.id, home.owner_id if signed_in else None, at))]
    slots = Slots(rng, tongue, agent=agent.name, org=tenant.name)
    skew = timedelta(hours=-3) if rng.random() < 0.05 else timedelta(seconds=1)
    for role, text, said in spoken(rng, at + skew, tongue.speak(rng, slots, tenant.industry), quick=False):
        if role != "system":
            rows.append(
                ("chat_messages", (new_id(rng), chat_id, "user" if role == "user" else "model", text, said))
            )
    return rows
