"""The judge's counting as scripts, a table each."""

from __future__ import annotations

from collections.abc import Iterator

from synthlake.quality.emitted import codes, columns, keys, pairs
from synthlake.quality.emitted.site import Site
from synthlake.quality.emitted.statement import Statement


def statements(site: Site) -> Iterator[Statement]:
    """All statements of a table, in the order in which they are to be run."""
    yield columns.sizes(site)
    yield columns.rows(site)
    nulls = columns.null_rates(site)
    if nulls is not None:
        yield nulls
    if site.table.primary_key:
        yield keys.primary_key(site)
    yield from keys.references(site)
    if site.counted:
        yield from _of_columns(site)


def _of_columns(site: Site) -> Iterator[Statement]:
    texts = any(not c.ordered for c in site.counted)
    yield site.names()
    if texts:
        yield columns.words(site)
        yield columns.listed(site)
        yield columns.named(site)
    yield columns.numbers(site)
    yield columns.facts(site)
    yield columns.points(site)
    yield from columns.of_ordered(site, texts)
    if texts:
        yield from columns.of_texts(site)
    if not site.pairs:
        return
    yield codes.base(site)
    yield codes.edges(site)
    yield codes.grids(site)
    if texts:
        yield codes.tops(site)
    yield from codes.bounds(site)
    yield codes.codes(site)
    yield from pairs.of_pairs(site)
