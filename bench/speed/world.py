"""What the pages of the table are about: the top and the middle tenant, places deep in the lists, one agent to edit."""

from dataclasses import dataclass, field

import psycopg

from bench.speed import others
from bench.speed.places import PLACES, place

TURNS = {"short": 120, "long": 20_000}
# Words of bench/conversations.py and what each is: in 500, 50,000 and, of the worst, 15,000 to 3,000,000 messages.
WORDS = [
    ("vorbandel", "rare"),
    ("hasperin", "common"),
    ("trimolent", "worst"),
    ("dolveren", "worst"),
    ("mirasto", "worst"),
]
EMPTY = "00000000-0000-0000-0000-000000000000"


@dataclass
class World:
    top: str = EMPTY
    middle: str = EMPTY
    short: str = EMPTY  # a session of 120 turns
    long: str = EMPTY  # one of 20,000
    agent: str = EMPTY
    part_of_name: str = "tide"
    words: list = field(default_factory=lambda: list(WORDS))
    places: dict = field(default_factory=dict)  # {list: (key, id, number of the page)}
    rows: dict = field(default_factory=dict)  # {table: rows}
    some: dict = field(default_factory=dict)  # {table of others.RECORDS: id of a row}


def look(url):
    """The World of a database that is filled; superuser or owner."""
    with psycopg.connect(url, autocommit=True) as connection:
        run = connection.execute
        tenants = [
            str(row[0])
            for row in run(
                "select organization_id from backoffice.agents_conversation where organization_id is not null"
                " group by 1 order by count(*) desc, 1"
            )
        ]
        sessions = {
            name: run(
                """select source_id from backoffice.agents_conversation where store = 'session' and stored <= %s
                   order by stored desc, source_id limit 1""",
                [turns],
            ).fetchone()[0]
            for name, turns in TURNS.items()
        }
        world = World(
            top=tenants[0],
            middle=tenants[len(tenants) // 2],
            short=str(sessions["short"]),
            long=str(sessions["long"]),
        )
        world.agent = str(
            run(
                "select id from public.agents where organization_id = %s order by id limit 1", [world.middle]
            ).fetchone()[0]
        )
        # Stock looks at names alone, ours at owners, too: a word that is in the name of all whose owner has it.
        world.part_of_name = run(
            """select w.word from public.organizations o, lower(split_part(o.name, ' ', 1)) w (word)
               where o.name ~ '^[A-Za-z]{6,} ' and not exists (
                 select from public.organizations other join public.user_profiles u on u.id = other.owner_id
                 where position(w.word in lower(concat_ws(' ', u.full_name, u.company_name, u.email))) > 0
                   and position(w.word in lower(other.name)) = 0)
               order by o.id limit 1"""
        ).fetchone()[0]
        for name, (table, *_) in PLACES.items():
            world.rows[name] = run(f"select count(*) from {table}").fetchone()[0]
            if found := place(connection, name, world.rows[name]):
                world.places[name] = found
        for _, table, *_ in others.RECORDS:
            if found := run(f"select id from {table} order by id limit 1").fetchone():
                world.some[table] = str(found[0])
        world.some |= {
            "public.organizations": world.middle,
            "public.agents": world.agent,
            "public.agent_sessions": world.short,
        }
        return world
