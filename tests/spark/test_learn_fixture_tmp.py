def test_a(spark, tmp_path):
    spark.range(10).write.format("delta").save(str(tmp_path / "d"))
    assert spark.read.format("delta").load(str(tmp_path / "d")).count() == 10


def test_c(connect, tmp_path):
    out = connect.run(
        """
import sys
from pyspark.sql import SparkSession
spark = SparkSession.builder.getOrCreate()
print(type(spark), spark.conf.get("spark.sql.session.timeZone"))
spark.range(10).write.format("delta").save(sys.argv[1])
print(spark.read.format("delta").load(sys.argv[1]).mapInArrow(lambda it: it, "id long").count())
""",
        tmp_path / "d",
    )
    assert "connect" in out and "10" in out, out
    print(out)
