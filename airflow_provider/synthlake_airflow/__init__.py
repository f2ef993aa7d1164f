"""Synthlake in Airflow."""
