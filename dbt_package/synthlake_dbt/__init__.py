"""Synthlake in dbt projects."""
