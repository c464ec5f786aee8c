"""Months that are closed: the frozen statement of an organization, and closing them."""
