"""Sessions of signed-in staff: Django's database sessions in a table of our own, which also knows whose a session is,
since when, from where, and why it ended. docs/staff.md.

    store        the engine: reads a session and says why it no longer holds
    limits       idle and absolute time
    middleware   keeps the time of what a person does; leads to the sign-in page and says why
    ending       lists and ends sessions, with actor and reason
    held         a form that was sent too late, kept until it can be sent again
"""
