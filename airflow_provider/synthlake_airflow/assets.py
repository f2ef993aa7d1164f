"""Twins as assets of Airflow."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult

from airflow.providers.common.compat.sdk import Asset, AssetAlias
from airflow.sdk.definitions.asset import AssetRef


def sanitize_uri(uri: SplitResult) -> SplitResult:
    """A URI of a folder of tables; Airflow has dropped what is secret in it.

    Raises:
        ValueError: it names no folder.
    """
    if not uri.netloc and not uri.path.strip("/"):
        raise ValueError(f"an asset {uri.scheme}:// has to name a folder")
    return uri._replace(query="")


def create_asset(*, path: str, scheme: str = "parquet", extra: Any = None) -> Asset:
    """The asset of a folder of tables."""
    return Asset(uri=f"{scheme}://{path}", extra=extra)


def sink_asset(sink: str) -> Asset:
    """The asset of a sink: a folder as ``file://``, a URL without user, password and options."""
    scheme, mark, rest = sink.partition("://")
    if not mark or scheme in ("file", "parquet"):
        folder = Path(rest if mark else sink).expanduser().absolute()
        return Asset(uri=folder.as_uri())
    return Asset(uri=f"{scheme}://{rest.partition('?')[0].rpartition('@')[2]}")


def tell_assets(context: Mapping[str, Any], sink: str, extra: dict[str, Any]) -> None:
    """Give a task's outlets what is worth knowing of the twin; an alias gets the sink as asset."""
    for outlet in context["task"].outlets:
        if isinstance(outlet, AssetAlias):
            context["outlet_events"][outlet].add(sink_asset(sink), extra=extra)
        elif isinstance(outlet, Asset | AssetRef):
            context["outlet_events"][outlet].extra.update(extra)
