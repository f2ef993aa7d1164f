"""Emits SQL that means the same in every engine, and runs it in DuckDB."""
