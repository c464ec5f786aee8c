"""Conversations of all stores as one thing: their turns, the list and search index that follow them, search, files."""
