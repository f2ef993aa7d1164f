"""Makes `spark.read.format("synthlake")` known to Spark."""
