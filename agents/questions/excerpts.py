"""Values before and after a change as the dry run keeps them: without secrets, of long texts what differs."""

import json
import re

from backoffice.display import HIDDEN, URL_SECRET, redact, redact_text

LONGEST = 4000  # characters of a value that is kept whole
AROUND = 200  # characters kept on each side of what differs in a longer one


def shown(name, value):
    """A value of a setting as a text without secrets; None: not set."""
    if value is None or value == "":
        return None
    if isinstance(value, bool):
        return "Yes" if value else "No"
    if name == "webhook_url" and isinstance(value, str):
        return URL_SECRET.sub(rf"\1{HIDDEN}", re.sub(r"//[^/?#]*@", f"//{HIDDEN}@", value))
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return "\n".join(redact_text(item) for item in value) or "(no entries)"
    if isinstance(value, list | dict):
        return json.dumps(redact(value), ensure_ascii=False)
    return redact_text(str(value))


def excerpts(name, before, after):
    """Both values as texts; of long ones the part that differs, with what stands around it."""
    before, after = shown(name, before), shown(name, after)
    if max(len(before or ""), len(after or "")) <= LONGEST:
        return before, after
    one, other = before or "", after or ""
    least = min(len(one), len(other))
    start = next((n for n in range(least) if one[n] != other[n]), least)
    end = next((n for n in range(least - start) if one[-1 - n] != other[-1 - n]), least - start)
    return part(before, start, end), part(after, start, end)


def part(text, start, end):
    """`text` between the first `start` and the last `end` characters, which are the same in both."""
    if text is None:
        return None
    first, last = max(start - AROUND, 0), min(len(text) - end + AROUND, len(text))
    middle = text[first:last]
    if len(middle) > LONGEST:
        middle = f"{middle[: LONGEST // 2]} … {middle[-LONGEST // 2 :]}"
    return f"{'… ' if first else ''}{middle}{' …' if last < len(text) else ''}"
