"""Metrics that a spec declares: a SELECT each, that gives one number."""
