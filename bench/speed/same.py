"""Whether floor, stock and ours show the same rows in the same order: by the ids that stand in the pages."""

import re

ID = r"([0-9a-f]{8}-[0-9a-f-]{27}|\d+)"
# How a row is marked in our pages, by kind of page.
MARKS = {
    "list": re.compile(rf'class="row-link[^"]*" href="[^"]*/{ID}/"'),
    "search": re.compile(rf'class="said__when" href="[^"]*turn={ID}'),
    "turns": re.compile(rf'data-turn="{ID}"'),
    "admin": re.compile(rf'<th class="field-[^"]*"><a href="[^"]*/{ID}/change/'),
}
FLOOR = re.compile(rf'data-id="{ID}"')
STOCK = {
    "list": MARKS["admin"],
    "search": MARKS["admin"],
    "admin": MARKS["admin"],
    "turns": re.compile(rf'name="agentmessage_set-\d+-id" value="{ID}"'),
}


class Different(Exception):
    """The pages show different rows."""


def rows(page, kind, marks=MARKS):
    return marks[kind].findall(page)


def check(page, ours, other, whose):
    """Raises Different. The last page of stock holds what is left over: the end of ours."""
    if "last" in page.ours and len(other) < len(ours):
        ours = ours[len(ours) - len(other) :]
    if whose == "stock":  # its pages have 50 rows, whatever ours have
        ours, other = ours[: len(other)], other[: len(ours)]
    if not ours or ours != other:
        where = next(
            (n for n, pair in enumerate(zip(ours, other, strict=False)) if pair[0] != pair[1]), "end"
        )
        raise Different(
            f"{page.group}, {page.name}: {whose} shows other rows than ours: {len(other)} and {len(ours)},"
            f" different from row {where}."
        )
