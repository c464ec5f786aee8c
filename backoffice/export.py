"""A list as CSV or XLSX: the rows, order and columns that the page shows, out of COPY, safe in a spreadsheet."""

import datetime
from contextlib import contextmanager
from dataclasses import dataclass

import xlsxwriter
from django.db import connection, connections
from django.db.models import (
    BooleanField,
    CharField,
    DateTimeField,
    DecimalField,
    F,
    ForeignKey,
    Func,
    IntegerField,
    TextField,
)  # fmt: skip
from django.db.models.expressions import Col
from django.db.models.functions import Cast
from django.utils import timezone

from backoffice import jobs, keyset, services
from backoffice.display import HIDDEN, SECRET_KEY
from backoffice.generic.lists import open_list
from backoffice.models import User
from backoffice.spreadsheets import FORMULA

FORMATS = {"csv": "CSV", "xlsx": "XLSX"}

# A text that begins with one of these (the first and the last of each range) is written as it is: it is no JSON, no web
# address, no formula, and begins with no space of any kind. Most do, whatever their script, and for all of them to pass
# the patterns below would take longer than to read them.
PLAIN_STARTS = [
    "AZ", "ag", "iz", "09", "\u00c0\u167f", "\u1681\u17ff", "\u1810\u1fff", "\u3001\ufefe", "\U00010000\U0010ffff",
]  # fmt: skip
JSON_START, WEB_ADDRESS = r"^\s*[[{]\s*[\"{\[]", r"^https?://"
ADDRESS_SECRET = r"([?&][^=&#]*(?:token|secret|key|pass|pwd|signature|auth)[^=&#]*=)[^&#]*"

AT_ONCE_TIMEOUT = "5min"
PIECE = 64 * 1024  # bytes, of an answer
ROWS_AT_ONCE = 500  # between two looks at whether the job shall stop

# What a sheet of Excel holds.
SHEET_ROWS = 1_048_576
CELL_CHARACTERS = 32_767
# What a number of Excel holds: beyond it digits would be lost.
SAFE_NUMBER = 10**15


def export_columns(page):
    """([(column, path or expression)] that a file of the list holds, [columns that are shown but never exported])."""
    found, left_out = [], []
    for column in page.columns:
        source = source_of(column) if column.name not in page.not_exported else None
        if source is None:
            left_out.append(column)
        else:
            found.append((column, source))
    return found, left_out


def source_of(column):
    """Where the exported value of a column comes from; None if it is not for files."""
    field = column.field
    if column.export is not None:
        return column.export or None
    if field is None or field.get_internal_type() == "JSONField" or SECRET_KEY.search(field.name):
        return None
    if isinstance(field, ForeignKey):
        return "__".join([column.path, (getattr(field.related_model, "search_fields", ()) or ["pk"])[0]])
    return column.path


def export_value(column, source, *, guard):
    """What stands in the file."""
    expression = F(source) if isinstance(source, str) else source
    field = column.field
    if isinstance(field, BooleanField):
        return Cast(expression, TextField())
    if not isinstance(field, CharField | TextField | ForeignKey | None):
        return expression
    return FileText(expression, guard=guard)


class FileText(Func):
    """A text as a file holds it. It loses what pages hide too: JSON, which may hold secrets, and secrets in addresses;
    with `guard` one that a spreadsheet would take for a formula gets an apostrophe.
    """

    output_field = TextField()

    def __init__(self, text, *, guard):
        super().__init__(text)
        self.guard = guard

    def as_sql(self, compiler, connection, **more):
        (text,) = self.get_source_expressions()
        sql, params = compiler.compile(text)
        if isinstance(text, Col):
            return self.written(f"({sql})::text")
        # What takes longer to find than a column is found once.
        written, patterns = self.written("found.text")
        return f"(select {written} from (select ({sql})::text as text offset 0) found)", [*patterns, *params]

    def written(self, text):
        """(SQL, parameters) of a text that can be asked for many times."""
        guarded = f"regexp_replace({text}, %s, %s)" if self.guard else text
        sql = (
            f"case when {starts_plainly(text)} then {text} when {text} ~ %s then '[JSON]' when {text} ~ %s"
            f" then regexp_replace(regexp_replace({text}, %s, %s), %s, %s, 'gi') else {guarded} end"
        )
        address = [WEB_ADDRESS, "//[^/@]*@", f"//{HIDDEN}@", ADDRESS_SECRET, rf"\1{HIDDEN}"]
        return sql, [JSON_START, *address, *([FORMULA, "'"] if self.guard else [])]


