"""What is counted. Labels have few values, known from the code, and none of a person or a tenant.

Where no metrics are served nothing is counted. Each server process counts in files of its place (serve.py), the worker
in its memory.
"""

from django.conf import settings
from django.db import connections
from prometheus_client import Counter, Gauge, Histogram

from backoffice.metrics import serve  # first: it says where values are kept

METHODS = ("GET", "HEAD", "POST", "OPTIONS", "PUT", "PATCH", "DELETE")
REQUEST_BUCKETS = (0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15)
JOB_BUCKETS = (1, 10, 60, 300, 1800, 7200)
ROUND_BUCKETS = (0.01, 0.1, 1, 10, 60, 300)

serve.prepare()

# Of the server
REQUESTS = Counter("backoffice_requests", "Requests answered.", ["route", "method", "status"])
REQUEST_SECONDS = Histogram(
    "backoffice_request_seconds", "Time until the answer was made.", ["route"], buckets=REQUEST_BUCKETS
)
REQUEST_QUERIES = Counter("backoffice_request_queries", "Statements sent by requests.", ["route"])
REQUEST_DATABASE_SECONDS = Counter(
    "backoffice_request_database_seconds", "Time requests waited for statements.", ["route"]
)
UNAVAILABLE = Counter("backoffice_unavailable", "Answers 503, by what the database did.", ["cause"])
POOL = Gauge("backoffice_pool_connections", "Connections, by state.", ["state"], multiprocess_mode="livesum")
POOL_WAITING = Gauge(
    "backoffice_pool_waiting", "Requests that wait for a connection.", multiprocess_mode="livesum"
)
LOGIN_FAILURES = Counter("backoffice_login_failures", "Sign-ins that failed.", ["step"])
# Of the worker
JOBS = Counter("backoffice_jobs", "Jobs that ended.", ["kind", "status"])
JOB_SECONDS = Histogram("backoffice_job_seconds", "Time jobs took.", ["kind"], buckets=JOB_BUCKETS)
ROUNDS = Counter("backoffice_rounds", "Rounds of background work.", ["round", "outcome"])
ROUND_SECONDS = Histogram("backoffice_round_seconds", "Time rounds took.", ["round"], buckets=ROUND_BUCKETS)


def is_on():
    return bool(settings.METRICS_BIND or settings.METRICS_BIND_WORKER)


def request_done(facts, *, seconds, database_seconds):
    """Counts a request that has its answer; `facts` are those of its line in the log."""
    if not is_on():
        return
    route = facts["route"] or "unknown"
    method = facts["method"] if facts["method"] in METHODS else "other"
    REQUESTS.labels(route, method, f"{facts['status'] // 100}xx").inc()
    REQUEST_SECONDS.labels(route).observe(seconds)
    if facts["queries"]:
        REQUEST_QUERIES.labels(route).inc(facts["queries"])
        REQUEST_DATABASE_SECONDS.labels(route).inc(database_seconds)
    if facts["status"] == 503:
        UNAVAILABLE.labels(facts["fault"] or "other").inc()


def request_came():
    """Looks at the pool before the request takes a connection of it; one that was never opened says nothing."""
    if not is_on():
        return
    connection = connections["default"]
    if pool := connection._connection_pools.get(connection.alias):
        stats = pool.get_stats()
        idle = stats.get("pool_available", 0)
        POOL.labels("idle").set(idle)
        POOL.labels("in_use").set(stats.get("pool_size", 0) - idle)
        POOL_WAITING.set(stats.get("requests_waiting", 0))


def login_failed(**signal):
    if is_on():
        LOGIN_FAILURES.labels("password").inc()


def job_ended(kind, status, seconds):
    if is_on():
        JOBS.labels(kind, status).inc()
        if seconds is not None:
            JOB_SECONDS.labels(kind).observe(seconds)


def round_ended(name, outcome, seconds):
    """`outcome`: done, database (it did not go along), or error."""
    if is_on():
        ROUNDS.labels(name, outcome).inc()
        ROUND_SECONDS.labels(name).observe(seconds)
