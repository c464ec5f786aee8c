"""Closing a tenant: everything of it as an archive, what stands in the way, and the deletion."""
