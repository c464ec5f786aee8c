"""The figures are those of the raw rows, whatever happens to them."""

import datetime
import math
import random
from collections import defaultdict
from decimal import Decimal

import pytest
from django.core.management import call_command
from django.db import connection

from agents.conversations import index
from agents.models import Conversation
from agents.tests.factories import make_agent, make_chat_message, make_message, make_session
from backoffice.figure_models import DayFigure, Figure, FigurePeriod, FigureState
from backoffice.figures import follow, periods, sources
from backoffice.figures import tenant as windows
from backoffice.testing_crud import set_column
from billing.models import UsageLog
from billing.tests.factories import make_usage
from telephony.models import CallLog
from telephony.tests.factories import make_call
from tenants.tests.factories import change, make_organization

TIMES = [
    None, "infinity", "-infinity", "0044-03-15 BC", "20000-01-01", "2020-02-29T23:59:59.999999Z",
    "2020-03-01T00:00:00Z", "2050-01-01T12:00:00+14:00", "1000-01-01T00:00:00Z", "9998-12-31T23:59:59Z",
]  # fmt: skip
NOTHING = (0, 0, Decimal(0), 0, 0)
KEYS = ", ".join(sources.KEYS)
SUMS = ", ".join(sources.SUMS)


def sql(statement, *params, **named):
    with connection.cursor() as cursor:
        cursor.execute(statement, named or params)
        return cursor.fetchall() if cursor.description else []


def look(minutes=0):
    """The next look, as it is after so many minutes; the index of conversations goes before, as in the worker."""
    if minutes:
        sql(
            "update backoffice_figurestate set caught_up_at = caught_up_at - make_interval(mins => %s)",
            minutes,
        )
        sql("update agents_indexstate set caught_up_at = caught_up_at - make_interval(mins => %s)", minutes)
    sql(
        "update backoffice_figurestate set caught_up_at = caught_up_at - interval '61 seconds' where source = 'turn'"
    )
    sql("update backoffice_figureperiod set counted_at = counted_at - interval '301 seconds'")
    while index.follow():
        pass
    while follow.follow():
        pass


def money(value):
    """A cost as a number; what is none counts as nothing."""
    value = Decimal(value or 0)
    return value if value.is_finite() else Decimal(0)


def should_be():
    """{source: {(day, tenant, channel, model, bucket): sums}}, added up row by row from the raw rows, in Python."""
    found = defaultdict(lambda: defaultdict(lambda: list(NOTHING)))

    def add(source, day, tenant, *sums, channel="", model="", bucket=0):
        key = (
            day,
            tenant,
            "" if channel in (None, "null") else channel,
            "" if model in (None, "null") else model,
            bucket,
        )
        row = found[source][key]
        for place, value in enumerate((1, *sums)):
            row[place] += value

    day = (
        "case when {0} >= '1000-01-01Z' and {0} < '9999-01-01Z' then ({0} at time zone 'UTC')::date::text end"
    )
    created = day.format("created_at")
    for at, tenant, tokens, cost, model, channel in sql(
        f"select {created}, organization_id, tokens_used, cost_usd::text, model_used, channel from usage_logs"
    ):
        amount = Decimal(cost or 0)
        unpriced = amount.is_nan() or ((tokens or 0) > 0 and amount == 0)
        add("usage", at, tenant, tokens or 0, money(cost), 0, int(unpriced), channel=channel, model=model)
    for at, tenant, seconds, cost, status in sql(
        f"select {created}, organization_id, duration_seconds, cost::text, status from call_logs"
    ):
        add(
            "call", at, tenant, seconds or 0, money(cost), int(status in ("failed", "busy")), int(not seconds)
        )
    for at, tenant, channel, counted, stored, flags in sql(
        f"select {day.format('started_at')}, organization_id, channel, counted, stored, flags from agents_conversation"
    ):
        messages = stored if counted is None else counted
        failed = int(bool({"failed_start", "errors"} & set(flags)))
        add(
            "conversation", at, None if "shared" in flags else tenant, messages, 0, failed, 0, channel=channel
        )
    for at, latency in sql(f"select {created}, latency_ms from agent_messages where latency_ms >= 0"):
        bucket = math.floor(math.log(max(latency, 1)) / math.log(sources.LATENCY_STEP))
        add("turn", at, None, latency, 0, 0, 0, bucket=bucket)
    for (at,) in sql(f"select {created} from organizations"):
        add("signup", at, None, 0, 0, 0, 0)
    return {source: {key: tuple(sums) for key, sums in rows.items()} for source, rows in found.items()}