def starts_plainly(text):
    """A condition: whether a text begins with one of PLAIN_STARTS."""
    # Of Latin letters and digits PostgreSQL makes a hash table: most texts are looked up once.
    latin = [n for first, last in PLAIN_STARTS if last.isascii() for n in range(ord(first), ord(last) + 1)]
    others = [(ord(first), ord(last)) for first, last in PLAIN_STARTS if not last.isascii()]
    tests = [f"ascii({text}) between {first} and {last}" for first, last in others]
    return f"({' or '.join([f'ascii({text}) = any (array{latin})', *tests])})"


def copy_statement(page, columns, *, guard):
    """The COPY that gives the rows of a list, in its order."""
    _, order, falling = page.current_order()
    values = {f"column_{n}": export_value(*column, guard=guard) for n, column in enumerate(columns)}
    key = [order.key.desc(), F("pk").desc()] if falling else [order.key.asc(), F("pk").asc()]
    queryset = page.filterset.qs.select_related(None).order_by(*key).values(**values)
    sql, params = queryset.query.sql_with_params()
    options = "with (format csv)" if guard else ""
    return f"copy ({connection.ops.compose_sql(sql, params)}) to stdout {options}"


@dataclass
class Export:
    """A list as a file: what is read, and how the read log names it."""

    page: object
    columns: list  # [(column, path or expression)]
    left_out: list
    statement: str
    total: keyset.Total

    def rows(self, time_zone, timeout="0"):
        return copying(self.statement, time_zone, timeout=timeout, many=self.total.kind != "exact")

    def name(self, kind):
        return f"{self.page.model._meta.verbose_name_plural.replace(' ', '-')}.{kind}"

    def log(self, owner, title, rows):
        """Before anybody can have the file; `rows` says how many."""
        names = ", ".join(column.name for column, _ in self.columns)
        asked = self.page.request.GET.copy()
        asked.pop("columns", None)
        services.log_read(
            "export",
            self.page.model(),
            actor=owner,
            detail=f"{title}: {asked.urlencode() or 'all rows'}; columns {names}; {rows} rows",
        )


def prepared(list_name, query, owner, kind):
    """The Export of a list in a state as `owner` sees it."""
    with timezone.override(owner.time_zone):  # "from" and "until" are days of whoever asked
        page = open_list(list_name, owner, query)
        page.request.whole_list = True  # a page may look at the newest rows alone, a file may not
        columns, left_out = export_columns(page)
        found = page.filterset.qs
        statement = copy_statement(page, columns, guard=kind == "csv")
    total = keyset.total(found, filtered=page.filterset.is_filtered)
    return Export(page, columns, left_out, statement, total)


@jobs.kind("export", resumable=True)
def export_list(job, progress):
    """params: list (a url name), query (its state, columns said), format."""
    owner = User.objects.get(pk=job.owner_id)
    kind = job.params.get("format", "csv")
    export = prepared(job.params["list"], job.params["query"], owner, kind)
    job.result_path.parent.mkdir(parents=True, exist_ok=True)
    progress.start(export.total.number)
    with export.rows(owner.time_zone) as rows:
        notes = WRITERS[kind](job, export.columns, rows, progress)
    if export.left_out:
        left_out = ", ".join(column.label for column in export.left_out)
        notes.append(f"Left out, as it is not for files: {left_out}.")
    export.log(owner, job.title, f"{job.done:,}")
    job.total = job.done
    job.result_name = export.name(kind)
    job.message = " ".join([f"{job.done:,} rows.", *notes])[:500]


def at_once(export, owner):
    """The pieces of the CSV as they are read, for an answer that begins at once; its caller has logged it."""
    yield headings(export.columns)
    with export.rows(owner.time_zone, timeout=AT_ONCE_TIMEOUT) as rows:
        piece = bytearray()
        for row in rows:
            piece += row
            if len(piece) > PIECE:
                yield bytes(piece)
                piece.clear()
        yield bytes(piece)


