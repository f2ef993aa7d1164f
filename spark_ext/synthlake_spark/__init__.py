"""Synthlake on Spark."""
