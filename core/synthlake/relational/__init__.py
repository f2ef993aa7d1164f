"""Many tables: learning their keys and rows, and making them again."""

from synthlake.relational.generate import Generator
from synthlake.relational.learn import LearnSettings, learn
from synthlake.relational.model import Model
from synthlake.relational.plan import SamplePlan
from synthlake.relational.planning import plan_sample

__all__ = ["Generator", "LearnSettings", "Model", "SamplePlan", "learn", "plan_sample"]
