"""Two files of postings: one that was approved and posted, one that waits for a second person."""

import hashlib

from backoffice.demo.world import fixed_id

STAFF, SECOND = ("Demo data", 0), ("Demo data (second person)", -1)
TICKETS = "Calls failed for two hours"
# {slug: (name, kind, reason, [(tenant, amount, reason, problem, message)])}
FILES = {
    "outage": (
        "outage-compensation.csv",
        "goodwill",
        "Everybody who was hit by the outage",
        [
            ("grand-meridian", "5.00", TICKETS, None, None),
            ("praxis-weber", "2.50", TICKETS, None, None),
            ("maple-street", "2.50", TICKETS, None, None),
        ],
    ),
    "corrections": (
        "corrections.csv",
        "correction",
        "Found when the month was checked",
        [
            ("alpenblick", "4.20", "Two calls were charged twice", None, None),
            ("morgenrot", "-1.75", "A call was not charged", None, None),
            ("parcelwise", "1,5", "Rounded wrongly", "malformed", "Amount: Enter a number such as 1,250.50."),
            ("alpenblick", "0.80", "A third call", "duplicate", "Line 2 names the same organization."),
        ],
    ),
}


def write_files(connection):
    """As their owner, for the files' ids shall be the same on every run; what is posted is posted as staff post."""
    for slug, (name, kind, reason, lines) in FILES.items():
        good = [line for line in lines if not line[3]]
        connection.execute(
            "insert into billing.bulk_posting (id, name, sha256, kind, reason, row_count, left_out, amount,"
            " requested_by, requested_by_name, expires_at)"
            " select %s, %s, %s, %s, %s, %s, %s, sum(v), %s, %s, now() + interval '30 days'"
            " from unnest(%s::numeric[]) v",
            [
                fixed_id(slug, "file"), name, hashlib.sha256(slug.encode()).hexdigest(), kind, reason, len(good),
                len(lines) - len(good), STAFF[1], STAFF[0], [line[1] for line in good],
            ],
        )  # fmt: skip
        for number, (tenant, amount, why, problem, message) in enumerate(lines, 2):
            connection.execute(
                "insert into billing.bulk_posting_row (run_id, number, given, organization_id, organization_name,"
                " amount, given_amount, reason, problem, message)"
                " select %s, %s, id, id, name, %s, %s, %s, %s, %s from organizations where id = %s",
                [
                    fixed_id(slug, "file"), number, None if problem == "malformed" else amount, amount, why, problem,
                    message, fixed_id(tenant, "organization"),
                ],
            )  # fmt: skip
    post_as_second_person(connection, fixed_id("outage", "file"))


def post_as_second_person(connection, file):
    connection.execute("set local role backoffice")
    connection.execute(
        "select set_config('backoffice.actor', %s, true), set_config('backoffice.actor_id', %s, true),"
        " set_config('backoffice.reason', 'As agreed on Monday', true)",
        [SECOND[0], str(SECOND[1])],
    )
    connection.execute(
        "select billing.decide_bulk_posting(%s, true, 'As agreed on Monday', %s)",
        [file, fixed_id("outage", "job")],
    )
    connection.execute(
        "select billing.post_bulk_row(run_id, number) from billing.bulk_posting_row where run_id = %s order by number",
        [file],
    )
    connection.execute("reset role")
