import asyncio
import contextlib
import logging
import os
import signal

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import connections
from procrastinate import PsycopgConnector
from procrastinate.contrib.django import app
from procrastinate.contrib.django.utils import connector_params
from procrastinate.exceptions import ConnectorException

from backoffice import background, jobs
from backoffice.alive import BEAT_SECONDS
from backoffice.checks import refuse_bad_connection
from backoffice.embedded import EmbeddedError, EmbeddedPostgres
from backoffice.metrics import serve
from backoffice.postgresql.base import SESSION_SETTINGS
from backoffice.processes import PARENT, end_with_parent

logger = logging.getLogger(__name__)
RETRY_SECONDS = 5


async def configure(connection):
    await connection.execute(SESSION_SETTINGS)
    await connection.commit()


async def beat():
    """Signs of life for `python -m backoffice.alive worker`, as long as this process gets on with its work."""
    try:
        while True:
            settings.WORKER_HEARTBEAT.touch()
            await asyncio.sleep(BEAT_SECONDS)
    except OSError:
        logger.warning("Signs of life cannot be written where WORKER_HEARTBEAT says.", exc_info=True)


class Command(BaseCommand):
    help = "Runs the queued jobs, and keeps what follows the platform's tables in step, until it is stopped."
    requires_system_checks = ()

    def add_arguments(self, parser):
        parser.add_argument("--concurrency", type=int, default=1, help="jobs at the same time (1)")
        parser.add_argument("--once", action="store_true", help="end when the queue is empty")

    def handle(self, *, concurrency, once, **options):
        server = None
        if settings.EMBEDDED and PARENT not in os.environ:
            server = EmbeddedPostgres(settings.EMBEDDED_PLACE)
            try:
                server.start()
            except EmbeddedError as error:
                raise CommandError(str(error)) from error
        end_with_parent()
        logging.captureWarnings(not once)
        with contextlib.ExitStack() as stack:
            if server:
                stack.callback(server.stop)
            stack.callback(connections.close_all)
            refuse_bad_connection()
            jobs.tidy()
            if once:
                background.once()
            else:
                if settings.METRICS_BIND_WORKER:
                    serve.start()
                stack.callback(background.start())
            asyncio.run(self.work(concurrency, once))

    async def work(self, concurrency, once):
        """Works until a signal comes; running jobs then stop at their next safe place, and are queued again or end.

        Survives an absence of the database.
        """
        loop, task = asyncio.get_running_loop(), asyncio.current_task()

        heartbeat = None if once else loop.create_task(beat())  # noqa: F841, else it would be forgotten

        def stop():
            jobs.stopping.set()
            task.cancel()

        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stop)
        with contextlib.suppress(asyncio.CancelledError):
            while True:
                with contextlib.suppress(ConnectorException):
                    await self.serve_queue(concurrency, once)
                    if once:
                        return
                # Without a signal it ends only when the database went away.
                logger.warning("The database does not answer; trying again in %s seconds.", RETRY_SECONDS)
                await asyncio.sleep(RETRY_SECONDS)

    async def serve_queue(self, concurrency, once):
        connector = PsycopgConnector(kwargs=connector_params(), configure=configure, min_size=1, max_size=4)
        with app.replace_connector(connector) as worker_app:
            async with worker_app.open_async():
                await worker_app.run_worker_async(
                    concurrency=concurrency,
                    wait=not once,
                    shutdown_graceful_timeout=10,
                    delete_jobs="never",
                    install_signal_handlers=False,
                )
