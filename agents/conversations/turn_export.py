"""One row per message of the conversations that a filtered list shows, as CSV or XLSX: masked, written row by row."""

import csv
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from operator import attrgetter
from typing import NamedTuple
from uuid import UUID

from django.db import connection
from django.db.models import DateTimeField, IntegerField
from django.utils import timezone

from agents.conversations.index import TURNS
from agents.models import Label, Store
from backoffice import jobs, keyset, services
from backoffice.export import WRITERS
from backoffice.generic.lists import open_list
from backoffice.masking import mask
from backoffice.models import User
from backoffice.spreadsheets import guarded

KIND = "turn_export"
PERMISSION = "agents.export_transcript"
LIST = "agents:conversation_list"
CONVERSATIONS_AT_ONCE = 200
CONVERSATIONS_FIRST = 16  # so that the file begins soon
# Of a conversation, for what a file says of it.
READ = (
    "store", "source_id", "external_id", "channel", "started_at", "outcome", "labels", "organization__name",
    "agent__name",
)  # fmt: skip


@dataclass(frozen=True)
class TurnColumn:
    """A column of the file; `field` tells the writer what its values are, None for text."""

    name: str
    label: str
    field: object = None


COLUMNS = (
    TurnColumn("conversation", "Conversation"),
    TurnColumn("started_at", "Conversation started", DateTimeField()),
    TurnColumn("organization", "Organization"),
    TurnColumn("agent", "Agent"),
    TurnColumn("channel", "Channel"),
    TurnColumn("number", "Turn", IntegerField()),
    TurnColumn("at", "Time", DateTimeField()),
    TurnColumn("role", "Role"),
    TurnColumn("text", "Text (masked)"),
    TurnColumn("tokens", "Tokens", IntegerField()),
    TurnColumn("latency_ms", "Latency (ms)", IntegerField()),
    TurnColumn("model", "Model"),
    TurnColumn("source", "Source"),
    TurnColumn("recording", "Has a recording"),
    TurnColumn("outcome", "Outcome"),
    TurnColumn("labels", "Labels"),
)


def start(query, columns, kind, *, actor):
    """Queue the job; `query` is the state of the list. Returns the Job."""
    return jobs.start(
        KIND, title="Messages of conversations", owner=actor, query=query, columns=columns, format=kind
    )


@jobs.kind(KIND, permission=PERMISSION, resumable=True)
def export_turns(job, progress):
    """params: query (the list's filters), columns (names of COLUMNS), format."""
    owner = User.objects.get(pk=job.owner_id)
    columns = [column for column in COLUMNS if column.name in job.params["columns"]]
    with timezone.override(owner.time_zone):
        page = open_list(LIST, owner, job.params["query"])
        job.result_path.parent.mkdir(parents=True, exist_ok=True)
        rows = Rows(page, columns, progress)
        notes = (
            write_csv(job, columns, rows) if job.params["format"] == "csv" else write_xlsx(job, columns, rows)
        )
    services.log_read(
        "export",
        page.model(),
        actor=owner,
        detail=f"{job.title}: {page.request.GET.urlencode() or 'all'}; columns "
        f"{', '.join(column.name for column in columns)}; {rows.turns:,} messages of {rows.conversations:,} "
        "conversations",
    )
    job.total = job.done
    job.result_name = f"messages.{job.params['format']}"
    told = f"{in_words(rows.turns, 'message')} of {in_words(rows.conversations, 'conversation')}."
    job.message = " ".join([told, *notes])[:500]


def in_words(number, noun):
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


