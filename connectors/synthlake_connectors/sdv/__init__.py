"""A bridge to SDV's synthesizers of one table, to compare twins with.

What SDV learns is stored as a pickle, and holds real values without a bound on how many share them.
So there is no artifact of it, and a spec cannot name it: it is fitted, asked for rows, and gone.
SDV is under the Business Source License; Synthlake never installs it by itself.
"""

from __future__ import annotations

from synthlake_connectors.sdv.model import NAMES, Sdv, fit, twin

__all__ = ["NAMES", "Sdv", "fit", "twin"]