def check():
    wanted = should_be()
    figures, by_day, active = defaultdict(dict), defaultdict(dict), {}
    day = "nullif(day, '-infinity')::text"
    for source, at, *values in sql(f"select source, {day}, {KEYS}, {SUMS} from backoffice_figure"):
        figures[source][(at, *values[:4])] = tuple(values[4:])
    for source, at, *values in sql(
        f"select source, {day}, channel, model, bucket, {SUMS} from backoffice_dayfigure"
    ):
        if source == "active":
            active[at] = values[3]
        else:
            by_day[source][(at, *values[:3])] = tuple(values[3:])
    assert figures == wanted
    together = defaultdict(lambda: defaultdict(lambda: list(NOTHING)))
    tenants = defaultdict(set)
    for source, rows in wanted.items():
        for (at, tenant, *rest), sums in rows.items():
            row = together[source][(at, *rest)]
            for place, value in enumerate(sums):
                row[place] += value
            if source in ("usage", "call", "conversation") and at and tenant:
                tenants[at].add(tenant)
    assert by_day == {
        source: {key: tuple(row) for key, row in rows.items()} for source, rows in together.items()
    }
    assert {at: count for at, count in active.items() if count} == {
        at: len(ids) for at, ids in tenants.items()
    }


@pytest.fixture
def built(db):
    look()


def fill(rng, agents):
    """Rows of every kind, some of them odd."""
    agent = rng.choice(agents)
    fields = (
        {}
        if rng.random() < 0.5
        else {"created_at": f"2026-0{rng.randint(1, 9)}-11T2{rng.randint(0, 3)}:30:00Z"}
    )
    kind = rng.randrange(5)
    if kind == 0:
        usage = make_usage(agent, tokens_used=rng.choice([None, 0, 7, -3, 2**31 - 1]),
                           model_used=rng.choice([None, "", "null", "gpt-4o", "llama <script>"]),
                           channel=rng.choice([None, "", "text", "voice", "fax"]), **fields)  # fmt: skip
        set_column(usage, "cost_usd", rng.choice([None, "0", "0.0001", "NaN", "-1.5"]))
    elif kind == 1:
        call = make_call(agent.organization, duration_seconds=rng.choice([None, 0, 61, -5]),
                         status=rng.choice([None, "failed", "busy", "completed", "active", "exploded"]),
                         **fields)  # fmt: skip
        set_column(call, "cost", rng.choice([None, "NaN", "0.5"]))
    elif kind == 2:
        make_session(agent, channel=rng.choice([None, "text", "phone"]), message_count=rng.choice([None, 0, 4]),
                     started_at=fields.get("created_at"))  # fmt: skip
    elif kind == 3:
        make_message(make_session(agent), role="assistant", content=rng.choice(["Error: no", "Hello"]),
                     latency_ms=rng.choice([None, -1, 0, 1, 850, 60_000]), **fields)  # fmt: skip
    else:
        make_chat_message()


