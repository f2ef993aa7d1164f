"""Databases that several tests sample, learned once."""

from __future__ import annotations

import pytest
from tests.relational.databases import Fitted, chain, enrolments, fit, loans, teams


@pytest.fixture(scope="session")
def shipped() -> Fitted:
    """``chain``."""
    return fit(chain())


@pytest.fixture(scope="session")
def played() -> Fitted:
    """``teams``."""
    return fit(teams())


@pytest.fixture(scope="session")
def enrolled() -> Fitted:
    """``enrolments``."""
    return fit(enrolments())


@pytest.fixture(scope="session")
def lent() -> Fitted:
    """``loans``."""
    return fit(loans())
