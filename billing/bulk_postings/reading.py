"""A file of postings, read as CSV: its lines, or one sentence about why it cannot be read."""

import csv
import io
import re
from dataclasses import dataclass

from django.core.exceptions import ValidationError

MOST_ROWS = 5_000
MOST_BYTES = 2 * 1024 * 1024
LONGEST_CELL = 10_000
REQUIRED = ("organization", "amount", "reason")
COLUMNS = (*REQUIRED, "reference")
SEPARATORS = (",", ";", "\t")
BOMS = {b"\xff\xfe": "UTF-16", b"\xfe\xff": "UTF-16"}
SPREADSHEETS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")


@dataclass(frozen=True)
class Line:
    """One line as it was given, spaces around and between words tidied. `fault` says what is wrong with its cells."""

    number: int  # as an editor counts; the heading is usually line 1
    organization: str = ""
    amount: str = ""
    reason: str = ""
    reference: str = ""
    fault: str = ""
    is_comma_separated: bool = True


def read_lines(content):
    """The Lines of a file (bytes), without empty ones. Raises ValidationError with a sentence for who chose it."""
    text = decoded(content)
    separator, columns = columns_of(next(line for line in re.split(r"[\r\n]+", text) if line.strip()))
    found = []
    for number, cells in records(text, separator):
        if any(cells):
            found.append((number, cells))
        if len(found) > MOST_ROWS + 1:
            raise ValidationError(f"The file has more than {MOST_ROWS:,} rows. Split it.")
    if len(found) < 2:
        raise ValidationError("The file has a heading, and no row below it.")
    return [line_of(number, cells, columns, separator) for number, cells in found[1:]]


def decoded(content):
    if len(content) > MOST_BYTES:
        raise ValidationError(f"The file is larger than {MOST_BYTES // 1024**2} MB. Split it.")
    if content.startswith(SPREADSHEETS):
        raise ValidationError("This is a spreadsheet. Save it as “CSV UTF-8” first.")
    if encoding := BOMS.get(content[:2]):
        raise ValidationError(f"The file is in {encoding}. Save it as “CSV UTF-8”.")
    if b"\0" in content:
        raise ValidationError("This is not a text file: it holds NUL characters.")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ValidationError(
            f"Line {line} is not in UTF-8, so its letters cannot be told. Save the file as “CSV UTF-8”."
        ) from error
    if not text.strip():
        raise ValidationError("The file is empty.")
    return text


def columns_of(heading):
    """(separator, names of the columns in order) of the line with the headings."""
    readings = {}
    for separator in SEPARATORS:
        try:
            cells = next(csv.reader([heading], delimiter=separator, strict=True), [])
        except csv.Error:
            continue
        readings[separator] = [" ".join(cell.split()).lower() for cell in cells]
    if not readings:
        raise ValidationError("The line with the headings cannot be read: a quotation mark is left open.")
    separator = max(readings, key=lambda sign: (len(set(readings[sign]) & set(COLUMNS)), len(readings[sign])))
    columns = readings[separator]
    if missing := [name for name in REQUIRED if name not in columns]:
        raise ValidationError(
            f"The first line has to name the columns. Missing: {', '.join(missing)}. "
            f"It begins with: {heading.strip()[:100]}"
        )
    if unknown := [name or "(no heading)" for name in columns if name not in COLUMNS]:
        raise ValidationError(
            f"Unknown columns: {', '.join(unknown)[:200]}. Known are: {', '.join(COLUMNS)}."
        )
    if len(set(columns)) < len(columns):
        raise ValidationError("A column stands there twice.")
    return separator, columns


def records(text, separator):
    """(number of its line, cells) of each record, cells with their spaces tidied."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    begin = 1
    try:
        for cells in reader:
            # A mark that is left open would swallow the lines below, up to the next one.
            if reader.line_num > begin:
                raise ValidationError(
                    f"Line {begin}: a quotation mark is opened there and not closed on the same line."
                )
            if any(len(cell) > LONGEST_CELL for cell in cells):
                raise ValidationError(f"Line {begin}: a cell is longer than {LONGEST_CELL:,} characters.")
            yield begin, [" ".join(cell.split()) for cell in cells]
            begin = reader.line_num + 1
    except csv.Error as error:
        if "unexpected end of data" in str(error):
            raise ValidationError(
                f"Line {begin}: a quotation mark is opened there and never closed."
            ) from error
        raise ValidationError(f"Line {begin} cannot be read as CSV: {error}.") from error


def line_of(number, cells, columns, separator):
    named = dict(zip(columns, cells, strict=False))
    fault = ""
    if len(cells) != len(columns):
        fault = f"It has {len(cells)} cells where the heading has {len(columns)}."
        if separator == "," and len(cells) > len(columns):
            fault += " A comma inside a cell needs quotation marks around the cell."
    return Line(number, **named, fault=fault, is_comma_separated=separator == ",")