@pytest.mark.django_db
class TestExact:
    @pytest.mark.parametrize("seed", [1, 2])
    def test_after_random_inserts_changes_and_deletions(self, built, owner, seed):
        rng = random.Random(seed)
        agents = [make_agent() for _ in range(3)]
        for step in range(45):
            fill(rng, agents)
            if step % 5 == 3:
                table, time = rng.choice(
                    [("usage_logs", "created_at"), ("call_logs", "created_at"), ("agent_sessions", "started_at"),
                     ("agent_messages", "created_at"), ("organizations", "created_at")]
                )  # fmt: skip
                chosen = f"id = (select id from {table} order by md5(id::text || %s) limit 1)"
                owner(f"update {table} set {time} = %s where {chosen}", [rng.choice(TIMES), str(step)])
            if step % 11 == 7:
                table = rng.choice(["usage_logs", "call_logs", "agent_sessions", "agent_messages"])
                owner(
                    f"delete from {table} where id = (select id from {table} order by md5(id::text) limit 1)"
                )
            if step % 9 == 5:
                look()
                check()
        owner("update usage_logs set tokens_used = 5, model_used = 'other' where tokens_used = 7")
        owner("delete from organizations where id = %s", [agents[0].organization_id])
        look()
        check()

    @pytest.mark.parametrize("time", TIMES)
    def test_rows_with_another_time_than_now(self, built, time):
        for row in (make_usage(), make_call(), make_message(latency_ms=5), make_organization()):
            set_column(row, "created_at", time)
        set_column(make_session(), "started_at", time)
        make_usage(created_at="2020-01-01T00:00:00Z")
        make_message(latency_ms=9, created_at="2020-01-01T00:00:00Z")
        look()
        check()

    def test_when_it_is_built_after_the_rows(self, db):
        rng = random.Random(4)
        agents = [make_agent() for _ in range(2)]
        for _ in range(20):
            fill(rng, agents)
        for time in TIMES:
            set_column(make_usage(agents[0]), "created_at", time)
        look()
        check()
        assert not FigureState.objects.filter(built_at=None)

    def test_a_row_that_was_committed_late_is_found_by_the_far_look(self, built):
        make_usage()
        sql(
            "update backoffice_figurestate set looked_far_at = null, caught_up_at = clock_timestamp() + interval '30 min'"
        )
        look()
        check()
        assert Figure.objects.filter(source="usage").exists()

    @pytest.mark.parametrize("table", ["usage_logs", "call_logs", "agent_messages"])
    def test_tables_that_are_emptied(self, built, owner, table):
        make_usage(), make_call(), make_message(latency_ms=5)
        look()
        owner("set constraints all immediate")
        owner(f"truncate {table}")
        look(minutes=120)
        check()

    def test_what_nothing_saw_is_corrected_in_the_night(self, built, owner):
        make_usage(created_at="2026-01-05T10:00:00Z", tokens_used=7), make_call()
        look()
        Figure.objects.filter(source="usage").update(quantity=99)
        DayFigure.objects.filter(source="call").update(rows=12)
        DayFigure.objects.create(source="usage", day="2025-01-01", channel="text", rows=3)
        Figure.objects.create(source="call", day="2025-02-01", rows=3)
        FigureState.objects.update(compared_at="2026-01-01T00:00:00Z")
        look()
        check()

    def test_an_insert_of_now_marks_nothing(self, built, owner):
        owner("delete from figures.mark")
        make_usage(), make_call(), make_message(latency_ms=4), make_message(created_at="2020-01-01T00:00:00Z")
        assert owner("select source from figures.mark") == []

    def test_the_shared_session_belongs_to_no_tenant(self, built):
        make_session(external_id="default", channel="phone")
        make_session(channel="phone")
        look()
        check()
        rows = Figure.objects.filter(source="conversation").values_list("tenant_id", flat=True)
        assert len(rows) == 2 and list(rows).count(None) == 1

    def test_a_look_goes_by_the_indexes_on_times(self, built):
        sql("set local enable_seqscan = off")
        for source in ("usage", "call", "turn", "signup"):
            kind = sources.KINDS[source]
            statements = [
                follow.NEW.format(time=kind.time, tenant="null::uuid", table=kind.table, where=kind.where),
                sources.counted(kind),
                *([sources.counted(kind, of_tenants=True)] if kind.by_tenant else []),
            ]
            for statement in statements:
                with connection.cursor() as cursor:
                    params = {
                        "since": "2026-01-01Z",
                        "until": "2026-01-01T00:01Z",
                        "day": "2026-01-01",
                        "tenants": [],
                    }
                    cursor.execute(f"explain {statement}", params)
                    plan = "\n".join(row[0] for row in cursor.fetchall())
                assert "Index Cond: (" in plan and "COALESCE(created_at" in plan.split("Index Cond")[1], plan


