"""What a spreadsheet would do with a text of a file, and what keeps it from doing so."""

import re

# A cell that is taken for a formula, in wide signs too (some programs read them as the narrow ones); a plain signed
# number is none. For PostgreSQL as well as for Python.
FORMULA = r"^(?=[=+\-@\t\r\n＝＋－＠])(?![+-]?[0-9][0-9 .,]*$)"


MAY_BEGIN = frozenset("=+-@\t\r\n＝＋－＠")


def guarded(text):
    """A text that no spreadsheet takes for a formula: one that it would gets an apostrophe. None stays None."""
    return re.sub(FORMULA, "'", text) if text and text[0] in MAY_BEGIN else text
