"""One guard for every file that a spreadsheet opens: in Python and, by the same pattern, in PostgreSQL."""

import pytest
from django.db import connection

from backoffice.spreadsheets import FORMULA, guarded

FORMULAS = [
    "=1+1", "+SUM(1)", "-cmd|' /C calc'!A0", "@SUM(1)", "\t=1", "\r=1", "\n=1", "＝1+1", "＋1", "－1", "＠SUM(1)", "-", "=",
    "+1;=cmd", "-1+2",
]  # fmt: skip
TEXTS = ["", "plain", "1+1", "-5.00", "+44 20 7946 0000", "-1,250.50", " =1", "a=1", "'=1", "é", "日本"]


@pytest.mark.parametrize("text", FORMULAS, ids=ascii)
def test_a_formula_gets_an_apostrophe(db, text):
    assert guarded(text) == f"'{text}" == in_sql(text)


@pytest.mark.parametrize("text", TEXTS, ids=ascii)
def test_a_text_and_a_number_stay_as_they_are(db, text):
    assert guarded(text) == text == in_sql(text)


def test_nothing_stays_nothing():
    assert guarded(None) is None


def in_sql(text):
    with connection.cursor() as cursor:
        cursor.execute("select regexp_replace(%s::text, %s, '''')", [text, FORMULA])
        return cursor.fetchone()[0]
