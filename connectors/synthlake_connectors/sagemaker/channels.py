"""Channels that are exported, as SageMaker's doors take them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from synthlake.api import errors, nearest
from synthlake_connectors.sagemaker import contract

VERSION: Final = 1
FORMATS: Final = {
    "csv": "text/csv",
    "parquet": "application/x-parquet",
    "jsonlines": "application/jsonlines",
}
_LISTS: Final = {"S3Prefix": "/", "ManifestFile": ".manifest"}  # where each is, after the channel


@dataclass(frozen=True)
class Channels:
    """Channels of one export.

    Attributes:
        uri: the folder, or ``s3://bucket/prefix/id``.
        manifest: files, rows and digests by channel; columns in their order; artifact and seed.
    """

    uri: str
    manifest: Mapping[str, Any]

    def __repr__(self) -> str:
        sizes = [f"{n}: {c['rows']:,}" for n, c in self.manifest["channels"].items()]
        return f"Channels({self.uri!r}, {', '.join(sizes)})"

    @property
    def content_type(self) -> str:
        """MIME type of the files."""
        return FORMATS[self.manifest["format"]]

    def input_data_config(
        self,
        channels: Sequence[str] | None = None,
        *,
        input_mode: str = "File",
        data_type: str = "S3Prefix",
        distribution: str = "FullyReplicated",
    ) -> list[dict[str, Any]]:
        """``InputDataConfig`` for boto3's ``create_training_job`` and for Airflow.

        Args:
            channels: in this order; None for all. The built-in algorithms refuse channels that
                they do not know, such as ``holdout_real``.
            input_mode: ``File``, ``FastFile`` or ``Pipe``.
            data_type: ``S3Prefix``, or ``ManifestFile`` for the list of the files.
            distribution: ``FullyReplicated`` or ``ShardedByS3Key``.

        Raises:
            SpecError: the channels are not on S3, there is no such channel, or SageMaker would
                refuse a value.
            MissingExtraError: botocore is not installed.
        """
        found = []
        for name in self._names(channels):
            location = self.location(name, data_type)
            source = {
                "S3DataType": data_type,
                "S3Uri": location,
                "S3DataDistributionType": distribution,
            }
            found.append(
                {
                    "ChannelName": name,
                    "DataSource": {"S3DataSource": source},
                    "ContentType": self.content_type,
                    "CompressionType": "None",
                    "InputMode": input_mode,
                }
            )
        contract.check("InputDataConfig", found, "InputDataConfig")
        return found

    def input_data(self, channels: Sequence[str] | None = None) -> list[Any]:
        """``InputData`` for ``ModelTrainer.train`` of sagemaker 3; folders as their paths.

        Raises:
            SpecError: there is no such channel, or SageMaker would refuse a value.
            MissingExtraError: sagemaker is not installed.
        """
        try:
            from sagemaker.core.shapes import S3DataSource
            from sagemaker.train.configs import InputData
        except ImportError as error:
            raise errors.MissingExtraError("sagemaker", "sagemaker") from error
        names = self._names(channels)
        if not self.uri.startswith("s3://"):
            made = [(name, f"{self.uri}/{name}") for name in names]
        else:
            plain = self.input_data_config(names)
            sources = [one["DataSource"]["S3DataSource"] for one in plain]
            made = [
                (
                    name,
                    S3DataSource(
                        s3_data_type=source["S3DataType"],
                        s3_uri=source["S3Uri"],
                        s3_data_distribution_type=source["S3DataDistributionType"],
                    ),
                )
                for name, source in zip(names, sources, strict=True)
            ]
        return [
            InputData(channel_name=name, data_source=source, content_type=self.content_type)
            for name, source in made
        ]

    def location(self, channel: str, data_type: str = "S3Prefix") -> str:
        """Where a channel is.

        Raises:
            SpecError: it is not on S3, or is not described so.
        """
        if data_type not in _LISTS:
            raise errors.SpecError(
                f"the channels are not described as {data_type!r}",
                hint=f"there are {', '.join(_LISTS)}",
            )
        if not self.uri.startswith("s3://"):
            raise errors.SpecError(
                "SageMaker reads channels from S3, and these are in a folder",
                hint="export to s3://bucket/prefix, or take input_data() for local mode",
            )
        return f"{self.uri}/{channel}{_LISTS[data_type]}"

    def _names(self, channels: Sequence[str] | None) -> list[str]:
        known = list(self.manifest["channels"])
        if channels is not None and len(set(channels)) < len(channels):
            raise errors.SpecError("a channel is named twice", hint="name each once")
        for name in channels or ():
            if name not in known:
                raise errors.SpecError(f"there is no channel {name!r}", hint=nearest(name, known))
        return known if channels is None else list(channels)
