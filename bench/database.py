"""Where the benchmark's database is, shared by generate.py and the measurements."""

import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "backoffice.settings")

PLACE = ROOT / "var" / "bench"
TRANSCRIPTS = ROOT / "var" / "bench-transcripts"
NAME = "platform"


def point_django_at(server, user="backoffice"):
    """Makes this process's Django use the benchmark's database, as the role that the back office logs in with."""
    import django
    from django.conf import settings

    settings.DATABASES["default"].update(NAME=NAME, USER=user, HOST=server.socket_dir)
    django.setup()
