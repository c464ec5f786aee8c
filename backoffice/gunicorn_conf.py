"""The production server: `gunicorn --config python:backoffice.gunicorn_conf backoffice.wsgi`."""

import os
import sys

from backoffice.processes import end_with_parent

bind = os.environ.get("BIND", "127.0.0.1:" + os.environ.get("PORT", "8000"))
workers = int(os.environ.get("WEB_CONCURRENCY", 2))
worker_class = "gthread"
threads = 4
timeout = 60
graceful_timeout = 10
preload_app = True  # one import for all workers
control_socket_disable = True
forwarded_allow_ips = ""  # settings.TRUSTED_PROXIES decides about forwarded headers
logconfig_dict = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"json": {"()": "backoffice.logs.JsonFormatter"}},
    "handlers": {
        "stdout": {"class": "logging.StreamHandler", "stream": "ext://sys.stdout", "formatter": "json"}
    },
    "root": {"level": "WARNING", "handlers": ["stdout"]},
    "loggers": {"gunicorn.error": {"level": "WARNING", "handlers": ["stdout"], "propagate": False}},
}


def on_starting(server):
    """Refuses to serve over a database connection that the system checks refuse."""
    from django.core.management import call_command
    from django.core.management.base import SystemCheckError
    from django.db import DatabaseError, connection

    end_with_parent()
    try:
        call_command("check", databases=["default"])
    except (SystemCheckError, DatabaseError) as error:
        sys.exit(f"The back office does not start: {error}")
    finally:
        connection.close()
        connection.close_pool()  # the workers fork from here, each opens its own
