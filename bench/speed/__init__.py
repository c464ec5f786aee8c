"""`make bench`: every page of the back office beside the bare query and stock Django admin. Start: __main__.py."""
