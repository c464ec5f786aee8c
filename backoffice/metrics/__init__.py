"""Metrics for Prometheus (list: docs/deployment.md): count.py counts, serve.py serves, look.py reads the queue."""
