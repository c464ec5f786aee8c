"""Where the time of one page goes: its statements, and the functions that its Python spends itself in.

    python bench/profiling.py /agents/sessions/                  # on var/bench-speed-1, which make bench loads
    python bench/profiling.py /figures/ --scale 0.1 --rounds 50 --most 40

The page is asked for in this process, with all that serves it but the network, as an admin. First come the milliseconds
of the processor and the number of calls to functions, of which the second does not depend on what else the machine
does; then each statement with its milliseconds; then the functions, by the time in them and in what they call.
"""

import argparse
import cProfile
import gc
import pstats
import statistics
import time

import database  # first: it puts the project on the path


def arguments():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("path", help="the page's address, with its parameters")
    parser.add_argument("--scale", type=float, default=1, help="of the database (1)")
    parser.add_argument("--rounds", type=int, default=30, help="times that it is asked for (30)")
    parser.add_argument("--most", type=int, default=25, help="functions that are printed (25)")
    return parser.parse_args()


def main():
    options = arguments()
    from backoffice.embedded import EmbeddedPostgres
    from bench.speed import loading

    with EmbeddedPostgres(loading.place(options.scale)) as server:
        if not server.has_database(database.NAME):
            raise SystemExit(f"There is no such database: run make bench SCALE={options.scale:g} first.")
        database.point_django_at(server)
        from transcripts import prepare

        prepare(server)
        profile(signed_in(), options)


def signed_in():
    from django.contrib.auth import get_user_model
    from django.test import Client

    from backoffice.testing import sign_in

    user, _ = get_user_model().objects.get_or_create(
        email="bench-admin@example.test", defaults={"first_name": "Bench", "is_superuser": True}
    )
    client = Client()
    sign_in(client, user)
    return client


def profile(client, options):
    def ask():
        response = client.get(options.path)
        if response.status_code != 200:
            raise SystemExit(f"{options.path} answers {response.status_code}.")
        return response.content

    for _ in range(5):
        content = ask()
    gc.collect()
    gc.freeze()  # as the server does (gunicorn_conf)
    times = [processor_ms(ask) for _ in range(options.rounds)]
    profiler = cProfile.Profile()
    profiler.runcall(ask)
    stats = pstats.Stats(profiler).strip_dirs()
    print(
        f"{options.path}: {statistics.median(times):.1f} ms of the processor (at best {min(times):.1f}),"
        f" {stats.total_calls:,} calls, {len(content) / 1024:.0f} KB\n"
    )
    for milliseconds, sql in statements(ask):
        print(f"{milliseconds:8.2f} ms  {' '.join(sql.split())[:150]}")
    stats.sort_stats("cumulative").print_stats(options.most)


def processor_ms(ask):
    began = time.process_time()
    ask()
    return (time.process_time() - began) * 1000


def statements(ask):
    """[(milliseconds, SQL)] of one request."""
    from django.db import connection

    found = []

    def noted(execute, sql, *args):
        began = time.perf_counter()
        try:
            return execute(sql, *args)
        finally:
            found.append(((time.perf_counter() - began) * 1000, str(sql)))

    with connection.execute_wrapper(noted):
        ask()
    return found


if __name__ == "__main__":
    main()
