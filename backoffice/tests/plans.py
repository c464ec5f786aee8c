"""What a page asks of the database: its statements, and whether one of them counts or walks a big table.

The planner says which rows a statement looks at (EXPLAIN), so it does not matter how the SQL is written. Counting is
bounded where a LIMIT stands between the count and the table: `select count(*) from (select … limit 1001) rows`.
"""

import contextlib
import re

from django.db import connections

from backoffice.postgresql.base import PREVIEW

# Those that grow with the platform's traffic.
BIG = {
    "agent_sessions",
    "agent_messages",
    "chat_sessions",
    "chat_messages",
    "call_logs",
    "usage_logs",
    "credit_transactions",
    "agents_conversation",
    "agents_indexedturn",
    "settled_row",
    "event",  # of the audit
    "read_log",
}
# Columns of which few rows share a value, whatever the size of the table.
NARROW = re.compile(r"\b(id|source_id|session_id|conversation_id|settlement_id|row_id)\)*(::\w+)? = ")
SUSPECT = re.compile(r"\bcount\(|\bdistinct\b|\boffset\b", re.IGNORECASE)
COUNTS = re.compile(r"\bcount\(|\bDISTINCT\b")
WALKS = re.compile(r"\boffset\s+(\w+)", re.IGNORECASE)
FAR = 10_000  # rows: so many may be skipped, by an index, to see whether there are more


@contextlib.contextmanager
def statements():
    """[(alias, SQL, parameters)] of everything that is sent meanwhile, as the access log counts it."""
    sent = []

    def keep(execute, sql, params, many, context):
        sent.append((context["connection"].alias, sql, params))
        return execute(sql, params, many, context)

    with contextlib.ExitStack() as stack:
        for alias in ("default", PREVIEW):
            stack.enter_context(connections[alias].execute_wrapper(keep))
        yield sent


def counted(statement, explain):
    """[(big tables, sentence)] of what a statement counts or walks; `explain(sql)` gives the root of its plan.

    Several statements may travel as one.
    """
    alias, sql, params = statement
    found = []
    if SUSPECT.search(sql):
        for part in connections[alias].ops.compose_sql(sql, params).split(";\n"):
            if SUSPECT.search(part) and re.match(r"\s*(select|with|\()", part, re.IGNORECASE):
                found += counted_by(part, explain(part))
    return found


def counted_by(sql, plan):
    text = " ".join(sql.split())[:300]
    parts = {node["Subplan Name"]: node for node in nodes(plan) if "Subplan Name" in node}
    asks_distinct = "distinct" in sql.lower()  # else the planner does so by itself, to join
    for node in nodes(plan):
        if is_counting(node, asks_distinct) and (
            tables := sum_of(tables_read(child, parts) for child in inputs(node))
        ):
            yield tables, f"counts {', '.join(sorted(tables))} without a limit: {text}"
    is_far = any(not count.isdigit() or int(count) > FAR for count in WALKS.findall(sql))
    if is_far and (tables := BIG & {node.get("Relation Name") for node in nodes(plan)}):
        yield tables, f"skips rows of {', '.join(sorted(tables))}: {text}"


def nodes(node):
    yield node
    for child in node.get("Plans", []):
        yield from nodes(child)


def inputs(node):
    """The children whose rows a node takes in; others are worked out beside it, and judged by themselves."""
    return [
        child
        for child in node.get("Plans", [])
        if child["Parent Relationship"] in ("Outer", "Inner", "Member", "Subquery")
    ]


def is_counting(node, asks_distinct):
    """Whether a node counts the rows that it takes in, or makes them differ."""
    if node["Node Type"] == "Unique":
        return asks_distinct
    if node["Node Type"] != "Aggregate":
        return False
    return any(COUNTS.search(output) for output in node.get("Output", [])) or (
        asks_distinct and is_distinct(node)
    )


def is_distinct(node):
    """Groups of which nothing is summed: DISTINCT, as the planner does it by hashing."""
    return set(node.get("Group Key", [])) >= set(node["Output"])


def tables_read(node, parts):
    """The big tables of which a node may take in any number of rows."""
    if node["Node Type"] == "Limit":
        return set()
    found = set() if is_narrow(node) else BIG & {node.get("Relation Name")}
    if "CTE Name" in node and (part := parts.get(f"CTE {node['CTE Name']}")):
        found |= tables_read(part, parts)
    return found | sum_of(tables_read(child, parts) for child in inputs(node))


def is_narrow(node):
    """Whether a scan looks for the rows of one record: of a conversation, of a settlement, those with an id."""
    conditions = [node.get(name, "") for name in ("Index Cond", "Recheck Cond", "Filter")]
    return any(NARROW.search(condition) for condition in conditions)


def sum_of(sets):
    return set().union(*sets)