def write_csv(job, columns, rows, progress):
    with job.result_path.open("wb") as file:
        file.write(headings(columns))
        count = 0
        for row in rows:
            file.write(row)
            count += 1
            if count == ROWS_AT_ONCE:
                progress.step(count)
                count = 0
        progress.step(count)
    return []


def headings(columns):
    return f"{','.join(quoted(column.label) for column, _ in columns)}\n".encode()


def quoted(text):
    return '"' + text.replace('"', '""') + '"' if any(sign in text for sign in '",\n') else text


def write_xlsx(job, columns, rows, progress):
    """Row by row, each at once on disk. Texts are written as texts, whatever they look like; times as Excel's own,
    which know no zone: it stands in the heading.
    """
    timed = [isinstance(column.field, DateTimeField) for column, _ in columns]
    headings = [
        f"{column.label} ({job.owner.time_zone})" if is_time else column.label
        for (column, _), is_time in zip(columns, timed, strict=True)
    ]
    numeric = [isinstance(column.field, IntegerField | DecimalField) for column, _ in columns]
    cut = sheets = 0
    options = {"constant_memory": True, "tmpdir": str(job.result_path.parent)}
    with xlsxwriter.Workbook(str(job.result_path), options) as book:
        bold = book.add_format({"bold": True})
        time = book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
        line = SHEET_ROWS
        for row in with_heading(rows.rows()):
            if line >= SHEET_ROWS:
                sheet = book.add_worksheet()
                sheets += 1
                sheet.freeze_panes(1, 0)
                sheet.set_column(0, len(columns), 18)
                for at, heading in enumerate(headings):
                    sheet.write_string(0, at, heading, bold)
                line = 1
            if row is None:
                continue
            for at, value in enumerate(row):
                if value is None:
                    continue
                if numeric[at] and is_safe_number(value):
                    sheet.write_number(line, at, float(value))
                elif timed[at] and (moment := moment_of(value)):
                    sheet.write_datetime(line, at, moment, time)
                else:
                    cut += len(value) > CELL_CHARACTERS
                    sheet.write_string(line, at, value[:CELL_CHARACTERS])
            line += 1
            progress.step()
    notes = []
    if sheets > 1:
        notes.append(f"On {sheets} sheets: one holds {SHEET_ROWS:,} rows.")
    if cut:
        texts = "text was" if cut == 1 else "texts were"
        notes.append(f"{cut:,} {texts} cut at Excel's {CELL_CHARACTERS:,} characters; a CSV has them whole.")
    return notes


def with_heading(rows):
    """None first, so that a list without rows gets a sheet with its headings too."""
    yield None
    yield from rows


def is_safe_number(text):
    try:
        return abs(float(text)) < SAFE_NUMBER
    except ValueError:
        return False


def moment_of(text):
    """The time that a text of PostgreSQL names, as its clock shows it; None for those that Excel does not have."""
    try:
        moment = datetime.datetime.fromisoformat(text).replace(tzinfo=None)
    except ValueError:  # infinity, BC
        return None
    return moment if moment.year >= 1901 else None


WRITERS = {"csv": write_csv, "xlsx": write_xlsx}


@contextmanager
def copying(statement, time_zone, *, timeout="0", many=False):
    """The rows of a COPY, over a connection of its own: the job goes on reporting over the usual one meanwhile.

    Times come in the named zone, with their offset. `many` rows are read along the index of their order, so that the
    first ones come at once; the planner would read and sort all of them first.
    """
    own = connections.create_connection("default")
    try:
        with transaction_of(own), own.cursor() as cursor:
            cursor.execute("select set_config('statement_timeout', %s, true)", [timeout])
            cursor.execute("set local jit = off")  # to compile takes longer than to do it
            # Several processes would be no quicker than what writes the file, and take a while to begin.
            cursor.execute("set local max_parallel_workers_per_gather = 0")
            # A workbook of millions of rows is put together for a minute after the last of them has come.
            cursor.execute("set local idle_in_transaction_session_timeout = '10min'")
            if many:
                cursor.execute("set local enable_sort = off")
            cursor.execute("select set_config('timezone', %s, true)", [time_zone])
            with cursor.cursor.copy(statement) as copy:
                yield copy
    finally:
        own.close()


@contextmanager
def transaction_of(own):
    own.set_autocommit(False)
    try:
        yield
    finally:
        own.rollback()
        own.set_autocommit(True)
