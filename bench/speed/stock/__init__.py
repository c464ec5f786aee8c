"""Stock Django admin over the platform's tables: what a team has after a day of work. Measured beside ours."""
