"""Demo data: some forty tenants whose rows tell a story, the same ones on every run.

    tenants.py          who they are and what is odd about each; start here
    texts_*.py          what is said, by language and industry; texts.py turns it into conversations
    agents.py           agents, in each of the shapes that their configuration takes
    world.py            logins, profiles, organizations, trunks, numbers
    conversations.py    sessions, messages, legacy chats, calls, usage: streamed, so that any scale fits in memory
    oddities.py         single rows, each made for one fault of the platform
    odd_agents.py       agents of which each has odd settings
    money.py            the postings behind each balance
    months.py           months that were closed
    load.py             writes it all, as the owner of an empty database
    audio.py, views.py  recordings

Everything comes from a seed and the time at which the data ends. People, companies, numbers and secrets are fictional.
"""
