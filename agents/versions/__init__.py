"""What an agent was, and what it becomes: history, restoring, comparing, cloning, publishing.

    rows.py       an agent's row as it was after each change on record, out of the audit
    secrets.py    what the audit keeps instead of a secret, and how a row is put together around them
    changes.py    two rows compared by what is in effect
    lines.py      two long texts, line by line
    card.py       the history on an agent's page
    restore.py    a version put back
    compare.py    two agents, or two versions, side by side
    clone.py      a copy, without secrets
    publish.py    published or not

A row here is {column: value} as the audit has it: JSON values, every secret replaced by a mark. A version is named by
the id of the audit event that made it; 0 is how the agent was before the first change on record.
"""
