"""The flavor: an artifact's folder as the files of an MLflow model."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import synthlake
from synthlake.api import Artifact, errors, load
from synthlake_connectors.mlflow.predictor import Predictor
from synthlake_connectors.mlflow.signature import example_of, signature_of
from synthlake_connectors.mlflow.vendor import vendor

FLAVOR = "synthlake"
_LOADER = __package__  # has save_model and _load_pyfunc
_FOLDER = "artifact"


def save_model(
    artifact: Artifact | str | Path,
    path: str | Path,
    *,
    mlflow_model: Any = None,
    metadata: Mapping[str, Any] | None = None,
    pip_requirements: Sequence[str] | None = None,
) -> None:
    """Write an artifact as an MLflow model into a new folder.

    Args:
        artifact: or its folder.
        path: of the model; must not exist, or be empty.
        mlflow_model: that MLflow has begun; made if None.
        metadata: kept in the MLmodel file.
        pip_requirements: in place of this version of Synthlake with MLflow.

    Raises:
        ArtifactError: the folder holds no whole artifact.
        MissingExtraError: MLflow is not installed.

    Privacy: the files are those of the artifact, and texts; nothing is pickled.
    """
    mlflow = vendor()
    loaded = artifact if isinstance(artifact, Artifact) else load(artifact)
    model = mlflow_model or mlflow.models.Model()
    model.add_flavor(
        FLAVOR, data=f"data/{_FOLDER}", artifact=loaded.id, version=synthlake.__version__
    )
    with tempfile.TemporaryDirectory(prefix="synthlake-") as scratch:
        folder = loaded.save(Path(scratch) / _FOLDER)
        mlflow.pyfunc.save_model(
            path=str(path),
            loader_module=_LOADER,
            data_path=str(folder),
            mlflow_model=model,
            signature=signature_of(loaded),
            input_example=example_of(loaded),
            pip_requirements=list(pip_requirements or default_requirements()),
            metadata=dict(metadata) if metadata else None,
        )


def log_model(
    artifact: Artifact | str | Path,
    name: str = FLAVOR,
    *,
    registered_model_name: str | None = None,
    **given: Any,
) -> Any:
    """Log an artifact as a model of the active run; returns MLflow's ``ModelInfo``.

    Args:
        artifact: or its folder.
        name: of the model.
        registered_model_name: under which a version is registered; None for none.
        given: ``run_id``, ``tags``, ``params``, ``model_type`` and the like of
            ``mlflow.models.Model.log``; ``metadata`` and ``pip_requirements`` of ``save_model``.

    Raises:
        ArtifactError: the folder holds no whole artifact.
        MissingExtraError: MLflow is not installed.
    """
    mlflow = vendor()
    loaded = artifact if isinstance(artifact, Artifact) else load(artifact)
    return mlflow.models.Model.log(
        artifact_path=None,
        name=name,
        flavor=sys.modules[_LOADER],
        registered_model_name=registered_model_name,
        artifact=loaded,
        **given,
    )


def load_model(model_uri: str, dst_path: str | Path | None = None) -> Artifact:
    """The artifact of a logged model.

    Args:
        model_uri: such as ``models:/flights@champion``, ``runs:/ID/synthlake``, or a folder.
        dst_path: folder that the files are copied to; must exist. None for a temporary one.

    Raises:
        ArtifactError: the model is of another flavor, or its artifact is damaged.
        MissingExtraError: MLflow is not installed.
    """
    mlflow = vendor()
    target = None if dst_path is None else str(dst_path)
    folder = Path(mlflow.artifacts.download_artifacts(artifact_uri=model_uri, dst_path=target))
    flavor = mlflow.models.Model.load(str(folder)).flavors.get(FLAVOR)
    if flavor is None:
        raise errors.ArtifactError(
            "the model is of another flavor", hint="name one that synthlake's log_model wrote"
        )
    return load(folder / flavor["data"])


def default_requirements() -> list[str]:
    """What a model needs to be loaded elsewhere: this version of Synthlake, with MLflow."""
    return [f"synthlake[mlflow]=={synthlake.__version__}", f"mlflow=={vendor().__version__}"]


def _load_pyfunc(path: str) -> Predictor:
    """What ``mlflow.pyfunc.load_model`` calls, with the folder of the artifact.

    Raises:
        ArtifactError: it is damaged, or the model's signature would let MLflow drop a condition.
    """
    file = Path(path).parent.parent / "MLmodel"  # beside data/artifact
    if file.is_file():
        model = vendor().models.Model.load(str(file))
        if model.get_input_schema() is not None and not model._is_signature_from_type_hint():
            raise errors.ArtifactError(
                "the signature of the model was replaced: with it, MLflow drops input columns"
                " that the model does not know, instead of refusing them",
                hint="log the artifact again, and leave its signature as it is",
            )
    return Predictor(load(path))
