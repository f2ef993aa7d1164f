"""Artifacts on a disk."""