@pytest.mark.django_db
class TestWindows:
    """One tenant's sums over any time, whether the figures are relied on or not."""

    NOON = datetime.datetime(2026, 5, 20, 12, tzinfo=datetime.UTC)
    HOURS = range(-80, 30, 5)  # rows; windows begin and end at each of these and between them

    @pytest.fixture(params=["relied on", "not relied on", "a day behind"])
    def kept(self, request, db):
        tenant = make_organization()
        for hours in self.HOURS:
            make_call(tenant, status="failed", created_at=self.NOON + datetime.timedelta(hours=hours))
        look()
        until = {"relied on": self.NOON.date(), "a day behind": self.NOON.date() - windows.DAY}
        return tenant, windows.Kept(self.NOON, until.get(request.param))

    def test_each_row_of_the_window_counts_once(self, kept):
        tenant, kept = kept
        for start in range(-85, 35, 5):
            for length in (1, 5, 24, 51, 115):
                since = self.NOON + datetime.timedelta(hours=start)
                until = since + datetime.timedelta(hours=length)
                wanted = sum(start <= hours < start + length for hours in self.HOURS)
                window = kept.window(since, until)
                statement = windows.sums_between("call", "rows", "failed")
                ((rows, failed),) = sql(statement, id=tenant.pk, **window)
                assert (rows or 0, failed or 0) == (wanted, wanted), (start, length)


@pytest.mark.django_db
class TestPeriods:
    def test_most_of_a_period_with_the_one_before(self, built):
        today = periods.today()
        one, two = make_agent(), make_agent()
        make_usage(one, tokens_used=5), make_usage(two, tokens_used=9)
        make_usage(one, tokens_used=70, created_at=f"{today - datetime.timedelta(days=7)}T12:00:00Z")
        make_usage(two, tokens_used=70, created_at=f"{today - datetime.timedelta(days=14)}T12:00:00Z")
        make_call(one.organization, status="failed")
        look()
        content = FigurePeriod.objects.get(days=7).content
        assert content["most"]["tokens"] == [
            [str(two.organization_id), "9", "0"], [str(one.organization_id), "5", "70"],
        ]  # fmt: skip
        assert (content["active"], content["active_before"]) == (2, 1)
        assert content["most"]["failed_calls"] == [[str(one.organization_id), "1", "0"]]

    def test_are_counted_again_when_something_changed_and_not_each_time(self, built):
        FigurePeriod.objects.update(counted_at="2026-01-01T00:05:01Z")
        FigureState.objects.update(changed_at="2025-12-31T00:00:00Z")
        look()
        assert FigurePeriod.objects.filter(counted_at="2026-01-01T00:00:00Z").count() == 3
        make_usage()
        look()
        assert FigurePeriod.objects.get(days=7).content["active"] == 1

    def test_a_new_day_moves_them(self, built):
        FigurePeriod.objects.update(until="2026-01-01")
        look()
        assert set(FigurePeriod.objects.values_list("until", flat=True)) == {periods.today()}


def test_one_process_at_a_time_follows(fresh_database):
    with fresh_database.connect() as other, fresh_database.django():
        other.execute("select pg_advisory_lock(%s)", [follow.FOLLOWER])
        assert follow.follow() is False
        assert not FigureState.objects.exclude(built_at=None).exists()
        other.execute("select pg_advisory_unlock(%s)", [follow.FOLLOWER])
        while follow.follow():
            pass
        assert not FigureState.objects.filter(built_at=None).exists()


def test_the_command_builds_tells_and_corrects(db, capsys):
    make_usage()
    call_command("refresh_figures", status=True)
    assert "Usage records: 0 of about" in capsys.readouterr().out
    call_command("refresh_figures")
    assert "Usage records: counted; right up to" in capsys.readouterr().out
    Figure.objects.update(quantity=5)
    call_command("refresh_figures", rebuild=True)
    assert Figure.objects.get(source="usage").quantity == UsageLog.objects.get().tokens_used
    assert not CallLog.objects.exists() and not Conversation.objects.exists()


def test_changes_of_settings_of_an_organization_cost_no_mark(built, owner):
    organization = make_organization()
    owner("delete from figures.mark")
    change(organization, name="Other", credits_balance="5.00")
    assert owner("select source from figures.mark") == []
