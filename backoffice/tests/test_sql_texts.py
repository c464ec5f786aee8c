"""SQL that is put together from texts: what each place puts in, against the reviewed list in sql_texts.txt.

What a person typed, or a row holds, is always a parameter. A text that a place puts into SQL is one of our own (a
constant, a name out of the models, a condition made of these) or a name of the catalog, quoted by psycopg. A new place
fails here until its line is in the list: read where its texts come from, then write the lines with

    python -m pytest backoffice/tests/test_sql_texts.py --update-url-matrix
"""

import ast
import re
import tomllib
from pathlib import Path

from django.conf import settings

REVIEWED = Path(__file__).with_name("sql_texts.txt")
APPS = ("backoffice", "tenants", "agents", "telephony", "billing")
# As ruff's S608 knows SQL; a clause alone (" where …") stands inside of one of these.
SQL = re.compile(
    r"(?is)\b(select\s.*\sfrom|insert\s+into\s.*(values|select)|update\s.*\sset\s|delete\s+from|copy\s*\()"
)


def own_files():
    for app in APPS:
        for path in sorted((settings.BASE_DIR / app).rglob("*.py")):
            name = str(path.relative_to(settings.BASE_DIR))
            if "/tests/" not in name and "/migrations/" not in name and "testing" not in name:
                yield name, path


def texts_of(node):
    """(the constant text of a piece of code, what is put into it) if it puts something into a text."""
    if isinstance(node, ast.JoinedStr):
        constant = "…".join(part.value for part in node.values if isinstance(part, ast.Constant))
        return constant, [ast.unparse(p.value) for p in node.values if isinstance(p, ast.FormattedValue)]
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Mod):
        sides = [node.left, node.right]
        constant = "…".join(
            s.value for s in sides if isinstance(s, ast.Constant) and isinstance(s.value, str)
        )
        return constant, [ast.unparse(s) for s in sides if not isinstance(s, ast.Constant)]
    if (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in ("format", "format_map")
        and isinstance(node.func.value, ast.Constant | ast.JoinedStr)
    ):
        constant = texts_of(node.func.value) or (str(node.func.value.value), [])
        given = [*node.args, *(keyword.value for keyword in node.keywords)]
        return constant[0], [ast.unparse(one) for one in given]
    return None


def found_in(source):
    """The distinct expressions that are put into SQL in a file, in order."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        texts = texts_of(node)
        if texts and texts[1] and SQL.search(texts[0]):
            found.update(" ".join(one.split()) for one in texts[1])
    return sorted(found)


def test_a_text_put_into_sql_is_found():
    assert found_in("cursor.execute(f\"select a from t where name = '{typed}'\")") == ["typed"]
    assert found_in('cursor.execute("delete from " + table)') == ["table"]
    assert found_in('cursor.execute("update {} set a = 1".format(table))') == ["table"]
    assert found_in('cursor.execute("select a from t where name = %s", [typed])') == []


def test_what_is_put_into_sql_is_what_was_reviewed(request):
    found = [f"{name}: {one}" for name, path in own_files() for one in found_in(path.read_text())]
    if request.config.getoption("--update-url-matrix"):
        REVIEWED.write_text("\n".join(found) + "\n")
    assert found == REVIEWED.read_text().splitlines()


def test_the_linter_lets_sql_be_put_together_where_it_was_reviewed_alone():
    reviewed = {line.partition(":")[0] for line in REVIEWED.read_text().splitlines()}
    ignores = tomllib.loads((settings.BASE_DIR / "pyproject.toml").read_text())["tool"]["ruff"]["lint"]
    allowed = {
        name
        for name, rules in ignores["per-file-ignores"].items()
        if "S608" in rules and name.startswith(tuple(f"{app}/" for app in APPS)) and "*" not in name
    }
    assert allowed <= reviewed
