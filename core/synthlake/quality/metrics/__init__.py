"""The metrics, a small file for each question."""
