from django.utils.text import Truncator


def short(text, length):
    """A text of at most `length` characters. Django's Truncator asks for a translation even where nothing is cut."""
    return text if len(text) <= length else Truncator(text).chars(length)
