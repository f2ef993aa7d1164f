"""The shell door: ``synthlake init | plan | run | fit | inspect | sample | subset | evaluate``."""

from __future__ import annotations


def main() -> None:
    """Entry point of the command ``synthlake``."""
    # imported late: completion and --help stay fast, and nothing heavy loads with the package
    from synthlake.cli.app import app

    app(prog_name="synthlake")
