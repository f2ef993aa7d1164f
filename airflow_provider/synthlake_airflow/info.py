"""What Airflow asks a provider about itself. Imports nothing: Airflow reads it at every start."""

from __future__ import annotations

from typing import Any

_INTEGRATION = "Synthlake"


def provider_info() -> dict[str, Any]:
    """The provider, in the form of Airflow's ``provider_info.schema.json``."""
    return {
        "package-name": "synthlake",
        "name": "Synthlake",
        "description": "Learns a database and writes a synthetic twin of it.",
        "integrations": [{"integration-name": _INTEGRATION, "tags": ["software"]}],
        "operators": [_modules("synthesize", "evaluate", "gate")],
        "sensors": [_modules("sensor")],
        "hooks": [_modules("hook")],
        "triggers": [_modules("trigger")],
        "connection-types": [_connection_type()],
        "extra-links": ["synthlake_airflow.links.ReportLink", "synthlake_airflow.links.RunLink"],
        "task-decorators": [
            {"name": "synthesize", "class-name": "synthlake_airflow.decorator.synthesize_task"}
        ],
        "asset-uris": [
            {
                "schemes": ["parquet", "delta"],
                "handler": "synthlake_airflow.assets.sanitize_uri",
                "factory": "synthlake_airflow.assets.create_asset",
            }
        ],
    }


def _modules(*names: str) -> dict[str, Any]:
    return {
        "integration-name": _INTEGRATION,
        "python-modules": [f"synthlake_airflow.{name}" for name in names],
    }


def _connection_type() -> dict[str, Any]:
    return {
        "connection-type": "synthlake",
        "hook-class-name": "synthlake_airflow.hook.SynthlakeHook",
        "hook-name": "Synthlake",
        "conn-fields": {
            "driver": {
                "label": "Driver",
                "description": "Scheme of the URL: postgresql+psycopg, sqlite, duckdb, parquet...",
                "schema": {"type": ["string", "null"]},
            },
            "path": {
                "label": "Path",
                "description": "Of a folder or file; the server's fields stay empty then",
                "schema": {"type": ["string", "null"]},
            },
            "schema_name": {
                "label": "Schema",
                "description": "Schema inside of the database",
                "schema": {"type": ["string", "null"]},
            },
            "options": {
                "label": "Options",
                "description": "Of the connector, as JSON",
                "schema": {"type": ["object", "null"]},
            },
        },
        "ui-field-behaviour": {
            "hidden-fields": [],
            "relabeling": {"schema": "Database"},
            "placeholders": {"schema": "shop", "port": "5432"},
        },
    }
