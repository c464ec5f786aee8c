from contextlib import contextmanager


@contextmanager
def holding(variable, value):
    """Within it, a ContextVar has this value; afterwards the one of before."""
    token = variable.set(value)
    try:
        yield
    finally:
        variable.reset(token)
