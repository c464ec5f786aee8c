#!/usr/bin/env python3
import os
import sys


def main():
    if sys.version_info < (3, 11):  # noqa: UP036
        sys.exit(f"Python 3.11 or newer is needed, this is {sys.version_info[0]}.{sys.version_info[1]}.")
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "backoffice.settings")
    try:
        from django.core.exceptions import ImproperlyConfigured
        from django.core.management import execute_from_command_line
        from django.db import OperationalError
    except ImportError:
        sys.exit("Django is not installed here: run `make run` once, or install requirements.txt.")

    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        sys.exit(str(error))
    except OperationalError as error:
        if getattr(error.__cause__, "sqlstate", None):
            raise
        sys.exit(f"The database does not answer. {error}")  # no connection at all


if __name__ == "__main__":
    main()
