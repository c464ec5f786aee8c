"""The tenant's view: staff see what a tenant's browser app may see (docs/tenant-view.md).

procedure   beginning and ending, with a reason, on record
compare     rows in the back office beside rows that the tenant sees
talk        what was said, as the tenant may read it
"""
