"""Where names of the Python door live that are loaded when they are asked for: most runs need few.

As ``late.late_names`` takes them; ``synthlake.api`` lists them for type checkers.
"""

from __future__ import annotations

from collections.abc import Mapping

HOMES: Mapping[str, str] = {
    **dict.fromkeys(("RunResult", "RunSettings", "if_published_of", "plan", "run"), "pipeline.run"),
    **dict.fromkeys(("Subset", "SubsetTable", "subset"), "pipeline.subset"),
    **dict.fromkeys(("mask", "mask_all"), "pipeline.secrets"),
    **dict.fromkeys(("FoundRun", "find_run"), "pipeline.find"),
    **dict.fromkeys(("Relation", "relations"), "source.relations"),
    **dict.fromkeys(("Scan", "ScanSource"), "source.scans"),
    **dict.fromkeys(("carried", "carry"), "sink.carry"),
    **dict.fromkeys(("check_columns", "check_tables", "nearest"), "source.names"),
    "Audit": "pipeline.audit",
    "Comparison": "quality.comparison",
    "Document": "pipeline.document",
    "DuckDBEngine": "sql.duckdb_engine",
    "Lines": "pipeline.lines",
    "PartFiles": "sink.staging",
    "Plan": "pipeline.plan",
    "Report": "quality.report",
    "SynthesisSpec": "pipeline.spec",
    "augment": "pipeline.augment",
    "interrupted": "sql.bounded",
    "open": "source:open_source",
    "read_document": "pipeline.document:read",
    "read_manifest": "source.folder",
    "resolve_secret": "source.secrets:resolve",
    "schemes": "plugins",
    "sinks": "sink.database:",
    "sql": "sql.dialect:",
    "taking": "options",
    "typed_batches": "source.types",
    "write_table": "sink.export",
}
