"""Figures of the dashboard: sums by day of the platform's rows, kept in step with them (docs/dashboards.md)."""
