"""The report: HTML, JSON and terminal."""

from synthlake.quality.report.report import Report

__all__ = ["Report"]
