"""Is the database as the back office needs it, and are its rows sound? docs/data-health.md"""
