"""Hand-off to SageMaker: training channels of a twin, and a container's entry point.

    channels = export_channels(twin, "s3://bucket/nyc", table="flights", label="arr_delay")
    channels.input_data_config()      # for boto3 and Airflow
    channels.input_data()             # for sagemaker's ModelTrainer

``synthlake-sagemaker-train`` trains Synthlake itself in a container (``train.py``).
"""

from __future__ import annotations

from synthlake_connectors.sagemaker.channels import Channels
from synthlake_connectors.sagemaker.export import ChannelSettings, export_channels

__all__ = ["ChannelSettings", "Channels", "export_channels"]