class Rows:
    """The rows of the file as tuples of texts (None for nothing), conversation by conversation in the list's order."""

    def __init__(self, page, columns, progress):
        self.page, self.columns, self.progress = page, columns, progress
        wants_labels = any(column.name == "labels" for column in columns)
        self.labels = {label.pk: label.name for label in Label.objects.all()} if wants_labels else {}
        self.zone = timezone.get_current_timezone()
        self.of_turn = of_turn(self.zone)
        self.turns = self.conversations = 0

    def rows(self, finish=lambda value: value):
        """`finish` makes of a value what stands in the file."""
        # What stands in a row is put into one list: values of the conversation once, those of its turns turn by turn.
        of_turn = [
            (at, self.of_turn[column.name])
            for at, column in enumerate(self.columns)
            if column.name in self.of_turn
        ]
        for conversation, turns in self.conversations_in_order():
            about = self.about(conversation)
            row = [finish(about.get(column.name)) for column in self.columns]
            for turn in turns:
                for at, value_of in of_turn:
                    row[at] = finish(value_of(turn))
                yield tuple(row)
            self.turns += len(turns)

    def conversations_in_order(self):
        """(Conversation, [Said]) of each. While some are written, what was said in the next is read in a thread."""
        with connection.cursor() as cursor, ThreadPoolExecutor(1) as pool:
            pages = self.pages()
            first = next(pages)
            yield from self.counted(first, read_turns(cursor, first))
            # Now that the file has begun, which counting would have kept waiting.
            self.progress.start(self.total())
            page, reading = [], None
            for following in chain(pages, [[]]):
                coming = pool.submit(read_turns, cursor, following)
                if page:
                    yield from self.counted(page, reading.result())
                page, reading = following, coming

    def counted(self, page, turns):
        for row in page:
            yield row, turns.get((row.store, row.source_id), [])
            self.conversations += 1
            self.progress.step()

    def pages(self):
        """The conversations some at a time, in the list's order."""
        _, order, falling = self.page.current_order()
        rows = self.page.filterset.qs.only(*READ)
        params, size = {}, CONVERSATIONS_FIRST
        while params is not None:
            found = keyset.read_page(rows, order.key, descending=falling, size=size, params=params)
            yield found.rows
            params = {"after": found.next.removeprefix("after=")} if found.next else None
            size = CONVERSATIONS_AT_ONCE

    def total(self):
        """How many conversations there are, None if they are too many to count."""
        total = keyset.total(self.page.filterset.qs, filtered=self.page.filterset.is_filtered)
        return None if total.kind == "at_least" else total.number

    def about(self, row):
        return {
            "conversation": str(row),
            "started_at": moment(row.started_at, self.zone),
            "organization": str(row.organization or ""),
            "agent": str(row.agent or ""),
            "channel": row.channel,
            "outcome": row.outcome,
            "labels": ", ".join(self.labels.get(pk, "") for pk in row.labels),
        }


class Said(NamedTuple):
    """A turn as it is read for the file."""

    session_id: UUID
    number: int
    source: str
    role: str
    content: str
    at: datetime | None
    has_recording: bool
    tokens: int | None
    latency_ms: int | None
    model: str | None


SAID = """
select session_id, number, source, role, content, at, audio_url <> '', tokens_used, latency_ms, model_used
from {turns}(%s) order by session_id, number
"""


def of_turn(zone):
    """{name of a column: function of a Said}; times are told in `zone`."""
    return {
        "number": lambda turn: str(turn.number),
        "at": lambda turn: moment(turn.at, zone),
        "role": attrgetter("role"),
        "text": lambda turn: mask(turn.content),
        "tokens": lambda turn: number_or_none(turn.tokens),
        "latency_ms": lambda turn: number_or_none(turn.latency_ms),
        "model": attrgetter("model"),
        "source": attrgetter("source"),
        "recording": lambda turn: "yes" if turn.has_recording else "no",
    }


def read_turns(cursor, conversations):
    """{(store, id in it): [Said]} of some conversations, one query per store."""
    found = defaultdict(list)
    for store in Store:
        ids = [row.source_id for row in conversations if row.store == store]
        if not ids:
            continue
        cursor.execute(SAID.format(turns=TURNS[store]), [ids])
        for turn in map(Said._make, cursor.fetchall()):
            found[store, turn.session_id].append(turn)
    return found


def moment(at, zone):
    """A time in the reader's zone, as text; edges of the calendar as they are."""
    if at is None:
        return None
    return (at.astimezone(zone) if 1 < at.year < 9999 else at).isoformat(sep=" ", timespec="milliseconds")


def number_or_none(value):
    return None if value is None else str(value)


def write_csv(job, columns, rows):
    with job.result_path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow([column.label for column in columns])
        writer.writerows(rows.rows(finish=guarded))
    return []


class NoProgress:
    """For the writer, which would count messages; the job counts conversations."""

    def step(self):
        """Rows are counted where they are read."""


def write_xlsx(job, columns, rows):
    return WRITERS["xlsx"](job, [(column, "") for column in columns], rows, NoProgress())
