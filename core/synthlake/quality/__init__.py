"""Judging a twin: metrics, gates and the report."""
