import time

from django.core.management.base import BaseCommand

from backoffice.background import alone
from backoffice.figure_models import FigureState
from backoffice.figures import follow


class Command(BaseCommand):
    help = (
        "Brings the figures of the dashboard up to date (docs/dashboards.md); builds them if they never were. The "
        "worker does the same by itself. Interrupted, it goes on where it stopped; the platform is not held up."
    )

    def add_arguments(self, parser):
        parser.add_argument(
            "--rebuild", action="store_true", help="count everything again and correct what differs"
        )
        parser.add_argument("--status", action="store_true", help="only say how far the figures are")

    def handle(self, *, rebuild, status, **options):
        if not status:
            self.set_up(rebuild)
            began = reported = time.monotonic()
            while follow.follow():
                if time.monotonic() - reported > 2:
                    reported = time.monotonic()
                    self.stdout.write(f"{self.progress()} after {reported - began:.0f} s")
        for state in FigureState.objects.order_by("source"):
            self.stdout.write(describe(state))

    def set_up(self, rebuild):
        while True:
            with alone(follow.FOLLOWER) as mine:
                if mine and rebuild:
                    for source in follow.SOURCES:
                        follow.begin_comparison(source)
                if mine:
                    return
            self.stdout.write("The worker is at it; waiting …")
            time.sleep(2)

    def progress(self):
        states = [state for state in FigureState.objects.all() if state.position or not state.built_at]
        done, total = (sum(getattr(state, name) for state in states) for name in ("done", "total"))
        share = f" ({min(99, 100 * done // total)} %)" if total else ""
        return f"{done:,} of about {total:,} rows counted{share}"


def describe(state):
    name = state.get_source_display()
    if state.position is not None or state.built_at is None:
        share = f" ({min(99, 100 * state.done // state.total)} %)" if state.total else ""
        return f"{name}: {state.done:,} of about {state.total:,} rows counted{share}"
    return f"{name}: counted; right up to {state.caught_up_at:%Y-%m-%d %H:%M:%S} UTC"
