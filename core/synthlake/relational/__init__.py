"""Many tables: learning their keys and rows (``relational.learn``), and making them again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from synthlake.late import late_names

if TYPE_CHECKING:
    from synthlake.relational.generate import Generator
    from synthlake.relational.model import Model
    from synthlake.relational.plan import SamplePlan
    from synthlake.relational.planning import plan_sample

__all__ = ["Generator", "Model", "SamplePlan", "plan_sample"]
_HOMES = dict(zip(__all__, ("generate", "model", "plan", "planning"), strict=True))
__getattr__ = late_names(__name__, _HOMES)
