"""What the project aims for, per kind of page (median, same data, same run, one worker): the one place that says so.

A Wanted holds for a page if each of its limits does; what is None is not asked for. `ms` stands where a time was asked
of a page for itself, whatever the floor takes.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Wanted:
    floor: float | None = None  # at most so many times the floor
    stock: float | None = (
        None  # at least so many times faster than stock Django admin; 0.5: at most twice its time
    )
    ms: float | None = None  # at most so many milliseconds
    first_byte: float | None = None  # ms, of a file
    memory: float | None = None  # MB that the process grows by at the most
    growth: float | None = None  # at 5,000,000 messages at most so many times the cost at 500,000

    def __str__(self):
        said = [
            self.floor and f"≤ {self.floor:g}x floor",
            self.stock
            and (f"≥ {self.stock:,g}x stock" if self.stock >= 1 else f"≤ {1 / self.stock:g}x stock"),
            self.ms and f"≤ {self.ms:g} ms",
            self.first_byte and f"first byte ≤ {self.first_byte:g} ms",
            self.memory and f"memory + ≤ {self.memory:g} MB",
        ]
        return ", ".join(filter(None, said)) or "–"


WANTED = {
    "list": Wanted(floor=12, stock=30, growth=1.3),
    # Of a table with some thousand rows: what makes stock slow is not there, so that it is to be no quicker than ours.
    "small list": Wanted(floor=12, stock=1, growth=1.3),
    "last page": Wanted(floor=12, stock=1_000, growth=1.3),
    "list of the top tenant": Wanted(floor=2, stock=15),
    "search, rare": Wanted(floor=12, stock=500, ms=50, growth=1.3),
    "search, common": Wanted(floor=1, stock=90, ms=120),
    "search, worst": Wanted(ms=120),
    "search box": Wanted(floor=4, stock=1, ms=50),
    "transcript": Wanted(floor=12, stock=80, growth=1.3),
    "long transcript": Wanted(ms=500),
    "tenant page, top": Wanted(floor=0.5),
    "tenant page": Wanted(floor=12),
    "tab": Wanted(floor=12, growth=1.3),  # of the tenant page: a list under its head
    "dashboard": Wanted(floor=0.3, ms=50),
    # No floor does what these do; they are to be no slower than the slowest page that a time was asked of.
    "box": Wanted(ms=150),
    "record": Wanted(ms=50),
    "form, open": Wanted(floor=15, stock=10, growth=1.3),
    "form, save": Wanted(floor=30, stock=0.5, growth=1.3),
    "export, figures": Wanted(floor=1.5, stock=10, first_byte=20, memory=20),
    "export, content": Wanted(floor=10, stock=2, first_byte=20, memory=20),
    "other": Wanted(),  # measured, and compared with nothing
}
