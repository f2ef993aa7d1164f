"""What is wrong with a twin, by its likely cause, and what to do about it."""

from synthlake.quality.advice.advice import Advice, advise, explained

__all__ = ["Advice", "advise", "explained"]
