"""Where channels go: a folder, or a prefix on S3; whole once the manifest is there."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol
from uuid import uuid4

from synthlake.api import errors, resolve_secret
from synthlake_connectors.sagemaker import contract

MANIFEST = "manifest.json"


class ChannelPlace(Protocol):
    """Conforms: ``Folder``, ``Bucket``."""

    @property
    def uri(self) -> str:
        """The target, without a slash at its end."""

    def staging(self) -> Any:
        """A folder to write files into, as a context."""

    def publish(self, staged: Path, identity: str, manifest: Mapping[str, Any]) -> None:
        """Put what was staged below the target, the manifest last; nothing if it is there."""


def place_of(target: str | Path, storage: Mapping[str, Any]) -> ChannelPlace:
    """The place of a target.

    Raises:
        SpecError: it is none.
        MissingExtraError: boto3 is not installed.
    """
    text = str(target)
    scheme, mark, rest = text.partition("://")
    if scheme == "s3" and mark:
        contract.check("S3Uri", text, "target")
        given = {k: resolve_secret(v) if isinstance(v, str) else v for k, v in storage.items()}
        bucket, _, prefix = rest.partition("/")
        return Bucket(bucket, prefix.strip("/"), given)
    if mark and scheme != "file":
        raise errors.SpecError(
            f"channels do not go to {scheme}://", hint="give a folder or s3://bucket/prefix"
        )
    return Folder(Path(rest if mark else text).expanduser().absolute())


class Folder:
    """A folder of this machine.

    Args:
        root: the target.
    """

    def __init__(self, root: Path) -> None:
        self.root, self.uri = root, str(root)

    @contextmanager
    def staging(self) -> Iterator[Path]:
        """A folder beside what is published.

        Raises:
            SinkError: it cannot be written to.
        """
        staged = self.root / f".synthlake-{uuid4().hex}"
        try:
            staged.mkdir(parents=True)
            yield staged
        except OSError as error:
            if isinstance(error, errors.SynthlakeError):
                raise
            raise errors.SinkError(
                f"{self.root} cannot be written to ({error.strerror})", hint="give another folder"
            ) from None
        finally:
            shutil.rmtree(staged, ignore_errors=True)

    def publish(self, staged: Path, identity: str, manifest: Mapping[str, Any]) -> None:
        """Rename the folder; nothing if it is there."""
        (staged / MANIFEST).write_bytes(as_bytes(manifest))
        place = self.root / identity
        try:
            staged.rename(place)
        except OSError:  # another export may have been first, at any moment
            if not (place / MANIFEST).is_file():
                raise


class Bucket:
    """A prefix on S3.

    Args:
        bucket: name of the bucket.
        prefix: of the keys, without slashes at its ends.
        storage: of ``boto3.client``; never shown.
    """

    def __init__(self, bucket: str, prefix: str, storage: Mapping[str, Any]) -> None:
        self.bucket, self.prefix = bucket, prefix
        self.uri = f"s3://{bucket}/{prefix}".rstrip("/")
        try:
            import boto3
        except ImportError as error:
            raise errors.MissingExtraError("boto3", "sagemaker") from error
        self._client = boto3.client("s3", **storage)

    @contextmanager
    def staging(self) -> Iterator[Path]:
        """A folder of this machine."""
        with tempfile.TemporaryDirectory(prefix="synthlake-") as folder:
            yield Path(folder)

    def publish(self, staged: Path, identity: str, manifest: Mapping[str, Any]) -> None:
        """Upload the files, then the lists of each channel's, then the manifest.

        Raises:
            SinkError: S3 refused, or cannot be reached.
        """
        from boto3.exceptions import S3UploadFailedError
        from botocore.exceptions import BotoCoreError, ClientError

        failed = ""
        try:
            self._upload(staged, identity, as_bytes(manifest), manifest)
        except ClientError as error:
            failed = str(error.response.get("Error", {}).get("Code", "refused"))
        except (BotoCoreError, S3UploadFailedError) as error:
            failed = type(error).__name__
        if failed:
            raise errors.SinkError(
                f"{self.uri} cannot be written to ({failed})",
                hint="look at the bucket, its rights and storage; then export again",
            )

    def _upload(
        self, staged: Path, identity: str, text: bytes, manifest: Mapping[str, Any]
    ) -> None:
        root = "/".join(part for part in (self.prefix, identity) if part)
        if self._content(f"{root}/{MANIFEST}") == text:
            return
        for name, channel in manifest["channels"].items():
            for file in channel["files"]:
                key = f"{root}/{name}/{file['name']}"
                self._client.upload_file(str(staged / name / file["name"]), self.bucket, key)
            listed = [{"prefix": f"s3://{self.bucket}/{root}/{name}/"}]
            listed += [file["name"] for file in channel["files"]]
            self._put(f"{root}/{name}.manifest", json.dumps(listed).encode())
        self._put(f"{root}/{MANIFEST}", text)

    def _put(self, key: str, content: bytes) -> None:
        self._client.put_object(Bucket=self.bucket, Key=key, Body=content)

    def _content(self, key: str) -> bytes | None:
        try:
            found: bytes = self._client.get_object(Bucket=self.bucket, Key=key)["Body"].read()
        except self._client.exceptions.NoSuchKey:
            return None
        return found


def as_bytes(manifest: Mapping[str, Any]) -> bytes:
    """A manifest as its file has it."""
    return (json.dumps(manifest, indent=1, sort_keys=True) + "\n").encode()
