CREATE OR REPLACE TEMPORARY TABLE synthlake_t0_sizes AS
SELECT
  0 AS side,
  COUNT(*) AS n,
  COUNT(t."id") AS c0,
  COUNT(t."kind") AS c1
FROM "PROD"."SHOP"."parent" AS t
UNION ALL
SELECT
  1 AS side,
  COUNT(*) AS n,
  COUNT(t."id") AS c0,
  COUNT(t."kind") AS c1
FROM "TWIN"."SHOP"."parent" AS t;

CREATE OR REPLACE TEMPORARY TABLE synthlake_t0_names AS
SELECT
  0 AS c,
  'kind' AS name,
  1 AS kind;

CREATE OR REPLACE TEMPORARY TABLE synthlake_t0_words AS
SELECT
  0 AS c,
  0 AS side,
  s.v AS v,
  COUNT(*) AS n
FROM (
  SELECT
    CAST(t."kind" AS VARCHAR) AS v
  FROM "PROD"."SHOP"."parent" AS t
) AS s
WHERE
  s.v IS NOT NULL
GROUP BY
  s.v
UNION ALL
SELECT
  0 AS c,
  1 AS side,
  s.v AS v,
  COUNT(*) AS n
FROM (
  SELECT
    CAST(t."kind" AS VARCHAR) AS v
  FROM "TWIN"."SHOP"."parent" AS t
) AS s
WHERE
  s.v IS NOT NULL
GROUP BY
  s.v;

CREATE OR REPLACE TEMPORARY TABLE synthlake_t0_listed AS
WITH a AS (
  SELECT
    w.c AS c,
    w.side AS side,
    COUNT(*) AS apart,
    SUM(w.n) AS known
  FROM synthlake_t0_words AS w
  GROUP BY
    w.c,
    w.side
), o AS (
  SELECT
    w.c AS c,
    w.side AS side,
    w.v AS v,
    w.n AS n,
    a.known AS known,
    a.apart AS apart,
    ROW_NUMBER() OVER (
      PARTITION BY w.c, w.side
      ORDER BY w.n DESC, CASE
        WHEN a.apart > 20000
        THEN TO_NUMBER(SUBSTR(SHA2(w.v, 256), 1, 15), 'XXXXXXXXXXXXXXX')
        ELSE 0
      END
    ) AS place
  FROM synthlake_t0_words AS w
  INNER JOIN a
    ON a.c = w.c AND a.side = w.side
)
SELECT
  o.c AS c,
  o.side AS side,
  o.v AS v,
  o.n AS n
FROM o
WHERE
  o.place <= 20000;

CREATE OR REPLACE TEMPORARY TABLE synthlake_t0_named AS
SELECT
  n.c AS c,
  COALESCE(r.known, 0) AS known0,
  COALESCE(s.known, 0) AS known1,
  CASE WHEN r.apart > 2 AND 2 * r.apart >= r.known THEN 1 ELSE 0 END AS named
FROM synthlake_t0_names AS n
LEFT JOIN (
  SELECT
    w.c AS c,
    COUNT(*) AS apart,
    SUM(w.n) AS known
  FROM synthlake_t0_words AS w
  WHERE
    w.side = 0
  GROUP BY
    w.c
) AS r
  ON r.c = n.c
LEFT JOIN (
  SELECT
    w.c AS c,
    COUNT(*) AS apart,
    SUM(w.n) AS known
  FROM synthlake_t0_words AS w
  WHERE
    w.side = 1
  GROUP BY
    w.c
) AS s
  ON s.c = n.c
WHERE
  n.kind = 1;

CREATE OR REPLACE TEMPORARY TABLE synthlake_t0_numbers AS
SELECT
  0 AS c,
  0 AS side,
  s.k AS k,
  s.v AS v,
  COUNT(*) AS n
FROM (
  SELECT
    CASE WHEN r.v IS NULL THEN 0 WHEN 1 = 0 THEN 2 ELSE 1 END AS k,
    CASE WHEN 1 = 0 THEN NULL ELSE r.v END AS v
  FROM (
    SELECT
      CAST(LENGTH(CAST(t."kind" AS VARCHAR)) AS DOUBLE) AS v
    FROM "PROD"."SHOP"."parent" AS t
  ) AS r
) AS s
GROUP BY
  s.k,
  s.v
UNION ALL
SELECT
  0 AS c,
  1 AS side,
  s.k AS k,
  s.v AS v,
  COUNT(*) AS n
FROM (
  SELECT
    CASE WHEN r.v IS NULL THEN 0 WHEN 1 = 0 THEN 2 ELSE 1 END AS k,
    CASE WHEN 1 = 0 THEN NULL ELSE r.v END AS v
  FROM (
    SELECT
      CAST(LENGTH(CAST(t."kind" AS VARCHAR)) AS DOUBLE) AS v
    FROM "TWIN"."SHOP"."parent" AS t
  ) AS r
) AS s
GROUP BY
  s.k,
  s.v;

CREATE OR REPLACE TEMPORARY TABLE synthlake_t0_facts AS
SELECT
  n.c AS c,
  SUM(CASE WHEN n.side = 0 AND n.k = 0 THEN n.n ELSE 0 END) AS nulls0,
  SUM(CASE WHEN n.side = 1 AND n.k = 0 THEN n.n ELSE 0 END) AS nulls1,
  SUM(CASE WHEN n.side = 0 AND n.k = 1 THEN n.n ELSE 0 END) AS known0,
  SUM(CASE WHEN n.side = 1 AND n.k = 1 THEN n.n ELSE 0 END) AS known1,
  SUM(CASE WHEN n.side = 0 AND n.k = 2 THEN n.n ELSE 0 END) AS nans0,
  SUM(CASE WHEN n.side = 1 AND n.k = 2 THEN n.n ELSE 0 END) AS nans1,
  SUM(CASE WHEN n.side = 0 AND n.k > 0 THEN 1 ELSE 0 END) AS apart0,
  SUM(CASE WHEN n.side = 1 AND n.k > 0 THEN 1 ELSE 0 END) AS apart1,
  MIN(CASE WHEN n.side = 0 AND n.k = 1 THEN n.v END) AS low,
  MAX(CASE WHEN n.side = 0 AND n.k = 1 THEN n.v END) AS high
FROM synthlake_t0_numbers AS n
GROUP BY
  n.c;

CREATE OR REPLACE TEMPORARY TABLE synthlake_t0_points AS
WITH p AS (
  SELECT
    n.c AS c,
    n.v AS v,
    SUM(CASE WHEN n.side = 0 THEN n.n ELSE 0 END) AS n0,
    SUM(CASE WHEN n.side = 1 THEN n.n ELSE 0 END) AS n1
  FROM synthlake_t0_numbers AS n
  WHERE
    n.k = 1
  GROUP BY
    n.c,
    n.v
), w AS (
  SELECT
    p.c AS c,
    p.v AS v,
    p.n0 AS n0,
    p.n1 AS n1,
    f.apart0 AS apart0,
    f.apart1 AS apart1,
    f.known0 AS known0,
    FLOOR(CAST(f.known0 AS DOUBLE) / 1024) AS q,
    SUM(p.n0) OVER (PARTITION BY p.c ORDER BY p.v ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS upto,
    SUM(CASE WHEN p.n0 > 0 THEN 1 ELSE 0 END) OVER (PARTITION BY p.c) AS there
  FROM p
  INNER JOIN synthlake_t0_facts AS f
    ON f.c = p.c
), m AS (
  SELECT
    w.c AS c,
    w.v AS v,
    w.n0 AS n0,
    w.n1 AS n1,
    CASE WHEN w.apart0 <= 500000 THEN 1 ELSE 0 END AS whole,
    CASE
      WHEN w.apart0 <= 500000 AND w.apart1 <= 500000
      THEN 1
      WHEN w.n0 = 0
      THEN 0
      WHEN w.apart0 > 500000
      THEN CASE
        WHEN (
          CASE
            WHEN CAST(w.upto AS DOUBLE) <= (
              w.known0 - 1024 * w.q
            ) * (
              w.q + 1
            )
            THEN FLOOR(CAST(w.upto AS DOUBLE) / (
              w.q + 1
            ))
            ELSE (
              w.known0 - 1024 * w.q
            ) + FLOOR(
              (
                CAST(w.upto AS DOUBLE) - (
                  w.known0 - 1024 * w.q
                ) * (
                  w.q + 1
                )
              ) / NULLIF(w.q, 0)
            )
          END
        ) > (
          CASE
            WHEN CAST((
              w.upto - w.n0
            ) AS DOUBLE) <= (
              w.known0 - 1024 * w.q
            ) * (
              w.q + 1
            )
            THEN FLOOR(CAST((
              w.upto - w.n0
            ) AS DOUBLE) / (
              w.q + 1
            ))
            ELSE (
              w.known0 - 1024 * w.q
            ) + FLOOR(
              (
                CAST((
                  w.upto - w.n0
                ) AS DOUBLE) - (
                  w.known0 - 1024 * w.q
                ) * (
                  w.q + 1
                )
              ) / NULLIF(w.q, 0)
            )
          END
        )
        THEN 1
        ELSE 0
      END
      WHEN w.there <= 1024
      THEN 1
      WHEN FLOOR(CAST(w.upto AS DOUBLE) * 1024 / w.known0) > FLOOR(CAST((
        w.upto - w.n0
      ) AS DOUBLE) * 1024 / w.known0)
      THEN 1
      ELSE 0
    END AS ends
  FROM w
)
SELECT
  m.c AS c,
  m.v AS v,
  m.n0 AS n0,
  m.n1 AS n1,
  m.whole AS whole,
  MIN(CASE WHEN m.ends = 1 THEN m.v END) OVER (PARTITION BY m.c ORDER BY m.v ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING) AS e
FROM m;

SELECT
  f.metric,
  f.table_name,
  f.column_name,
  f.other_column,
  f.value,
  f.real_value,
  f.synthetic_value
FROM (
  WITH w AS (
    SELECT
      'id' AS name,
      1 AS place
    UNION ALL
    SELECT
      'kind' AS name,
      2 AS place
  ), r AS (
    SELECT
      i.column_name AS name,
      i.ordinal_position AS place,
      i.data_type || CASE WHEN i.numeric_precision IS NULL OR i.data_type NOT IN ('NUMBER') THEN '' ELSE '(' || CAST(i.numeric_precision AS VARCHAR) || ',' || CAST(i.numeric_scale AS VARCHAR) || ')' END AS type
    FROM "PROD".information_schema.columns AS i
    WHERE
      (
        i.table_name = 'parent' AND i.table_schema = 'SHOP'
      )
      AND i.table_catalog = 'PROD'
  ), f AS (
    SELECT
      i.column_name AS name,
      i.ordinal_position AS place,
      i.data_type || CASE WHEN i.numeric_precision IS NULL OR i.data_type NOT IN ('NUMBER') THEN '' ELSE '(' || CAST(i.numeric_precision AS VARCHAR) || ',' || CAST(i.numeric_scale AS VARCHAR) || ')' END AS type
    FROM "TWIN".information_schema.columns AS i
    WHERE
      (
        i.table_name = 'parent' AND i.table_schema = 'SHOP'
      )
      AND i.table_catalog = 'TWIN'
  ), s AS (
    SELECT
      f.name AS name,
      f.type AS type,
      ROW_NUMBER() OVER (ORDER BY f.place) AS place
    FROM f
  ), c AS (
    SELECT
      SUM(CASE WHEN s.name IS NULL THEN 1 ELSE 0 END) AS missing,
      SUM(CASE WHEN s.place <> w.place THEN 1 ELSE 0 END) AS moved,
      SUM(CASE WHEN r.type <> s.type THEN 1 ELSE 0 END) AS changed
    FROM w
    LEFT JOIN s
      ON s.name = w.name
    LEFT JOIN r
      ON r.name = w.name
  ), e AS (
    SELECT
      COUNT(*) AS extra
    FROM s
    LEFT JOIN w
      ON w.name = s.name
    WHERE
      w.name IS NULL
  )
  SELECT
    'schema' AS metric,
    'parent' AS table_name,
    CAST(NULL AS VARCHAR) AS column_name,
    CAST(NULL AS VARCHAR) AS other_column,
    CAST(c.missing + e.extra + c.changed + x.n + CASE WHEN c.missing = 0 AND e.extra = 0 AND c.moved > 0 THEN 1 ELSE 0 END AS DOUBLE) AS value,
    CAST(NULL AS DOUBLE) AS real_value,
    CAST(NULL AS DOUBLE) AS synthetic_value
  FROM c
  CROSS JOIN e
  CROSS JOIN (
    SELECT
      CASE WHEN p.n > 0 AND p.c0 = p.n AND q.c0 < q.n THEN 1 ELSE 0 END + CASE WHEN p.n > 0 AND p.c1 = p.n AND q.c1 < q.n THEN 1 ELSE 0 END AS n
    FROM synthlake_t0_sizes AS p
    CROSS JOIN synthlake_t0_sizes AS q
    WHERE
      p.side = 0 AND q.side = 1
  ) AS x
) AS f
UNION ALL
SELECT
  f.metric,
  f.table_name,
  f.column_name,
  f.other_column,
  f.value,
  f.real_value,
  f.synthetic_value
FROM (
  SELECT
    'rows' AS metric,
    'parent' AS table_name,
    CAST(NULL AS VARCHAR) AS column_name,
    CAST(NULL AS VARCHAR) AS other_column,
    CASE
      WHEN r.n = 0 AND s.n = 0
      THEN CAST(1 AS DOUBLE)
      WHEN r.n < s.n
      THEN CAST(r.n AS DOUBLE) / CAST(s.n AS DOUBLE)
      ELSE CAST(s.n AS DOUBLE) / CAST(r.n AS DOUBLE)
    END AS value,
    CAST(r.n AS DOUBLE) AS real_value,
    CAST(s.n AS DOUBLE) AS synthetic_value
  FROM synthlake_t0_sizes AS r
  CROSS JOIN synthlake_t0_sizes AS s
  WHERE
    r.side = 0 AND s.side = 1
) AS f
UNION ALL
SELECT
  f.metric,
  f.table_name,
  f.column_name,
  f.other_column,
  f.value,
  f.real_value,
  f.synthetic_value
FROM (
  SELECT
    'null_rate' AS metric,
    'parent' AS table_name,
    'id' AS column_name,
    CAST(NULL AS VARCHAR) AS other_column,
    ABS(f.a - f.b) AS value,
    f.a AS real_value,
    f.b AS synthetic_value
  FROM (
    SELECT
      CAST(r.n - r.c0 AS DOUBLE) / NULLIF(CAST(r.n AS DOUBLE), 0) AS a,
      CAST(s.n - s.c0 AS DOUBLE) / NULLIF(CAST(s.n AS DOUBLE), 0) AS b
    FROM synthlake_t0_sizes AS r
    CROSS JOIN synthlake_t0_sizes AS s
    WHERE
      r.side = 0 AND s.side = 1
  ) AS f
  UNION ALL
  SELECT
    'null_rate' AS metric,
    'parent' AS table_name,
    'kind' AS column_name,
    CAST(NULL AS VARCHAR) AS other_column,
    ABS(f.a - f.b) AS value,
    f.a AS real_value,
    f.b AS synthetic_value
  FROM (
    SELECT
      CAST(r.n - r.c1 AS DOUBLE) / NULLIF(CAST(r.n AS DOUBLE), 0) AS a,
      CAST(s.n - s.c1 AS DOUBLE) / NULLIF(CAST(s.n AS DOUBLE), 0) AS b
    FROM synthlake_t0_sizes AS r
    CROSS JOIN synthlake_t0_sizes AS s
    WHERE
      r.side = 0 AND s.side = 1
  ) AS f
) AS f
UNION ALL
SELECT
  f.metric,
  f.table_name,
  f.column_name,
  f.other_column,
  f.value,
  f.real_value,
  f.synthetic_value
FROM (
  SELECT
    'primary_key' AS metric,
    'parent' AS table_name,
    CAST(NULL AS VARCHAR) AS column_name,
    CAST(NULL AS VARCHAR) AS other_column,
    CAST(s.n AS DOUBLE) AS value,
    CAST(r.n AS DOUBLE) AS real_value,
    CAST(s.n AS DOUBLE) AS synthetic_value
  FROM (
    SELECT a.n - b.n AS n FROM (SELECT COUNT(*) AS n FROM "PROD"."SHOP"."parent" AS t) AS a CROSS JOIN (SELECT COUNT(*) AS n FROM (SELECT 1 AS one FROM "PROD"."SHOP"."parent" AS t WHERE NOT t."id" IS NULL GROUP BY t."id") AS g) AS b
  ) AS r
  CROSS JOIN (
    SELECT a.n - b.n AS n FROM (SELECT COUNT(*) AS n FROM "TWIN"."SHOP"."parent" AS t) AS a CROSS JOIN (SELECT COUNT(*) AS n FROM (SELECT 1 AS one FROM "TWIN"."SHOP"."parent" AS t WHERE NOT t."id" IS NULL GROUP BY t."id") AS g) AS b
  ) AS s
) AS f
UNION ALL
SELECT
  f.metric,
  f.table_name,
  f.column_name,
  f.other_column,
  f.value,
  f.real_value,
  f.synthetic_value
FROM (
  SELECT
    'range' AS metric,
    'parent' AS table_name,
    n.name AS column_name,
    CAST(NULL AS VARCHAR) AS other_column,
    CASE
      WHEN r.n = 0
      THEN NULL
      WHEN s.n = 0
      THEN CAST(1 AS DOUBLE)
      ELSE CAST(COALESCE(x.beyond, 0) AS DOUBLE) / NULLIF(s.n, 0)
    END AS value,
    CAST(NULL AS DOUBLE) AS real_value,
    CAST(NULL AS DOUBLE) AS synthetic_value
  FROM synthlake_t0_names AS n
  CROSS JOIN (
    SELECT
      CAST(n AS DOUBLE) AS n
    FROM synthlake_t0_sizes
    WHERE
      side = 0
  ) AS r
  CROSS JOIN (
    SELECT
      CAST(n AS DOUBLE) AS n
    FROM synthlake_t0_sizes
    WHERE
      side = 1
  ) AS s
  LEFT JOIN (
    SELECT
      p.c AS c,
      SUM(CASE WHEN f.low IS NULL OR p.v < f.low OR p.v > f.high THEN p.n1 ELSE 0 END) AS beyond
    FROM synthlake_t0_points AS p
    INNER JOIN synthlake_t0_facts AS f
      ON f.c = p.c
    GROUP BY
      p.c
  ) AS x
    ON x.c = n.c
  WHERE
    n.kind = 0
    OR n.c IN (
      SELECT
        d.c
      FROM synthlake_t0_named AS d
      WHERE
        d.named = 1
    )
) AS f
UNION ALL
SELECT
  f.metric,
  f.table_name,
  f.column_name,
  f.other_column,
  f.value,
  f.real_value,
  f.synthetic_value
FROM (
  WITH d AS (
    SELECT
      p.c AS c,
      p.e AS e,
      CASE WHEN p.e IS NULL THEN 1 ELSE 0 END AS beyond,
      SUM(p.n0) AS n0,
      SUM(p.n1) AS n1
    FROM synthlake_t0_points AS p
    GROUP BY
      p.c,
      p.e
  ), u AS (
    SELECT
      d.c AS c,
      SUM(d.n0) OVER (
        PARTITION BY d.c
        ORDER BY d.beyond, d.e
        ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
      ) AS n0,
      SUM(d.n1) OVER (
        PARTITION BY d.c
        ORDER BY d.beyond, d.e
        ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
      ) AS n1
    FROM d
  ), g AS (
    SELECT
      u.c AS c,
      MAX(
        ABS(
          CAST(f.nulls0 + u.n0 AS DOUBLE) / NULLIF(r.n, 0) - CAST(f.nulls1 + u.n1 AS DOUBLE) / NULLIF(s.n, 0)
        )
      ) AS gap
    FROM u
    INNER JOIN synthlake_t0_facts AS f
      ON f.c = u.c
    CROSS JOIN (
      SELECT
        CAST(n AS DOUBLE) AS n
      FROM synthlake_t0_sizes
      WHERE
        side = 0
    ) AS r
    CROSS JOIN (
      SELECT
        CAST(n AS DOUBLE) AS n
      FROM synthlake_t0_sizes
      WHERE
        side = 1
    ) AS s
    GROUP BY
      u.c
  )
  SELECT
    'ks' AS metric,
    'parent' AS table_name,
    n.name AS column_name,
    CAST(NULL AS VARCHAR) AS other_column,
    CASE
      WHEN r.n = 0
      THEN NULL
      WHEN s.n = 0
      THEN CAST(1 AS DOUBLE)
      WHEN g.gap > ABS(
        CAST(f.nulls0 AS DOUBLE) / NULLIF(r.n, 0) - CAST(f.nulls1 AS DOUBLE) / NULLIF(s.n, 0)
      )
      THEN g.gap
      ELSE ABS(
        CAST(f.nulls0 AS DOUBLE) / NULLIF(r.n, 0) - CAST(f.nulls1 AS DOUBLE) / NULLIF(s.n, 0)
      )
    END AS value,
    CAST(NULL AS DOUBLE) AS real_value,
    CAST(NULL AS DOUBLE) AS synthetic_value
  FROM synthlake_t0_names AS n
  CROSS JOIN (
    SELECT
      CAST(n AS DOUBLE) AS n
    FROM synthlake_t0_sizes
    WHERE
      side = 0
  ) AS r
  CROSS JOIN (
    SELECT
      CAST(n AS DOUBLE) AS n
    FROM synthlake_t0_sizes
    WHERE
      side = 1
  ) AS s
  LEFT JOIN synthlake_t0_facts AS f
    ON f.c = n.c
  LEFT JOIN g
    ON g.c = n.c
  WHERE
    n.kind = 0
    OR n.c IN (
      SELECT
        d.c
      FROM synthlake_t0_named AS d
      WHERE
        d.named = 1
    )
) AS f
UNION ALL
SELECT
  f.metric,
  f.table_name,
  f.column_name,
  f.other_column,
  f.value,
  f.real_value,
  f.synthetic_value
FROM (
  WITH d AS (
    SELECT
      p.c AS c,
      p.e AS e,
      SUM(p.n0) AS n0,
      SUM(p.n1) AS n1
    FROM synthlake_t0_points AS p
    WHERE
      ABS(p.e) <= CAST('1.7976931348623157e308' AS DOUBLE)
    GROUP BY
      p.c,
      p.e
  ), v AS (
    SELECT
      d.c AS c,
      CASE WHEN d.e > 1e+140 THEN 1e+140 WHEN d.e < -1e+140 THEN -1e+140 ELSE d.e END AS v,
      CAST(d.n0 AS DOUBLE) AS n0,
      CASE WHEN d.n0 = d.n1 THEN 0 ELSE 1 END AS differs,
      CAST(SUM(d.n0) OVER (PARTITION BY d.c) AS DOUBLE) AS t0,
      CAST(SUM(d.n1) OVER (PARTITION BY d.c) AS DOUBLE) AS t1,
      CAST(SUM(d.n0) OVER (PARTITION BY d.c ORDER BY d.e ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS DOUBLE) AS u0,
      CAST(SUM(d.n1) OVER (PARTITION BY d.c ORDER BY d.e ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS DOUBLE) AS u1,
      LEAD(CASE WHEN d.e > 1e+140 THEN 1e+140 WHEN d.e < -1e+140 THEN -1e+140 ELSE d.e END) OVER (PARTITION BY d.c ORDER BY d.e) AS w
    FROM d
  ), a AS (
    SELECT
      v.c AS c,
      SUM(v.n0 / NULLIF(v.t0, 0) * v.v) AS mean
    FROM v
    GROUP BY
      v.c
  ), x AS (
    SELECT
      v.c AS c,
      MAX(v.t0) AS t0,
      MAX(v.t1) AS t1,
      MAX(v.differs) AS differs,
      SQRT(SUM(v.n0 / NULLIF(v.t0, 0) * (
        v.v - a.mean
      ) * (
        v.v - a.mean
      ))) AS spread,
      SUM(ABS(v.u0 / NULLIF(v.t0, 0) - v.u1 / NULLIF(v.t1, 0)) * (
        v.w - v.v
      )) AS moved
    FROM v
    INNER JOIN a
      ON a.c = v.c
    GROUP BY
      v.c
  )
  SELECT
    'wasserstein' AS metric,
    'parent' AS table_name,
    n.name AS column_name,
    CAST(NULL AS VARCHAR) AS other_column,
    CASE
      WHEN r.n = 0 OR s.n = 0
      THEN NULL
      WHEN COALESCE(x.t0, 0) = 0 AND COALESCE(x.t1, 0) = 0
      THEN CAST(0 AS DOUBLE)
      WHEN x.t0 = 0 OR x.t1 = 0
      THEN NULL
      WHEN x.differs = 0
      THEN CAST(0 AS DOUBLE)
      WHEN x.spread = 0
      THEN NULL
      ELSE x.moved / NULLIF(x.spread, 0)
    END AS value,
    CAST(NULL AS DOUBLE) AS real_value,
    CAST(NULL AS DOUBLE) AS synthetic_value
  FROM synthlake_t0_names AS n
  CROSS JOIN (
    SELECT
      CAST(n AS DOUBLE) AS n
    FROM synthlake_t0_sizes
    WHERE
      side = 0
  ) AS r
  CROSS JOIN (
    SELECT
      CAST(n AS DOUBLE) AS n
    FROM synthlake_t0_sizes
    WHERE
      side = 1
  ) AS s
  LEFT JOIN x
    ON x.c = n.c
  WHERE
    n.kind = 0
    OR n.c IN (
      SELECT
        d.c
      FROM synthlake_t0_named AS d
      WHERE
        d.named = 1
    )
) AS f
UNION ALL
SELECT
  f.metric,
  f.table_name,
  f.column_name,
  f.other_column,
  f.value,
  f.real_value,
  f.synthetic_value
FROM (
  WITH b AS (
    SELECT
      l.c AS c,
      l.v AS v,
      SUM(CASE WHEN l.side = 0 THEN l.n ELSE 0 END) AS n0,
      SUM(CASE WHEN l.side = 1 THEN l.n ELSE 0 END) AS n1
    FROM synthlake_t0_listed AS l
    GROUP BY
      l.c,
      l.v
  )
  SELECT
    'coverage' AS metric,
    'parent' AS table_name,
    n.name AS column_name,
    CAST(NULL AS VARCHAR) AS other_column,
    CASE
      WHEN r.n = 0
      THEN NULL
      WHEN s.n = 0
      THEN CAST(0 AS DOUBLE)
      WHEN COALESCE(x.listed, 0) = 0
      THEN CAST(1 AS DOUBLE)
      ELSE x.covered / NULLIF(x.listed, 0)
    END AS value,
    CAST(NULL AS DOUBLE) AS real_value,
    CAST(NULL AS DOUBLE) AS synthetic_value
  FROM synthlake_t0_names AS n
  CROSS JOIN (
    SELECT
      CAST(n AS DOUBLE) AS n
    FROM synthlake_t0_sizes
    WHERE
      side = 0
  ) AS r
  CROSS JOIN (
    SELECT
      CAST(n AS DOUBLE) AS n
    FROM synthlake_t0_sizes
    WHERE
      side = 1
  ) AS s
  INNER JOIN synthlake_t0_named AS d
    ON d.c = n.c
  LEFT JOIN (
    SELECT
      b.c AS c,
      CAST(SUM(b.n0) AS DOUBLE) AS listed,
      CAST(SUM(CASE WHEN b.n1 > 0 THEN b.n0 ELSE 0 END) AS DOUBLE) AS covered
    FROM b
    GROUP BY
      b.c
  ) AS x
    ON x.c = n.c
  WHERE
    d.named = 0
) AS f
UNION ALL
SELECT
  f.metric,
  f.table_name,
  f.column_name,
  f.other_column,
  f.value,
  f.real_value,
  f.synthetic_value
FROM (
  WITH b AS (
    SELECT
      l.c AS c,
      l.v AS v,
      SUM(CASE WHEN l.side = 0 THEN l.n ELSE 0 END) AS n0,
      SUM(CASE WHEN l.side = 1 THEN l.n ELSE 0 END) AS n1
    FROM synthlake_t0_listed AS l
    GROUP BY
      l.c,
      l.v
  ), g AS (
    SELECT
      b.c AS c,
      SUM(b.n0) AS n0,
      SUM(b.n1) AS n1,
      SUM(
        ABS(CAST(b.n0 AS DOUBLE) / NULLIF(r.n, 0) - CAST(b.n1 AS DOUBLE) / NULLIF(s.n, 0))
      ) AS gap
    FROM b
    CROSS JOIN (
      SELECT
        CAST(n AS DOUBLE) AS n
      FROM synthlake_t0_sizes
      WHERE
        side = 0
    ) AS r
    CROSS JOIN (
      SELECT
        CAST(n AS DOUBLE) AS n
      FROM synthlake_t0_sizes
      WHERE
        side = 1
    ) AS s
    GROUP BY
      b.c
  ), x AS (
    SELECT
      d.c AS c,
      d.named AS named,
      (
        COALESCE(g.gap, 0) + ABS(
          (
            r.n - CAST(d.known0 AS DOUBLE)
          ) / NULLIF(r.n, 0) - (
            s.n - CAST(d.known1 AS DOUBLE)
          ) / NULLIF(s.n, 0)
        ) + ABS(
          CAST(d.known0 - COALESCE(g.n0, 0) AS DOUBLE) / NULLIF(r.n, 0) - CAST(d.known1 - COALESCE(g.n1, 0) AS DOUBLE) / NULLIF(s.n, 0)
        )
      ) / 2 AS v
    FROM synthlake_t0_named AS d
    LEFT JOIN g
      ON g.c = d.c
    CROSS JOIN (
      SELECT
        CAST(n AS DOUBLE) AS n
      FROM synthlake_t0_sizes
      WHERE
        side = 0
    ) AS r
    CROSS JOIN (
      SELECT
        CAST(n AS DOUBLE) AS n
      FROM synthlake_t0_sizes
      WHERE
        side = 1
    ) AS s
  )
  SELECT
    'tvd' AS metric,
    'parent' AS table_name,
    n.name AS column_name,
    CAST(NULL AS VARCHAR) AS other_column,
    CASE
      WHEN r.n = 0
      THEN NULL
      WHEN s.n = 0 OR x.v > 1
      THEN CAST(1 AS DOUBLE)
      ELSE x.v
    END AS value,
    CAST(NULL AS DOUBLE) AS real_value,
    CAST(NULL AS DOUBLE) AS synthetic_value
  FROM synthlake_t0_names AS n
  CROSS JOIN (
    SELECT
      CAST(n AS DOUBLE) AS n
    FROM synthlake_t0_sizes
    WHERE
      side = 0
  ) AS r
  CROSS JOIN (
    SELECT
      CAST(n AS DOUBLE) AS n
    FROM synthlake_t0_sizes
    WHERE
      side = 1
  ) AS s
  INNER JOIN x
    ON x.c = n.c
  WHERE
    x.named = 0
) AS f;

CREATE OR REPLACE TEMPORARY TABLE synthlake_t1_sizes AS
SELECT
  0 AS side,
  COUNT(*) AS n,
  COUNT(t."id") AS c0,
  COUNT(t."parent") AS c1,
  COUNT(t."amount") AS c2,
  COUNT(t."day") AS c3,
  COUNT(t."paid") AS c4,
  COUNT(t."cost") AS c5,
  COUNT(t."open") AS c6,
  COUNT(t."tags") AS c7
FROM "PROD"."SHOP"."child" AS t
UNION ALL
SELECT
  1 AS side,
  COUNT(*) AS n,
  COUNT(t."id") AS c0,
  COUNT(t."parent") AS c1,
  COUNT(t."amount") AS c2,
  COUNT(t."day") AS c3,
  COUNT(t."paid") AS c4,
  COUNT(t."cost") AS c5,
  COUNT(t."open") AS c6,
  COUNT(t."tags") AS c7
FROM "TWIN"."SHOP"."child" AS t;

CREATE OR REPLACE TEMPORARY TABLE synthlake_t1_links0 AS
SELECT
  0 AS side,
  SUM(c.n) AS n,
  SUM(CASE WHEN c.k0 IS NULL THEN c.n ELSE 0 END) AS nulls,
  SUM(CASE WHEN NOT (
    c.k0 IS NULL
  ) AND p.hit IS NULL THEN c.n ELSE 0 END) AS orphans
FROM (
  SELECT t."parent" AS k0, COUNT(*) AS n FROM "PROD"."SHOP"."child" AS t GROUP BY t."parent"
) AS c
LEFT JOIN (
  SELECT DISTINCT t."id" AS k0, 1 AS hit FROM "PROD"."SHOP"."parent" AS t WHERE NOT t."id" IS NULL
) AS p
  ON c.k0 = p.k0
UNION ALL
SELECT
  1 AS side,
  SUM(c.n) AS n,
  SUM(CASE WHEN c.k0 IS NULL THEN c.n ELSE 0 END) AS nulls,
  SUM(CASE WHEN NOT (
    c.k0 IS NULL
  ) AND p.hit IS NULL THEN c.n ELSE 0 END) AS orphans
FROM (
  SELECT t."parent" AS k0, COUNT(*) AS n FROM "TWIN"."SHOP"."child" AS t GROUP BY t."parent"
) AS c
LEFT JOIN (
  SELECT DISTINCT t."id" AS k0, 1 AS hit FROM "TWIN"."SHOP"."parent" AS t WHERE NOT t."id" IS NULL
) AS p
  ON c.k0 = p.k0;

CREATE OR REPLACE TEMPORARY TABLE synthlake_t1_names AS
SELECT
  0 AS c,
  'amount' AS name,
  0 AS kind
UNION ALL
SELECT
  1 AS c,
  'day' AS name,
  0 AS kind
UNION ALL
SELECT
  2 AS c,
  'paid' AS name,
  0 AS kind
UNION ALL
SELECT
  3 AS c,
  'cost' AS name,
  0 AS kind
UNION ALL
SELECT
  4 AS c,
  'open' AS name,
  1 AS kind
UNION ALL
SELECT
  5 AS c,
  'tags' AS name,
  0 AS kind;

CREATE OR REPLACE TEMPORARY TABLE synthlake_t1_words AS
SELECT
  4 AS c,
  0 AS side,
  s.v AS v,
  COUNT(*) AS n
FROM (
  SELECT
    CAST(t."open" AS VARCHAR) AS v
  FROM "PROD"."SHOP"."child" AS t
) AS s
WHERE
  s.v IS NOT NULL
GROUP BY
  s.v
UNION ALL
SELECT
  4 AS c,
  1 AS side,
  s.v AS v,
  COUNT(*) AS n
FROM (
  SELECT
    CAST(t."open" AS VARCHAR) AS v
  FROM "TWIN"."SHOP"."child" AS t
) AS s
WHERE
  s.v IS NOT NULL
GROUP BY
  s.v;

CREATE OR REPLACE TEMPORARY TABLE synthlake_t1_listed AS
WITH a AS (
  SELECT
    w.c AS c,
    w.side AS side,
    COUNT(*) AS apart,
    SUM(w.n) AS known
  FROM synthlake_t1_words AS w
  GROUP BY
    w.c,
    w.side
), o AS (
  SELECT
    w.c AS c,
    w.side AS side,
    w.v AS v,
    w.n AS n,
    a.known AS known,
    a.apart AS apart,
    ROW_NUMBER() OVER (
      PARTITION BY w.c, w.side
      ORDER BY w.n DESC, CASE
        WHEN a.apart > 20000
        THEN TO_NUMBER(SUBSTR(SHA2(w.v, 256), 1, 15), 'XXXXXXXXXXXXXXX')
        ELSE 0
      END
    ) AS place
  FROM synthlake_t1_words AS w
  INNER JOIN a
    ON a.c = w.c AND a.side = w.side
)
SELECT
  o.c AS c,
  o.side AS side,
  o.v AS v,
  o.n AS n
FROM o
WHERE
  o.place <= 20000;

CREATE OR REPLACE TEMPORARY TABLE synthlake_t1_named AS
SELECT
  n.c AS c,
  COALESCE(r.known, 0) AS known0,
  COALESCE(s.known, 0) AS known1,
  CASE WHEN r.apart > 2 AND 2 * r.apart >= r.known THEN 1 ELSE 0 END AS named
FROM synthlake_t1_names AS n
LEFT JOIN (
  SELECT
    w.c AS c,
    COUNT(*) AS apart,
    SUM(w.n) AS known
  FROM synthlake_t1_words AS w
  WHERE
    w.side = 0
  GROUP BY
    w.c
) AS r
  ON r.c = n.c
LEFT JOIN (
  SELECT
    w.c AS c,
    COUNT(*) AS apart,
    SUM(w.n) AS known
  FROM synthlake_t1_words AS w
  WHERE
    w.side = 1
  GROUP BY
    w.c
) AS s
  ON s.c = n.c
WHERE
  n.kind = 1;

CREATE OR REPLACE TEMPORARY TABLE synthlake_t1_numbers AS
SELECT
  0 AS c,
  0 AS side,
  s.k AS k,
  s.v AS v,
  COUNT(*) AS n
FROM (
  SELECT
    CASE WHEN r.v IS NULL THEN 0 WHEN r.v = CAST('NaN' AS DOUBLE) THEN 2 ELSE 1 END AS k,
    CASE WHEN r.v = CAST('NaN' AS DOUBLE) THEN NULL ELSE r.v END AS v
  FROM (
    SELECT
      CAST((CAST(t."amount" AS DOUBLE) + 0) AS DOUBLE) AS v
    FROM "PROD"."SHOP"."child" AS t
  ) AS r
) AS s
GROUP BY
  s.k,
  s.v
UNION ALL
SELECT
  0 AS c,
  1 AS side,
  s.k AS k,
  s.v AS v,
  COUNT(*) AS n
FROM (
  SELECT
    CASE WHEN r.v IS NULL THEN 0 WHEN r.v = CAST('NaN' AS DOUBLE) THEN 2 ELSE 1 END AS k,
    CASE WHEN r.v = CAST('NaN' AS DOUBLE) THEN NULL ELSE r.v END AS v
  FROM (
    SELECT
      CAST((CAST(t."amount" AS DOUBLE) + 0) AS DOUBLE) AS v
    FROM "TWIN"."SHOP"."child" AS t
  ) AS r
) AS s
GROUP BY
  s.k,
  s.v
UNION ALL
SELECT
  1 AS c,
  0 AS side,
  s.k AS k,
  s.v AS v,
  COUNT(*) AS n
FROM (
  SELECT
    CASE WHEN r.v IS NULL THEN 0 WHEN 1 = 0 THEN 2 ELSE 1 END AS k,
    CASE WHEN 1 = 0 THEN NULL ELSE r.v END AS v
  FROM (
    SELECT
      CAST((CAST(DATEDIFF('day', DATE '1970-01-01', t."day") * 86400000000 AS DOUBLE) + 0) AS DOUBLE) AS v
    FROM "PROD"."SHOP"."child" AS t
  ) AS r
) AS s
GROUP BY
  s.k,
  s.v
UNION ALL
SELECT
  1 AS c,
  1 AS side,
  s.k AS k,
  s.v AS v,
  COUNT(*) AS n
FROM (
  SELECT
    CASE WHEN r.v IS NULL THEN 0 WHEN 1 = 0 THEN 2 ELSE 1 END AS k,
    CASE WHEN 1 = 0 THEN NULL ELSE r.v END AS v
  FROM (
    SELECT
      CAST((CAST(DATEDIFF('day', DATE '1970-01-01', t."day") * 86400000000 AS DOUBLE) + 0) AS DOUBLE) AS v
    FROM "TWIN"."SHOP"."child" AS t
  ) AS r
) AS s
GROUP BY
  s.k,
  s.v
UNION ALL
SELECT
  2 AS c,
  0 AS side,
  s.k AS k,
  s.v AS v,
  COUNT(*) AS n
FROM (
  SELECT
    CASE WHEN r.v IS NULL THEN 0 WHEN 1 = 0 THEN 2 ELSE 1 END AS k,
    CASE WHEN 1 = 0 THEN NULL ELSE r.v END AS v
  FROM (
    SELECT
      CAST((CAST(FLOOR(DATE_PART(epoch_nanosecond, t."paid") / 1000) AS DOUBLE) + 0) AS DOUBLE) AS v
    FROM "PROD"."SHOP"."child" AS t
  ) AS r
) AS s
GROUP BY
  s.k,
  s.v
UNION ALL
SELECT
  2 AS c,
  1 AS side,
  s.k AS k,
  s.v AS v,
  COUNT(*) AS n
FROM (
  SELECT
    CASE WHEN r.v IS NULL THEN 0 WHEN 1 = 0 THEN 2 ELSE 1 END AS k,
    CASE WHEN 1 = 0 THEN NULL ELSE r.v END AS v
  FROM (
    SELECT
      CAST((CAST(FLOOR(DATE_PART(epoch_nanosecond, t."paid") / 1000) AS DOUBLE) + 0) AS DOUBLE) AS v
    FROM "TWIN"."SHOP"."child" AS t
  ) AS r
) AS s
GROUP BY
  s.k,
  s.v
UNION ALL
SELECT
  3 AS c,
  0 AS side,
  s.k AS k,
  s.v AS v,
  COUNT(*) AS n
FROM (
  SELECT
    CASE WHEN r.v IS NULL THEN 0 WHEN 1 = 0 THEN 2 ELSE 1 END AS k,
    CASE WHEN 1 = 0 THEN NULL ELSE r.v END AS v
  FROM (
    SELECT
      CAST((CAST(t."cost" AS DOUBLE) + 0) AS DOUBLE) AS v
    FROM "PROD"."SHOP"."child" AS t
  ) AS r
) AS s
GROUP BY
  s.k,
  s.v
UNION ALL
SELECT
  3 AS c,
  1 AS side,
  s.k AS k,
  s.v AS v,
  COUNT(*) AS n
FROM (
  SELECT
    CASE WHEN r.v IS NULL THEN 0 WHEN 1 = 0 THEN 2 ELSE 1 END AS k,
    CASE WHEN 1 = 0 THEN NULL ELSE r.v END AS v
  FROM (
    SELECT
      CAST((CAST(t."cost" AS DOUBLE) + 0) AS DOUBLE) AS v
    FROM "TWIN"."SHOP"."child" AS t
  ) AS r
) AS s
GROUP BY
  s.k,
  s.v
UNION ALL
SELECT
  4 AS c,
  0 AS side,
  s.k AS k,
  s.v AS v,
  COUNT(*) AS n
FROM (
  SELECT
    CASE WHEN r.v IS NULL THEN 0 WHEN 1 = 0 THEN 2 ELSE 1 END AS k,
    CASE WHEN 1 = 0 THEN NULL ELSE r.v END AS v
  FROM (
    SELECT
      CAST(LENGTH(CAST(t."open" AS VARCHAR)) AS DOUBLE) AS v
    FROM "PROD"."SHOP"."child" AS t
  ) AS r
) AS s
GROUP BY
  s.k,
  s.v
UNION ALL
SELECT
  4 AS c,
  1 AS side,
  s.k AS k,
  s.v AS v,
  COUNT(*) AS n
FROM (
  SELECT
    CASE WHEN r.v IS NULL THEN 0 WHEN 1 = 0 THEN 2 ELSE 1 END AS k,
    CASE WHEN 1 = 0 THEN NULL ELSE r.v END AS v
  FROM (
    SELECT
      CAST(LENGTH(CAST(t."open" AS VARCHAR)) AS DOUBLE) AS v
    FROM "TWIN"."SHOP"."child" AS t
  ) AS r
) AS s
GROUP BY
  s.k,
  s.v
UNION ALL
SELECT
  5 AS c,
  0 AS side,
  s.k AS k,
  s.v AS v,
  COUNT(*) AS n
FROM (
  SELECT
    CASE WHEN r.v IS NULL THEN 0 WHEN 1 = 0 THEN 2 ELSE 1 END AS k,
    CASE WHEN 1 = 0 THEN NULL ELSE r.v END AS v
  FROM (
    SELECT
      CAST((CAST(CASE WHEN t."tags" IS NOT NULL THEN ARRAY_SIZE(t."tags") END AS DOUBLE) + 0) AS DOUBLE) AS v
    FROM "PROD"."SHOP"."child" AS t
  ) AS r
) AS s
GROUP BY
  s.k,
  s.v
UNION ALL
SELECT
  5 AS c,
  1 AS side,
  s.k AS k,
  s.v AS v,
  COUNT(*) AS n
FROM (
  SELECT
    CASE WHEN r.v IS NULL THEN 0 WHEN 1 = 0 THEN 2 ELSE 1 END AS k,
    CASE WHEN 1 = 0 THEN NULL ELSE r.v END AS v
  FROM (
    SELECT
      CAST((CAST(CASE WHEN t."tags" IS NOT NULL THEN ARRAY_SIZE(t."tags") END AS DOUBLE) + 0) AS DOUBLE) AS v
    FROM "TWIN"."SHOP"."child" AS t
  ) AS r
) AS s
GROUP BY
  s.k,
  s.v;

CREATE OR REPLACE TEMPORARY TABLE synthlake_t1_facts AS
SELECT
  n.c AS c,
  SUM(CASE WHEN n.side = 0 AND n.k = 0 THEN n.n ELSE 0 END) AS nulls0,
  SUM(CASE WHEN n.side = 1 AND n.k = 0 THEN n.n ELSE 0 END) AS nulls1,
  SUM(CASE WHEN n.side = 0 AND n.k = 1 THEN n.n ELSE 0 END) AS known0,
  SUM(CASE WHEN n.side = 1 AND n.k = 1 THEN n.n ELSE 0 END) AS known1,
  SUM(CASE WHEN n.side = 0 AND n.k = 2 THEN n.n ELSE 0 END) AS nans0,
  SUM(CASE WHEN n.side = 1 AND n.k = 2 THEN n.n ELSE 0 END) AS nans1,
  SUM(CASE WHEN n.side = 0 AND n.k > 0 THEN 1 ELSE 0 END) AS apart0,
  SUM(CASE WHEN n.side = 1 AND n.k > 0 THEN 1 ELSE 0 END) AS apart1,
  MIN(CASE WHEN n.side = 0 AND n.k = 1 THEN n.v END) AS low,
  MAX(CASE WHEN n.side = 0 AND n.k = 1 THEN n.v END) AS high
FROM synthlake_t1_numbers AS n
GROUP BY
  n.c;

CREATE OR REPLACE TEMPORARY TABLE synthlake_t1_points AS
WITH p AS (
  SELECT
    n.c AS c,
    n.v AS v,
    SUM(CASE WHEN n.side = 0 THEN n.n ELSE 0 END) AS n0,
    SUM(CASE WHEN n.side = 1 THEN n.n ELSE 0 END) AS n1
  FROM synthlake_t1_numbers AS n
  WHERE
    n.k = 1
  GROUP BY
    n.c,
    n.v
), w AS (
  SELECT
    p.c AS c,
    p.v AS v,
    p.n0 AS n0,
    p.n1 AS n1,
    f.apart0 AS apart0,
    f.apart1 AS apart1,
    f.known0 AS known0,
    FLOOR(CAST(f.known0 AS DOUBLE) / 1024) AS q,
    SUM(p.n0) OVER (PARTITION BY p.c ORDER BY p.v ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS upto,
    SUM(CASE WHEN p.n0 > 0 THEN 1 ELSE 0 END) OVER (PARTITION BY p.c) AS there
  FROM p
  INNER JOIN synthlake_t1_facts AS f
    ON f.c = p.c
), m AS (
  SELECT
    w.c AS c,
    w.v AS v,
    w.n0 AS n0,
    w.n1 AS n1,
    CASE WHEN w.apart0 <= 500000 THEN 1 ELSE 0 END AS whole,
    CASE
      WHEN w.apart0 <= 500000 AND w.apart1 <= 500000
      THEN 1
      WHEN w.n0 = 0
      THEN 0
      WHEN w.apart0 > 500000
      THEN CASE
        WHEN (
          CASE
            WHEN CAST(w.upto AS DOUBLE) <= (
              w.known0 - 1024 * w.q
            ) * (
              w.q + 1
            )
            THEN FLOOR(CAST(w.upto AS DOUBLE) / (
              w.q + 1
            ))
            ELSE (
              w.known0 - 1024 * w.q
            ) + FLOOR(
              (
                CAST(w.upto AS DOUBLE) - (
                  w.known0 - 1024 * w.q
                ) * (
                  w.q + 1
                )
              ) / NULLIF(w.q, 0)
            )
          END
        ) > (
          CASE
            WHEN CAST((
              w.upto - w.n0
            ) AS DOUBLE) <= (
              w.known0 - 1024 * w.q
            ) * (
              w.q + 1
            )
            THEN FLOOR(CAST((
              w.upto - w.n0
            ) AS DOUBLE) / (
              w.q + 1
            ))
            ELSE (
              w.known0 - 1024 * w.q
            ) + FLOOR(
              (
                CAST((
                  w.upto - w.n0
                ) AS DOUBLE) - (
                  w.known0 - 1024 * w.q
                ) * (
                  w.q + 1
                )
              ) / NULLIF(w.q, 0)
            )
          END
        )
        THEN 1
        ELSE 0
      END
      WHEN w.there <= 1024
      THEN 1
      WHEN FLOOR(CAST(w.upto AS DOUBLE) * 1024 / w.known0) > FLOOR(CAST((
        w.upto - w.n0
      ) AS DOUBLE) * 1024 / w.known0)
      THEN 1
      ELSE 0
    END AS ends
  FROM w
)
SELECT
  m.c AS c,
  m.v AS v,
  m.n0 AS n0,
  m.n1 AS n1,
  m.whole AS whole,
  MIN(CASE WHEN m.ends = 1 THEN m.v END) OVER (PARTITION BY m.c ORDER BY m.v ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING) AS e
FROM m;

CREATE OR REPLACE TEMPORARY TABLE synthlake_t1_base AS
WITH b AS (
  SELECT
    q.c AS c,
    q.v AS v,
    SUM(q.n) AS n
  FROM (
    SELECT
      p.c AS c,
      CASE WHEN p.whole = 1 THEN p.v ELSE p.e END AS v,
      p.n0 AS n
    FROM synthlake_t1_points AS p
    WHERE
      p.n0 > 0
  ) AS q
  GROUP BY
    q.c,
    q.v
)
SELECT
  b.c AS c,
  b.v AS v,
  b.n AS n,
  ROW_NUMBER() OVER (PARTITION BY b.c ORDER BY b.v) AS i,
  SUM(b.n) OVER (PARTITION BY b.c) AS total,
  MAX(b.v) OVER (PARTITION BY b.c) AS high
FROM b;

CREATE OR REPLACE TEMPORARY TABLE synthlake_t1_steps AS
WITH u AS (
  SELECT
    b.c AS c,
    b.i AS i,
    10 * SUM(b.n) OVER (PARTITION BY b.c ORDER BY b.i ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS upto,
    CASE WHEN b.total > 10 THEN b.total ELSE 10 END AS wanted,
    10 * LEAD(b.n) OVER (PARTITION BY b.c ORDER BY b.i) AS later
  FROM synthlake_t1_base AS b
)
SELECT
  u.c AS c,
  u.i AS i,
  u.upto AS upto,
  u.wanted AS wanted,
  CASE WHEN u.later >= u.wanted THEN u.i END AS last
FROM u
UNION ALL
SELECT
  b.c AS c,
  0 AS i,
  0 AS upto,
  MAX(CASE WHEN b.total > 10 THEN b.total ELSE 10 END) AS wanted,
  CAST(NULL AS BIGINT) AS last
FROM synthlake_t1_base AS b
GROUP BY
  b.c;

CREATE OR REPLACE TEMPORARY TABLE synthlake_t1_jumps AS
WITH h AS (
  SELECT
    s.c AS c,
    s.i AS i,
    s.last AS last,
    k.held AS held,
    CASE WHEN k.held = 1 THEN s.upto ELSE s.upto + s.wanted END AS reached
  FROM synthlake_t1_steps AS s
  CROSS JOIN (
    SELECT
      0 AS held
    UNION ALL
    SELECT
      1 AS held
  ) AS k
  WHERE
    s.i > 0 OR k.held = 0
), r AS (
  SELECT
    h.c AS c,
    h.i AS i,
    h.held AS held,
    MIN(CASE WHEN h.held = 1 THEN h.i END) OVER (
      PARTITION BY h.c
      ORDER BY h.reached, h.held
      ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING
    ) AS tenth,
    MIN(CASE WHEN h.held = 1 THEN h.last END) OVER (
      PARTITION BY h.c
      ORDER BY h.i, h.held DESC
      ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING
    ) AS cut
  FROM h
)
SELECT
  r.c AS c,
  r.i AS i,
  CASE
    WHEN r.tenth IS NULL
    THEN r.cut
    WHEN r.cut IS NULL
    THEN r.tenth
    WHEN r.cut < r.tenth
    THEN r.cut
    ELSE r.tenth
  END AS goal
FROM r
WHERE
  r.held = 0;

CREATE OR REPLACE TEMPORARY TABLE synthlake_t1_edges AS
WITH RECURSIVE walk AS (
  SELECT
    j.c AS c,
    j.goal AS i
  FROM synthlake_t1_jumps AS j
  WHERE
    j.i = 0 AND NOT j.goal IS NULL
  UNION ALL
  SELECT
    j.c AS c,
    j.goal AS i
  FROM walk
  INNER JOIN synthlake_t1_jumps AS j
    ON j.c = walk.c AND j.i = walk.i
  WHERE
    NOT j.goal IS NULL
)
SELECT
  b.c AS c,
  b.v AS v,
  ROW_NUMBER() OVER (PARTITION BY b.c ORDER BY b.v) AS i
FROM walk
INNER JOIN synthlake_t1_base AS b
  ON b.c = walk.c AND b.i = walk.i
WHERE
  b.v < b.high AND ABS(b.v) <= CAST('1.7976931348623157e308' AS DOUBLE);

CREATE OR REPLACE TEMPORARY TABLE synthlake_t1_grids AS
WITH f AS (
  SELECT
    b.c AS c,
    CAST(b.n AS DOUBLE) AS n,
    CASE WHEN b.v > 1e+140 THEN 1e+140 WHEN b.v < -1e+140 THEN -1e+140 ELSE b.v END AS v
  FROM synthlake_t1_base AS b
  WHERE
    ABS(b.v) <= CAST('1.7976931348623157e308' AS DOUBLE)
), m AS (
  SELECT
    f.c AS c,
    SUM(f.n * f.v) / SUM(f.n) AS mean,
    COUNT(*) AS apart
  FROM f
  GROUP BY
    f.c
)
SELECT
  f.c AS c,
  MAX(m.mean) AS mean,
  CASE
    WHEN MAX(m.apart) > 1
    THEN NULLIF(SQRT(SUM(f.n * (
      f.v - m.mean
    ) * (
      f.v - m.mean
    )) / SUM(f.n)), 0)
  END AS spread
FROM f
INNER JOIN m
  ON m.c = f.c
GROUP BY
  f.c;

CREATE OR REPLACE TEMPORARY TABLE synthlake_t1_tops AS
SELECT
  o.c AS c,
  o.v AS v,
  o.i AS i
FROM (
  SELECT
    l.c AS c,
    l.v AS v,
    ROW_NUMBER() OVER (PARTITION BY l.c ORDER BY l.n DESC, l.v) AS i
  FROM synthlake_t1_listed AS l
  WHERE
    l.side = 0
) AS o
WHERE
  o.i <= 10;

CREATE OR REPLACE TEMPORARY TABLE synthlake_t1_bounds0 AS
SELECT
  *
FROM (
  SELECT
    MAX(CASE WHEN q.c = 0 AND q.i = 1 THEN q.v END) AS c0e1,
    MAX(CASE WHEN q.c = 0 AND q.i = 2 THEN q.v END) AS c0e2,
    MAX(CASE WHEN q.c = 0 AND q.i = 3 THEN q.v END) AS c0e3,
    MAX(CASE WHEN q.c = 0 AND q.i = 4 THEN q.v END) AS c0e4,
    MAX(CASE WHEN q.c = 0 AND q.i = 5 THEN q.v END) AS c0e5,
    MAX(CASE WHEN q.c = 0 AND q.i = 6 THEN q.v END) AS c0e6,
    MAX(CASE WHEN q.c = 0 AND q.i = 7 THEN q.v END) AS c0e7,
    MAX(CASE WHEN q.c = 0 AND q.i = 8 THEN q.v END) AS c0e8,
    MAX(CASE WHEN q.c = 0 AND q.i = 9 THEN q.v END) AS c0e9,
    MAX(CASE WHEN q.c = 0 AND q.i = 10 THEN q.v END) AS c0e10,
    MAX(CASE WHEN q.c = 0 AND q.i = 11 THEN q.v END) AS c0e11,
    MAX(CASE WHEN q.c = 0 AND q.i = 12 THEN q.v END) AS c0e12,
    MAX(CASE WHEN q.c = 0 AND q.i = 13 THEN q.v END) AS c0e13,
    MAX(CASE WHEN q.c = 0 AND q.i = 14 THEN q.v END) AS c0e14,
    MAX(CASE WHEN q.c = 0 AND q.i = 15 THEN q.v END) AS c0e15,
    MAX(CASE WHEN q.c = 0 AND q.i = 16 THEN q.v END) AS c0e16,
    MAX(CASE WHEN q.c = 0 AND q.i = 17 THEN q.v END) AS c0e17,
    MAX(CASE WHEN q.c = 0 AND q.i = 18 THEN q.v END) AS c0e18,
    MAX(CASE WHEN q.c = 0 AND q.i = 19 THEN q.v END) AS c0e19,
    MAX(CASE WHEN q.c = 0 AND q.i = 20 THEN q.v END) AS c0e20,
    MAX(CASE WHEN q.c = 1 AND q.i = 1 THEN q.v END) AS c1e1,
    MAX(CASE WHEN q.c = 1 AND q.i = 2 THEN q.v END) AS c1e2,
    MAX(CASE WHEN q.c = 1 AND q.i = 3 THEN q.v END) AS c1e3,
    MAX(CASE WHEN q.c = 1 AND q.i = 4 THEN q.v END) AS c1e4,
    MAX(CASE WHEN q.c = 1 AND q.i = 5 THEN q.v END) AS c1e5,
    MAX(CASE WHEN q.c = 1 AND q.i = 6 THEN q.v END) AS c1e6,
    MAX(CASE WHEN q.c = 1 AND q.i = 7 THEN q.v END) AS c1e7,
    MAX(CASE WHEN q.c = 1 AND q.i = 8 THEN q.v END) AS c1e8,
    MAX(CASE WHEN q.c = 1 AND q.i = 9 THEN q.v END) AS c1e9,
    MAX(CASE WHEN q.c = 1 AND q.i = 10 THEN q.v END) AS c1e10,
    MAX(CASE WHEN q.c = 1 AND q.i = 11 THEN q.v END) AS c1e11,
    MAX(CASE WHEN q.c = 1 AND q.i = 12 THEN q.v END) AS c1e12,
    MAX(CASE WHEN q.c = 1 AND q.i = 13 THEN q.v END) AS c1e13,
    MAX(CASE WHEN q.c = 1 AND q.i = 14 THEN q.v END) AS c1e14,
    MAX(CASE WHEN q.c = 1 AND q.i = 15 THEN q.v END) AS c1e15,
    MAX(CASE WHEN q.c = 1 AND q.i = 16 THEN q.v END) AS c1e16,
    MAX(CASE WHEN q.c = 1 AND q.i = 17 THEN q.v END) AS c1e17,
    MAX(CASE WHEN q.c = 1 AND q.i = 18 THEN q.v END) AS c1e18,
    MAX(CASE WHEN q.c = 1 AND q.i = 19 THEN q.v END) AS c1e19,
    MAX(CASE WHEN q.c = 1 AND q.i = 20 THEN q.v END) AS c1e20,
    MAX(CASE WHEN q.c = 2 AND q.i = 1 THEN q.v END) AS c2e1,
    MAX(CASE WHEN q.c = 2 AND q.i = 2 THEN q.v END) AS c2e2,
    MAX(CASE WHEN q.c = 2 AND q.i = 3 THEN q.v END) AS c2e3,
    MAX(CASE WHEN q.c = 2 AND q.i = 4 THEN q.v END) AS c2e4,
    MAX(CASE WHEN q.c = 2 AND q.i = 5 THEN q.v END) AS c2e5,
    MAX(CASE WHEN q.c = 2 AND q.i = 6 THEN q.v END) AS c2e6,
    MAX(CASE WHEN q.c = 2 AND q.i = 7 THEN q.v END) AS c2e7,
    MAX(CASE WHEN q.c = 2 AND q.i = 8 THEN q.v END) AS c2e8,
    MAX(CASE WHEN q.c = 2 AND q.i = 9 THEN q.v END) AS c2e9,
    MAX(CASE WHEN q.c = 2 AND q.i = 10 THEN q.v END) AS c2e10,
    MAX(CASE WHEN q.c = 2 AND q.i = 11 THEN q.v END) AS c2e11,
    MAX(CASE WHEN q.c = 2 AND q.i = 12 THEN q.v END) AS c2e12,
    MAX(CASE WHEN q.c = 2 AND q.i = 13 THEN q.v END) AS c2e13,
    MAX(CASE WHEN q.c = 2 AND q.i = 14 THEN q.v END) AS c2e14,
    MAX(CASE WHEN q.c = 2 AND q.i = 15 THEN q.v END) AS c2e15,
    MAX(CASE WHEN q.c = 2 AND q.i = 16 THEN q.v END) AS c2e16,
    MAX(CASE WHEN q.c = 2 AND q.i = 17 THEN q.v END) AS c2e17,
    MAX(CASE WHEN q.c = 2 AND q.i = 18 THEN q.v END) AS c2e18,
    MAX(CASE WHEN q.c = 2 AND q.i = 19 THEN q.v END) AS c2e19,
    MAX(CASE WHEN q.c = 2 AND q.i = 20 THEN q.v END) AS c2e20,
    MAX(CASE WHEN q.c = 3 AND q.i = 1 THEN q.v END) AS c3e1,
    MAX(CASE WHEN q.c = 3 AND q.i = 2 THEN q.v END) AS c3e2,
    MAX(CASE WHEN q.c = 3 AND q.i = 3 THEN q.v END) AS c3e3,
    MAX(CASE WHEN q.c = 3 AND q.i = 4 THEN q.v END) AS c3e4,
    MAX(CASE WHEN q.c = 3 AND q.i = 5 THEN q.v END) AS c3e5,
    MAX(CASE WHEN q.c = 3 AND q.i = 6 THEN q.v END) AS c3e6,
    MAX(CASE WHEN q.c = 3 AND q.i = 7 THEN q.v END) AS c3e7,
    MAX(CASE WHEN q.c = 3 AND q.i = 8 THEN q.v END) AS c3e8,
    MAX(CASE WHEN q.c = 3 AND q.i = 9 THEN q.v END) AS c3e9,
    MAX(CASE WHEN q.c = 3 AND q.i = 10 THEN q.v END) AS c3e10,
    MAX(CASE WHEN q.c = 3 AND q.i = 11 THEN q.v END) AS c3e11,
    MAX(CASE WHEN q.c = 3 AND q.i = 12 THEN q.v END) AS c3e12,
    MAX(CASE WHEN q.c = 3 AND q.i = 13 THEN q.v END) AS c3e13,
    MAX(CASE WHEN q.c = 3 AND q.i = 14 THEN q.v END) AS c3e14,
    MAX(CASE WHEN q.c = 3 AND q.i = 15 THEN q.v END) AS c3e15,
    MAX(CASE WHEN q.c = 3 AND q.i = 16 THEN q.v END) AS c3e16,
    MAX(CASE WHEN q.c = 3 AND q.i = 17 THEN q.v END) AS c3e17,
    MAX(CASE WHEN q.c = 3 AND q.i = 18 THEN q.v END) AS c3e18,
    MAX(CASE WHEN q.c = 3 AND q.i = 19 THEN q.v END) AS c3e19,
    MAX(CASE WHEN q.c = 3 AND q.i = 20 THEN q.v END) AS c3e20,
    MAX(CASE WHEN q.c = 4 AND q.i = 1 THEN q.v END) AS c4e1,
    MAX(CASE WHEN q.c = 4 AND q.i = 2 THEN q.v END) AS c4e2,
    MAX(CASE WHEN q.c = 4 AND q.i = 3 THEN q.v END) AS c4e3,
    MAX(CASE WHEN q.c = 4 AND q.i = 4 THEN q.v END) AS c4e4,
    MAX(CASE WHEN q.c = 4 AND q.i = 5 THEN q.v END) AS c4e5,
    MAX(CASE WHEN q.c = 4 AND q.i = 6 THEN q.v END) AS c4e6,
    MAX(CASE WHEN q.c = 4 AND q.i = 7 THEN q.v END) AS c4e7,
    MAX(CASE WHEN q.c = 4 AND q.i = 8 THEN q.v END) AS c4e8,
    MAX(CASE WHEN q.c = 4 AND q.i = 9 THEN q.v END) AS c4e9,
    MAX(CASE WHEN q.c = 4 AND q.i = 10 THEN q.v END) AS c4e10,
    MAX(CASE WHEN q.c = 4 AND q.i = 11 THEN q.v END) AS c4e11,
    MAX(CASE WHEN q.c = 4 AND q.i = 12 THEN q.v END) AS c4e12,
    MAX(CASE WHEN q.c = 4 AND q.i = 13 THEN q.v END) AS c4e13,
    MAX(CASE WHEN q.c = 4 AND q.i = 14 THEN q.v END) AS c4e14,
    MAX(CASE WHEN q.c = 4 AND q.i = 15 THEN q.v END) AS c4e15,
    MAX(CASE WHEN q.c = 4 AND q.i = 16 THEN q.v END) AS c4e16,
    MAX(CASE WHEN q.c = 4 AND q.i = 17 THEN q.v END) AS c4e17,
    MAX(CASE WHEN q.c = 4 AND q.i = 18 THEN q.v END) AS c4e18,
    MAX(CASE WHEN q.c = 4 AND q.i = 19 THEN q.v END) AS c4e19,
    MAX(CASE WHEN q.c = 4 AND q.i = 20 THEN q.v END) AS c4e20,
    MAX(CASE WHEN q.c = 5 AND q.i = 1 THEN q.v END) AS c5e1,
    MAX(CASE WHEN q.c = 5 AND q.i = 2 THEN q.v END) AS c5e2,
    MAX(CASE WHEN q.c = 5 AND q.i = 3 THEN q.v END) AS c5e3,
    MAX(CASE WHEN q.c = 5 AND q.i = 4 THEN q.v END) AS c5e4,
    MAX(CASE WHEN q.c = 5 AND q.i = 5 THEN q.v END) AS c5e5,
    MAX(CASE WHEN q.c = 5 AND q.i = 6 THEN q.v END) AS c5e6,
    MAX(CASE WHEN q.c = 5 AND q.i = 7 THEN q.v END) AS c5e7,
    MAX(CASE WHEN q.c = 5 AND q.i = 8 THEN q.v END) AS c5e8,
    MAX(CASE WHEN q.c = 5 AND q.i = 9 THEN q.v END) AS c5e9,
    MAX(CASE WHEN q.c = 5 AND q.i = 10 THEN q.v END) AS c5e10,
    MAX(CASE WHEN q.c = 5 AND q.i = 11 THEN q.v END) AS c5e11,
    MAX(CASE WHEN q.c = 5 AND q.i = 12 THEN q.v END) AS c5e12,
    MAX(CASE WHEN q.c = 5 AND q.i = 13 THEN q.v END) AS c5e13,
    MAX(CASE WHEN q.c = 5 AND q.i = 14 THEN q.v END) AS c5e14,
    MAX(CASE WHEN q.c = 5 AND q.i = 15 THEN q.v END) AS c5e15,
    MAX(CASE WHEN q.c = 5 AND q.i = 16 THEN q.v END) AS c5e16,
    MAX(CASE WHEN q.c = 5 AND q.i = 17 THEN q.v END) AS c5e17,
    MAX(CASE WHEN q.c = 5 AND q.i = 18 THEN q.v END) AS c5e18,
    MAX(CASE WHEN q.c = 5 AND q.i = 19 THEN q.v END) AS c5e19,
    MAX(CASE WHEN q.c = 5 AND q.i = 20 THEN q.v END) AS c5e20
  FROM synthlake_t1_edges AS q
) AS x0
CROSS JOIN (
  SELECT
    MAX(CASE WHEN q.c = 0 THEN q.mean END) AS c0m0,
    MAX(CASE WHEN q.c = 1 THEN q.mean END) AS c1m0,
    MAX(CASE WHEN q.c = 2 THEN q.mean END) AS c2m0,
    MAX(CASE WHEN q.c = 3 THEN q.mean END) AS c3m0,
    MAX(CASE WHEN q.c = 4 THEN q.mean END) AS c4m0,
    MAX(CASE WHEN q.c = 5 THEN q.mean END) AS c5m0
  FROM synthlake_t1_grids AS q
) AS x1
CROSS JOIN (
  SELECT
    MAX(CASE WHEN q.c = 0 THEN q.spread END) AS c0s0,
    MAX(CASE WHEN q.c = 1 THEN q.spread END) AS c1s0,
    MAX(CASE WHEN q.c = 2 THEN q.spread END) AS c2s0,
    MAX(CASE WHEN q.c = 3 THEN q.spread END) AS c3s0,
    MAX(CASE WHEN q.c = 4 THEN q.spread END) AS c4s0,
    MAX(CASE WHEN q.c = 5 THEN q.spread END) AS c5s0
  FROM synthlake_t1_grids AS q
) AS x2
CROSS JOIN (
  SELECT
    MAX(CASE WHEN q.c = 4 THEN q.named END) AS c4d0
  FROM synthlake_t1_named AS q
) AS x3
CROSS JOIN (
  SELECT
    MAX(CASE WHEN q.c = 4 AND q.i = 1 THEN q.v END) AS c4t1,
    MAX(CASE WHEN q.c = 4 AND q.i = 2 THEN q.v END) AS c4t2,
    MAX(CASE WHEN q.c = 4 AND q.i = 3 THEN q.v END) AS c4t3,
    MAX(CASE WHEN q.c = 4 AND q.i = 4 THEN q.v END) AS c4t4,
    MAX(CASE WHEN q.c = 4 AND q.i = 5 THEN q.v END) AS c4t5,
    MAX(CASE WHEN q.c = 4 AND q.i = 6 THEN q.v END) AS c4t6,
    MAX(CASE WHEN q.c = 4 AND q.i = 7 THEN q.v END) AS c4t7,
    MAX(CASE WHEN q.c = 4 AND q.i = 8 THEN q.v END) AS c4t8,
    MAX(CASE WHEN q.c = 4 AND q.i = 9 THEN q.v END) AS c4t9,
    MAX(CASE WHEN q.c = 4 AND q.i = 10 THEN q.v END) AS c4t10
  FROM synthlake_t1_tops AS q
) AS x4;

CREATE OR REPLACE TEMPORARY TABLE synthlake_t1_codes AS
SELECT
  0 AS side,
  CASE WHEN r.v0 IS NULL THEN 0 WHEN r.v0 = CAST('NaN' AS DOUBLE) THEN 99 ELSE 1 + CASE WHEN r.v0 > b0.c0e1 THEN 1 ELSE 0 END + CASE WHEN r.v0 > b0.c0e2 THEN 1 ELSE 0 END + CASE WHEN r.v0 > b0.c0e3 THEN 1 ELSE 0 END + CASE WHEN r.v0 > b0.c0e4 THEN 1 ELSE 0 END + CASE WHEN r.v0 > b0.c0e5 THEN 1 ELSE 0 END + CASE WHEN r.v0 > b0.c0e6 THEN 1 ELSE 0 END + CASE WHEN r.v0 > b0.c0e7 THEN 1 ELSE 0 END + CASE WHEN r.v0 > b0.c0e8 THEN 1 ELSE 0 END + CASE WHEN r.v0 > b0.c0e9 THEN 1 ELSE 0 END + CASE WHEN r.v0 > b0.c0e10 THEN 1 ELSE 0 END + CASE WHEN r.v0 > b0.c0e11 THEN 1 ELSE 0 END + CASE WHEN r.v0 > b0.c0e12 THEN 1 ELSE 0 END + CASE WHEN r.v0 > b0.c0e13 THEN 1 ELSE 0 END + CASE WHEN r.v0 > b0.c0e14 THEN 1 ELSE 0 END + CASE WHEN r.v0 > b0.c0e15 THEN 1 ELSE 0 END + CASE WHEN r.v0 > b0.c0e16 THEN 1 ELSE 0 END + CASE WHEN r.v0 > b0.c0e17 THEN 1 ELSE 0 END + CASE WHEN r.v0 > b0.c0e18 THEN 1 ELSE 0 END + CASE WHEN r.v0 > b0.c0e19 THEN 1 ELSE 0 END + CASE WHEN r.v0 > b0.c0e20 THEN 1 ELSE 0 END END AS c0,
  CASE WHEN r.v1 IS NULL THEN 0 ELSE 1 + CASE WHEN r.v1 > b0.c1e1 THEN 1 ELSE 0 END + CASE WHEN r.v1 > b0.c1e2 THEN 1 ELSE 0 END + CASE WHEN r.v1 > b0.c1e3 THEN 1 ELSE 0 END + CASE WHEN r.v1 > b0.c1e4 THEN 1 ELSE 0 END + CASE WHEN r.v1 > b0.c1e5 THEN 1 ELSE 0 END + CASE WHEN r.v1 > b0.c1e6 THEN 1 ELSE 0 END + CASE WHEN r.v1 > b0.c1e7 THEN 1 ELSE 0 END + CASE WHEN r.v1 > b0.c1e8 THEN 1 ELSE 0 END + CASE WHEN r.v1 > b0.c1e9 THEN 1 ELSE 0 END + CASE WHEN r.v1 > b0.c1e10 THEN 1 ELSE 0 END + CASE WHEN r.v1 > b0.c1e11 THEN 1 ELSE 0 END + CASE WHEN r.v1 > b0.c1e12 THEN 1 ELSE 0 END + CASE WHEN r.v1 > b0.c1e13 THEN 1 ELSE 0 END + CASE WHEN r.v1 > b0.c1e14 THEN 1 ELSE 0 END + CASE WHEN r.v1 > b0.c1e15 THEN 1 ELSE 0 END + CASE WHEN r.v1 > b0.c1e16 THEN 1 ELSE 0 END + CASE WHEN r.v1 > b0.c1e17 THEN 1 ELSE 0 END + CASE WHEN r.v1 > b0.c1e18 THEN 1 ELSE 0 END + CASE WHEN r.v1 > b0.c1e19 THEN 1 ELSE 0 END + CASE WHEN r.v1 > b0.c1e20 THEN 1 ELSE 0 END END AS c1,
  CASE WHEN r.v2 IS NULL THEN 0 ELSE 1 + CASE WHEN r.v2 > b0.c2e1 THEN 1 ELSE 0 END + CASE WHEN r.v2 > b0.c2e2 THEN 1 ELSE 0 END + CASE WHEN r.v2 > b0.c2e3 THEN 1 ELSE 0 END + CASE WHEN r.v2 > b0.c2e4 THEN 1 ELSE 0 END + CASE WHEN r.v2 > b0.c2e5 THEN 1 ELSE 0 END + CASE WHEN r.v2 > b0.c2e6 THEN 1 ELSE 0 END + CASE WHEN r.v2 > b0.c2e7 THEN 1 ELSE 0 END + CASE WHEN r.v2 > b0.c2e8 THEN 1 ELSE 0 END + CASE WHEN r.v2 > b0.c2e9 THEN 1 ELSE 0 END + CASE WHEN r.v2 > b0.c2e10 THEN 1 ELSE 0 END + CASE WHEN r.v2 > b0.c2e11 THEN 1 ELSE 0 END + CASE WHEN r.v2 > b0.c2e12 THEN 1 ELSE 0 END + CASE WHEN r.v2 > b0.c2e13 THEN 1 ELSE 0 END + CASE WHEN r.v2 > b0.c2e14 THEN 1 ELSE 0 END + CASE WHEN r.v2 > b0.c2e15 THEN 1 ELSE 0 END + CASE WHEN r.v2 > b0.c2e16 THEN 1 ELSE 0 END + CASE WHEN r.v2 > b0.c2e17 THEN 1 ELSE 0 END + CASE WHEN r.v2 > b0.c2e18 THEN 1 ELSE 0 END + CASE WHEN r.v2 > b0.c2e19 THEN 1 ELSE 0 END + CASE WHEN r.v2 > b0.c2e20 THEN 1 ELSE 0 END END AS c2,
  CASE WHEN r.v3 IS NULL THEN 0 ELSE 1 + CASE WHEN r.v3 > b0.c3e1 THEN 1 ELSE 0 END + CASE WHEN r.v3 > b0.c3e2 THEN 1 ELSE 0 END + CASE WHEN r.v3 > b0.c3e3 THEN 1 ELSE 0 END + CASE WHEN r.v3 > b0.c3e4 THEN 1 ELSE 0 END + CASE WHEN r.v3 > b0.c3e5 THEN 1 ELSE 0 END + CASE WHEN r.v3 > b0.c3e6 THEN 1 ELSE 0 END + CASE WHEN r.v3 > b0.c3e7 THEN 1 ELSE 0 END + CASE WHEN r.v3 > b0.c3e8 THEN 1 ELSE 0 END + CASE WHEN r.v3 > b0.c3e9 THEN 1 ELSE 0 END + CASE WHEN r.v3 > b0.c3e10 THEN 1 ELSE 0 END + CASE WHEN r.v3 > b0.c3e11 THEN 1 ELSE 0 END + CASE WHEN r.v3 > b0.c3e12 THEN 1 ELSE 0 END + CASE WHEN r.v3 > b0.c3e13 THEN 1 ELSE 0 END + CASE WHEN r.v3 > b0.c3e14 THEN 1 ELSE 0 END + CASE WHEN r.v3 > b0.c3e15 THEN 1 ELSE 0 END + CASE WHEN r.v3 > b0.c3e16 THEN 1 ELSE 0 END + CASE WHEN r.v3 > b0.c3e17 THEN 1 ELSE 0 END + CASE WHEN r.v3 > b0.c3e18 THEN 1 ELSE 0 END + CASE WHEN r.v3 > b0.c3e19 THEN 1 ELSE 0 END + CASE WHEN r.v3 > b0.c3e20 THEN 1 ELSE 0 END END AS c3,
  CASE WHEN r.v4 IS NULL THEN 0 WHEN b0.c4d0 = 1 THEN 1 + CASE WHEN LENGTH(r.v4) > b0.c4e1 THEN 1 ELSE 0 END + CASE WHEN LENGTH(r.v4) > b0.c4e2 THEN 1 ELSE 0 END + CASE WHEN LENGTH(r.v4) > b0.c4e3 THEN 1 ELSE 0 END + CASE WHEN LENGTH(r.v4) > b0.c4e4 THEN 1 ELSE 0 END + CASE WHEN LENGTH(r.v4) > b0.c4e5 THEN 1 ELSE 0 END + CASE WHEN LENGTH(r.v4) > b0.c4e6 THEN 1 ELSE 0 END + CASE WHEN LENGTH(r.v4) > b0.c4e7 THEN 1 ELSE 0 END + CASE WHEN LENGTH(r.v4) > b0.c4e8 THEN 1 ELSE 0 END + CASE WHEN LENGTH(r.v4) > b0.c4e9 THEN 1 ELSE 0 END + CASE WHEN LENGTH(r.v4) > b0.c4e10 THEN 1 ELSE 0 END + CASE WHEN LENGTH(r.v4) > b0.c4e11 THEN 1 ELSE 0 END + CASE WHEN LENGTH(r.v4) > b0.c4e12 THEN 1 ELSE 0 END + CASE WHEN LENGTH(r.v4) > b0.c4e13 THEN 1 ELSE 0 END + CASE WHEN LENGTH(r.v4) > b0.c4e14 THEN 1 ELSE 0 END + CASE WHEN LENGTH(r.v4) > b0.c4e15 THEN 1 ELSE 0 END + CASE WHEN LENGTH(r.v4) > b0.c4e16 THEN 1 ELSE 0 END + CASE WHEN LENGTH(r.v4) > b0.c4e17 THEN 1 ELSE 0 END + CASE WHEN LENGTH(r.v4) > b0.c4e18 THEN 1 ELSE 0 END + CASE WHEN LENGTH(r.v4) > b0.c4e19 THEN 1 ELSE 0 END + CASE WHEN LENGTH(r.v4) > b0.c4e20 THEN 1 ELSE 0 END ELSE CASE WHEN r.v4 = b0.c4t1 THEN 1 WHEN r.v4 = b0.c4t2 THEN 2 WHEN r.v4 = b0.c4t3 THEN 3 WHEN r.v4 = b0.c4t4 THEN 4 WHEN r.v4 = b0.c4t5 THEN 5 WHEN r.v4 = b0.c4t6 THEN 6 WHEN r.v4 = b0.c4t7 THEN 7 WHEN r.v4 = b0.c4t8 THEN 8 WHEN r.v4 = b0.c4t9 THEN 9 WHEN r.v4 = b0.c4t10 THEN 10 ELSE 11 END END AS c4,
  CASE WHEN r.v5 IS NULL THEN 0 ELSE 1 + CASE WHEN r.v5 > b0.c5e1 THEN 1 ELSE 0 END + CASE WHEN r.v5 > b0.c5e2 THEN 1 ELSE 0 END + CASE WHEN r.v5 > b0.c5e3 THEN 1 ELSE 0 END + CASE WHEN r.v5 > b0.c5e4 THEN 1 ELSE 0 END + CASE WHEN r.v5 > b0.c5e5 THEN 1 ELSE 0 END + CASE WHEN r.v5 > b0.c5e6 THEN 1 ELSE 0 END + CASE WHEN r.v5 > b0.c5e7 THEN 1 ELSE 0 END + CASE WHEN r.v5 > b0.c5e8 THEN 1 ELSE 0 END + CASE WHEN r.v5 > b0.c5e9 THEN 1 ELSE 0 END + CASE WHEN r.v5 > b0.c5e10 THEN 1 ELSE 0 END + CASE WHEN r.v5 > b0.c5e11 THEN 1 ELSE 0 END + CASE WHEN r.v5 > b0.c5e12 THEN 1 ELSE 0 END + CASE WHEN r.v5 > b0.c5e13 THEN 1 ELSE 0 END + CASE WHEN r.v5 > b0.c5e14 THEN 1 ELSE 0 END + CASE WHEN r.v5 > b0.c5e15 THEN 1 ELSE 0 END + CASE WHEN r.v5 > b0.c5e16 THEN 1 ELSE 0 END + CASE WHEN r.v5 > b0.c5e17 THEN 1 ELSE 0 END + CASE WHEN r.v5 > b0.c5e18 THEN 1 ELSE 0 END + CASE WHEN r.v5 > b0.c5e19 THEN 1 ELSE 0 END + CASE WHEN r.v5 > b0.c5e20 THEN 1 ELSE 0 END END AS c5,
  CASE
    WHEN r.v0 = CAST('NaN' AS DOUBLE)
    OR ABS(r.v0) > CAST('1.7976931348623157e308' AS DOUBLE)
    THEN NULL
    WHEN ROUND((
      r.v0 - b0.c0m0
    ) * (
      4294967296 / b0.c0s0
    )) > 17592186044416
    THEN 17592186044416
    WHEN ROUND((
      r.v0 - b0.c0m0
    ) * (
      4294967296 / b0.c0s0
    )) < -17592186044416
    THEN -17592186044416
    ELSE CAST(ROUND((
      r.v0 - b0.c0m0
    ) * (
      4294967296 / b0.c0s0
    )) AS BIGINT)
  END AS x0,
  CASE
    WHEN 1 = 0 OR ABS(r.v1) > CAST('1.7976931348623157e308' AS DOUBLE)
    THEN NULL
    WHEN ROUND((
      r.v1 - b0.c1m0
    ) * (
      4294967296 / b0.c1s0
    )) > 17592186044416
    THEN 17592186044416
    WHEN ROUND((
      r.v1 - b0.c1m0
    ) * (
      4294967296 / b0.c1s0
    )) < -17592186044416
    THEN -17592186044416
    ELSE CAST(ROUND((
      r.v1 - b0.c1m0
    ) * (
      4294967296 / b0.c1s0
    )) AS BIGINT)
  END AS x1,
  CASE
    WHEN 1 = 0 OR ABS(r.v2) > CAST('1.7976931348623157e308' AS DOUBLE)
    THEN NULL
    WHEN ROUND((
      r.v2 - b0.c2m0
    ) * (
      4294967296 / b0.c2s0
    )) > 17592186044416
    THEN 17592186044416
    WHEN ROUND((
      r.v2 - b0.c2m0
    ) * (
      4294967296 / b0.c2s0
    )) < -17592186044416
    THEN -17592186044416
    ELSE CAST(ROUND((
      r.v2 - b0.c2m0
    ) * (
      4294967296 / b0.c2s0
    )) AS BIGINT)
  END AS x2,
  CASE
    WHEN 1 = 0 OR ABS(r.v3) > CAST('1.7976931348623157e308' AS DOUBLE)
    THEN NULL
    WHEN ROUND((
      r.v3 - b0.c3m0
    ) * (
      4294967296 / b0.c3s0
    )) > 17592186044416
    THEN 17592186044416
    WHEN ROUND((
      r.v3 - b0.c3m0
    ) * (
      4294967296 / b0.c3s0
    )) < -17592186044416
    THEN -17592186044416
    ELSE CAST(ROUND((
      r.v3 - b0.c3m0
    ) * (
      4294967296 / b0.c3s0
    )) AS BIGINT)
  END AS x3,
  CASE
    WHEN 1 = 0 OR ABS(r.v5) > CAST('1.7976931348623157e308' AS DOUBLE)
    THEN NULL
    WHEN ROUND((
      r.v5 - b0.c5m0
    ) * (
      4294967296 / b0.c5s0
    )) > 17592186044416
    THEN 17592186044416
    WHEN ROUND((
      r.v5 - b0.c5m0
    ) * (
      4294967296 / b0.c5s0
    )) < -17592186044416
    THEN -17592186044416
    ELSE CAST(ROUND((
      r.v5 - b0.c5m0
    ) * (
      4294967296 / b0.c5s0
    )) AS BIGINT)
  END AS x5
FROM (
  SELECT
    (CAST(t."amount" AS DOUBLE) + 0) AS v0, (CAST(DATEDIFF('day', DATE '1970-01-01', t."day") * 86400000000 AS DOUBLE) + 0) AS v1, (CAST(FLOOR(DATE_PART(epoch_nanosecond, t."paid") / 1000) AS DOUBLE) + 0) AS v2, (CAST(t."cost" AS DOUBLE) + 0) AS v3, CAST(t."open" AS VARCHAR) AS v4, (CAST(CASE WHEN t."tags" IS NOT NULL THEN ARRAY_SIZE(t."tags") END AS DOUBLE) + 0) AS v5
  FROM "PROD"."SHOP"."child" AS t
) AS r
CROSS JOIN synthlake_t1_bounds0 AS b0
UNION ALL
SELECT
  1 AS side,
  CASE WHEN r.v0 IS NULL THEN 0 WHEN r.v0 = CAST('NaN' AS DOUBLE) THEN 99 ELSE 1 + CASE WHEN r.v0 > b0.c0e1 THEN 1 ELSE 0 END + CASE WHEN r.v0 > b0.c0e2 THEN 1 ELSE 0 END + CASE WHEN r.v0 > b0.c0e3 THEN 1 ELSE 0 END + CASE WHEN r.v0 > b0.c0e4 THEN 1 ELSE 0 END + CASE WHEN r.v0 > b0.c0e5 THEN 1 ELSE 0 END + CASE WHEN r.v0 > b0.c0e6 THEN 1 ELSE 0 END + CASE WHEN r.v0 > b0.c0e7 THEN 1 ELSE 0 END + CASE WHEN r.v0 > b0.c0e8 THEN 1 ELSE 0 END + CASE WHEN r.v0 > b0.c0e9 THEN 1 ELSE 0 END + CASE WHEN r.v0 > b0.c0e10 THEN 1 ELSE 0 END + CASE WHEN r.v0 > b0.c0e11 THEN 1 ELSE 0 END + CASE WHEN r.v0 > b0.c0e12 THEN 1 ELSE 0 END + CASE WHEN r.v0 > b0.c0e13 THEN 1 ELSE 0 END + CASE WHEN r.v0 > b0.c0e14 THEN 1 ELSE 0 END + CASE WHEN r.v0 > b0.c0e15 THEN 1 ELSE 0 END + CASE WHEN r.v0 > b0.c0e16 THEN 1 ELSE 0 END + CASE WHEN r.v0 > b0.c0e17 THEN 1 ELSE 0 END + CASE WHEN r.v0 > b0.c0e18 THEN 1 ELSE 0 END + CASE WHEN r.v0 > b0.c0e19 THEN 1 ELSE 0 END + CASE WHEN r.v0 > b0.c0e20 THEN 1 ELSE 0 END END AS c0,
  CASE WHEN r.v1 IS NULL THEN 0 ELSE 1 + CASE WHEN r.v1 > b0.c1e1 THEN 1 ELSE 0 END + CASE WHEN r.v1 > b0.c1e2 THEN 1 ELSE 0 END + CASE WHEN r.v1 > b0.c1e3 THEN 1 ELSE 0 END + CASE WHEN r.v1 > b0.c1e4 THEN 1 ELSE 0 END + CASE WHEN r.v1 > b0.c1e5 THEN 1 ELSE 0 END + CASE WHEN r.v1 > b0.c1e6 THEN 1 ELSE 0 END + CASE WHEN r.v1 > b0.c1e7 THEN 1 ELSE 0 END + CASE WHEN r.v1 > b0.c1e8 THEN 1 ELSE 0 END + CASE WHEN r.v1 > b0.c1e9 THEN 1 ELSE 0 END + CASE WHEN r.v1 > b0.c1e10 THEN 1 ELSE 0 END + CASE WHEN r.v1 > b0.c1e11 THEN 1 ELSE 0 END + CASE WHEN r.v1 > b0.c1e12 THEN 1 ELSE 0 END + CASE WHEN r.v1 > b0.c1e13 THEN 1 ELSE 0 END + CASE WHEN r.v1 > b0.c1e14 THEN 1 ELSE 0 END + CASE WHEN r.v1 > b0.c1e15 THEN 1 ELSE 0 END + CASE WHEN r.v1 > b0.c1e16 THEN 1 ELSE 0 END + CASE WHEN r.v1 > b0.c1e17 THEN 1 ELSE 0 END + CASE WHEN r.v1 > b0.c1e18 THEN 1 ELSE 0 END + CASE WHEN r.v1 > b0.c1e19 THEN 1 ELSE 0 END + CASE WHEN r.v1 > b0.c1e20 THEN 1 ELSE 0 END END AS c1,
  CASE WHEN r.v2 IS NULL THEN 0 ELSE 1 + CASE WHEN r.v2 > b0.c2e1 THEN 1 ELSE 0 END + CASE WHEN r.v2 > b0.c2e2 THEN 1 ELSE 0 END + CASE WHEN r.v2 > b0.c2e3 THEN 1 ELSE 0 END + CASE WHEN r.v2 > b0.c2e4 THEN 1 ELSE 0 END + CASE WHEN r.v2 > b0.c2e5 THEN 1 ELSE 0 END + CASE WHEN r.v2 > b0.c2e6 THEN 1 ELSE 0 END + CASE WHEN r.v2 > b0.c2e7 THEN 1 ELSE 0 END + CASE WHEN r.v2 > b0.c2e8 THEN 1 ELSE 0 END + CASE WHEN r.v2 > b0.c2e9 THEN 1 ELSE 0 END + CASE WHEN r.v2 > b0.c2e10 THEN 1 ELSE 0 END + CASE WHEN r.v2 > b0.c2e11 THEN 1 ELSE 0 END + CASE WHEN r.v2 > b0.c2e12 THEN 1 ELSE 0 END + CASE WHEN r.v2 > b0.c2e13 THEN 1 ELSE 0 END + CASE WHEN r.v2 > b0.c2e14 THEN 1 ELSE 0 END + CASE WHEN r.v2 > b0.c2e15 THEN 1 ELSE 0 END + CASE WHEN r.v2 > b0.c2e16 THEN 1 ELSE 0 END + CASE WHEN r.v2 > b0.c2e17 THEN 1 ELSE 0 END + CASE WHEN r.v2 > b0.c2e18 THEN 1 ELSE 0 END + CASE WHEN r.v2 > b0.c2e19 THEN 1 ELSE 0 END + CASE WHEN r.v2 > b0.c2e20 THEN 1 ELSE 0 END END AS c2,
  CASE WHEN r.v3 IS NULL THEN 0 ELSE 1 + CASE WHEN r.v3 > b0.c3e1 THEN 1 ELSE 0 END + CASE WHEN r.v3 > b0.c3e2 THEN 1 ELSE 0 END + CASE WHEN r.v3 > b0.c3e3 THEN 1 ELSE 0 END + CASE WHEN r.v3 > b0.c3e4 THEN 1 ELSE 0 END + CASE WHEN r.v3 > b0.c3e5 THEN 1 ELSE 0 END + CASE WHEN r.v3 > b0.c3e6 THEN 1 ELSE 0 END + CASE WHEN r.v3 > b0.c3e7 THEN 1 ELSE 0 END + CASE WHEN r.v3 > b0.c3e8 THEN 1 ELSE 0 END + CASE WHEN r.v3 > b0.c3e9 THEN 1 ELSE 0 END + CASE WHEN r.v3 > b0.c3e10 THEN 1 ELSE 0 END + CASE WHEN r.v3 > b0.c3e11 THEN 1 ELSE 0 END + CASE WHEN r.v3 > b0.c3e12 THEN 1 ELSE 0 END + CASE WHEN r.v3 > b0.c3e13 THEN 1 ELSE 0 END + CASE WHEN r.v3 > b0.c3e14 THEN 1 ELSE 0 END + CASE WHEN r.v3 > b0.c3e15 THEN 1 ELSE 0 END + CASE WHEN r.v3 > b0.c3e16 THEN 1 ELSE 0 END + CASE WHEN r.v3 > b0.c3e17 THEN 1 ELSE 0 END + CASE WHEN r.v3 > b0.c3e18 THEN 1 ELSE 0 END + CASE WHEN r.v3 > b0.c3e19 THEN 1 ELSE 0 END + CASE WHEN r.v3 > b0.c3e20 THEN 1 ELSE 0 END END AS c3,
  CASE WHEN r.v4 IS NULL THEN 0 WHEN b0.c4d0 = 1 THEN 1 + CASE WHEN LENGTH(r.v4) > b0.c4e1 THEN 1 ELSE 0 END + CASE WHEN LENGTH(r.v4) > b0.c4e2 THEN 1 ELSE 0 END + CASE WHEN LENGTH(r.v4) > b0.c4e3 THEN 1 ELSE 0 END + CASE WHEN LENGTH(r.v4) > b0.c4e4 THEN 1 ELSE 0 END + CASE WHEN LENGTH(r.v4) > b0.c4e5 THEN 1 ELSE 0 END + CASE WHEN LENGTH(r.v4) > b0.c4e6 THEN 1 ELSE 0 END + CASE WHEN LENGTH(r.v4) > b0.c4e7 THEN 1 ELSE 0 END + CASE WHEN LENGTH(r.v4) > b0.c4e8 THEN 1 ELSE 0 END + CASE WHEN LENGTH(r.v4) > b0.c4e9 THEN 1 ELSE 0 END + CASE WHEN LENGTH(r.v4) > b0.c4e10 THEN 1 ELSE 0 END + CASE WHEN LENGTH(r.v4) > b0.c4e11 THEN 1 ELSE 0 END + CASE WHEN LENGTH(r.v4) > b0.c4e12 THEN 1 ELSE 0 END + CASE WHEN LENGTH(r.v4) > b0.c4e13 THEN 1 ELSE 0 END + CASE WHEN LENGTH(r.v4) > b0.c4e14 THEN 1 ELSE 0 END + CASE WHEN LENGTH(r.v4) > b0.c4e15 THEN 1 ELSE 0 END + CASE WHEN LENGTH(r.v4) > b0.c4e16 THEN 1 ELSE 0 END + CASE WHEN LENGTH(r.v4) > b0.c4e17 THEN 1 ELSE 0 END + CASE WHEN LENGTH(r.v4) > b0.c4e18 THEN 1 ELSE 0 END + CASE WHEN LENGTH(r.v4) > b0.c4e19 THEN 1 ELSE 0 END + CASE WHEN LENGTH(r.v4) > b0.c4e20 THEN 1 ELSE 0 END ELSE CASE WHEN r.v4 = b0.c4t1 THEN 1 WHEN r.v4 = b0.c4t2 THEN 2 WHEN r.v4 = b0.c4t3 THEN 3 WHEN r.v4 = b0.c4t4 THEN 4 WHEN r.v4 = b0.c4t5 THEN 5 WHEN r.v4 = b0.c4t6 THEN 6 WHEN r.v4 = b0.c4t7 THEN 7 WHEN r.v4 = b0.c4t8 THEN 8 WHEN r.v4 = b0.c4t9 THEN 9 WHEN r.v4 = b0.c4t10 THEN 10 ELSE 11 END END AS c4,
  CASE WHEN r.v5 IS NULL THEN 0 ELSE 1 + CASE WHEN r.v5 > b0.c5e1 THEN 1 ELSE 0 END + CASE WHEN r.v5 > b0.c5e2 THEN 1 ELSE 0 END + CASE WHEN r.v5 > b0.c5e3 THEN 1 ELSE 0 END + CASE WHEN r.v5 > b0.c5e4 THEN 1 ELSE 0 END + CASE WHEN r.v5 > b0.c5e5 THEN 1 ELSE 0 END + CASE WHEN r.v5 > b0.c5e6 THEN 1 ELSE 0 END + CASE WHEN r.v5 > b0.c5e7 THEN 1 ELSE 0 END + CASE WHEN r.v5 > b0.c5e8 THEN 1 ELSE 0 END + CASE WHEN r.v5 > b0.c5e9 THEN 1 ELSE 0 END + CASE WHEN r.v5 > b0.c5e10 THEN 1 ELSE 0 END + CASE WHEN r.v5 > b0.c5e11 THEN 1 ELSE 0 END + CASE WHEN r.v5 > b0.c5e12 THEN 1 ELSE 0 END + CASE WHEN r.v5 > b0.c5e13 THEN 1 ELSE 0 END + CASE WHEN r.v5 > b0.c5e14 THEN 1 ELSE 0 END + CASE WHEN r.v5 > b0.c5e15 THEN 1 ELSE 0 END + CASE WHEN r.v5 > b0.c5e16 THEN 1 ELSE 0 END + CASE WHEN r.v5 > b0.c5e17 THEN 1 ELSE 0 END + CASE WHEN r.v5 > b0.c5e18 THEN 1 ELSE 0 END + CASE WHEN r.v5 > b0.c5e19 THEN 1 ELSE 0 END + CASE WHEN r.v5 > b0.c5e20 THEN 1 ELSE 0 END END AS c5,
  CASE
    WHEN r.v0 = CAST('NaN' AS DOUBLE)
    OR ABS(r.v0) > CAST('1.7976931348623157e308' AS DOUBLE)
    THEN NULL
    WHEN ROUND((
      r.v0 - b0.c0m0
    ) * (
      4294967296 / b0.c0s0
    )) > 17592186044416
    THEN 17592186044416
    WHEN ROUND((
      r.v0 - b0.c0m0
    ) * (
      4294967296 / b0.c0s0
    )) < -17592186044416
    THEN -17592186044416
    ELSE CAST(ROUND((
      r.v0 - b0.c0m0
    ) * (
      4294967296 / b0.c0s0
    )) AS BIGINT)
  END AS x0,
  CASE
    WHEN 1 = 0 OR ABS(r.v1) > CAST('1.7976931348623157e308' AS DOUBLE)
    THEN NULL
    WHEN ROUND((
      r.v1 - b0.c1m0
    ) * (
      4294967296 / b0.c1s0
    )) > 17592186044416
    THEN 17592186044416
    WHEN ROUND((
      r.v1 - b0.c1m0
    ) * (
      4294967296 / b0.c1s0
    )) < -17592186044416
    THEN -17592186044416
    ELSE CAST(ROUND((
      r.v1 - b0.c1m0
    ) * (
      4294967296 / b0.c1s0
    )) AS BIGINT)
  END AS x1,
  CASE
    WHEN 1 = 0 OR ABS(r.v2) > CAST('1.7976931348623157e308' AS DOUBLE)
    THEN NULL
    WHEN ROUND((
      r.v2 - b0.c2m0
    ) * (
      4294967296 / b0.c2s0
    )) > 17592186044416
    THEN 17592186044416
    WHEN ROUND((
      r.v2 - b0.c2m0
    ) * (
      4294967296 / b0.c2s0
    )) < -17592186044416
    THEN -17592186044416
    ELSE CAST(ROUND((
      r.v2 - b0.c2m0
    ) * (
      4294967296 / b0.c2s0
    )) AS BIGINT)
  END AS x2,
  CASE
    WHEN 1 = 0 OR ABS(r.v3) > CAST('1.7976931348623157e308' AS DOUBLE)
    THEN NULL
    WHEN ROUND((
      r.v3 - b0.c3m0
    ) * (
      4294967296 / b0.c3s0
    )) > 17592186044416
    THEN 17592186044416
    WHEN ROUND((
      r.v3 - b0.c3m0
    ) * (
      4294967296 / b0.c3s0
    )) < -17592186044416
    THEN -17592186044416
    ELSE CAST(ROUND((
      r.v3 - b0.c3m0
    ) * (
      4294967296 / b0.c3s0
    )) AS BIGINT)
  END AS x3,
  CASE
    WHEN 1 = 0 OR ABS(r.v5) > CAST('1.7976931348623157e308' AS DOUBLE)
    THEN NULL
    WHEN ROUND((
      r.v5 - b0.c5m0
    ) * (
      4294967296 / b0.c5s0
    )) > 17592186044416
    THEN 17592186044416
    WHEN ROUND((
      r.v5 - b0.c5m0
    ) * (
      4294967296 / b0.c5s0
    )) < -17592186044416
    THEN -17592186044416
    ELSE CAST(ROUND((
      r.v5 - b0.c5m0
    ) * (
      4294967296 / b0.c5s0
    )) AS BIGINT)
  END AS x5
FROM (
  SELECT
    (CAST(t."amount" AS DOUBLE) + 0) AS v0, (CAST(DATEDIFF('day', DATE '1970-01-01', t."day") * 86400000000 AS DOUBLE) + 0) AS v1, (CAST(FLOOR(DATE_PART(epoch_nanosecond, t."paid") / 1000) AS DOUBLE) + 0) AS v2, (CAST(t."cost" AS DOUBLE) + 0) AS v3, CAST(t."open" AS VARCHAR) AS v4, (CAST(CASE WHEN t."tags" IS NOT NULL THEN ARRAY_SIZE(t."tags") END AS DOUBLE) + 0) AS v5
  FROM "TWIN"."SHOP"."child" AS t
) AS r
CROSS JOIN synthlake_t1_bounds0 AS b0;

CREATE OR REPLACE TEMPORARY TABLE synthlake_t1_cells0 AS
SELECT
  0 AS a,
  1 AS b,
  1 AS ranked,
  k.c0 AS x,
  k.c1 AS y,
  SUM(CASE WHEN k.side = 0 THEN 1 ELSE 0 END) AS n0,
  SUM(CASE WHEN k.side = 1 THEN 1 ELSE 0 END) AS n1
FROM synthlake_t1_codes AS k
GROUP BY
  k.c0,
  k.c1
UNION ALL
SELECT
  0 AS a,
  2 AS b,
  1 AS ranked,
  k.c0 AS x,
  k.c2 AS y,
  SUM(CASE WHEN k.side = 0 THEN 1 ELSE 0 END) AS n0,
  SUM(CASE WHEN k.side = 1 THEN 1 ELSE 0 END) AS n1
FROM synthlake_t1_codes AS k
GROUP BY
  k.c0,
  k.c2
UNION ALL
SELECT
  0 AS a,
  3 AS b,
  1 AS ranked,
  k.c0 AS x,
  k.c3 AS y,
  SUM(CASE WHEN k.side = 0 THEN 1 ELSE 0 END) AS n0,
  SUM(CASE WHEN k.side = 1 THEN 1 ELSE 0 END) AS n1
FROM synthlake_t1_codes AS k
GROUP BY
  k.c0,
  k.c3
UNION ALL
SELECT
  0 AS a,
  4 AS b,
  0 AS ranked,
  k.c0 AS x,
  k.c4 AS y,
  SUM(CASE WHEN k.side = 0 THEN 1 ELSE 0 END) AS n0,
  SUM(CASE WHEN k.side = 1 THEN 1 ELSE 0 END) AS n1
FROM synthlake_t1_codes AS k
GROUP BY
  k.c0,
  k.c4
UNION ALL
SELECT
  0 AS a,
  5 AS b,
  1 AS ranked,
  k.c0 AS x,
  k.c5 AS y,
  SUM(CASE WHEN k.side = 0 THEN 1 ELSE 0 END) AS n0,
  SUM(CASE WHEN k.side = 1 THEN 1 ELSE 0 END) AS n1
FROM synthlake_t1_codes AS k
GROUP BY
  k.c0,
  k.c5
UNION ALL
SELECT
  1 AS a,
  2 AS b,
  1 AS ranked,
  k.c1 AS x,
  k.c2 AS y,
  SUM(CASE WHEN k.side = 0 THEN 1 ELSE 0 END) AS n0,
  SUM(CASE WHEN k.side = 1 THEN 1 ELSE 0 END) AS n1
FROM synthlake_t1_codes AS k
GROUP BY
  k.c1,
  k.c2
UNION ALL
SELECT
  1 AS a,
  3 AS b,
  1 AS ranked,
  k.c1 AS x,
  k.c3 AS y,
  SUM(CASE WHEN k.side = 0 THEN 1 ELSE 0 END) AS n0,
  SUM(CASE WHEN k.side = 1 THEN 1 ELSE 0 END) AS n1
FROM synthlake_t1_codes AS k
GROUP BY
  k.c1,
  k.c3
UNION ALL
SELECT
  1 AS a,
  4 AS b,
  0 AS ranked,
  k.c1 AS x,
  k.c4 AS y,
  SUM(CASE WHEN k.side = 0 THEN 1 ELSE 0 END) AS n0,
  SUM(CASE WHEN k.side = 1 THEN 1 ELSE 0 END) AS n1
FROM synthlake_t1_codes AS k
GROUP BY
  k.c1,
  k.c4
UNION ALL
SELECT
  1 AS a,
  5 AS b,
  1 AS ranked,
  k.c1 AS x,
  k.c5 AS y,
  SUM(CASE WHEN k.side = 0 THEN 1 ELSE 0 END) AS n0,
  SUM(CASE WHEN k.side = 1 THEN 1 ELSE 0 END) AS n1
FROM synthlake_t1_codes AS k
GROUP BY
  k.c1,
  k.c5
UNION ALL
SELECT
  2 AS a,
  3 AS b,
  1 AS ranked,
  k.c2 AS x,
  k.c3 AS y,
  SUM(CASE WHEN k.side = 0 THEN 1 ELSE 0 END) AS n0,
  SUM(CASE WHEN k.side = 1 THEN 1 ELSE 0 END) AS n1
FROM synthlake_t1_codes AS k
GROUP BY
  k.c2,
  k.c3
UNION ALL
SELECT
  2 AS a,
  4 AS b,
  0 AS ranked,
  k.c2 AS x,
  k.c4 AS y,
  SUM(CASE WHEN k.side = 0 THEN 1 ELSE 0 END) AS n0,
  SUM(CASE WHEN k.side = 1 THEN 1 ELSE 0 END) AS n1
FROM synthlake_t1_codes AS k
GROUP BY
  k.c2,
  k.c4
UNION ALL
SELECT
  2 AS a,
  5 AS b,
  1 AS ranked,
  k.c2 AS x,
  k.c5 AS y,
  SUM(CASE WHEN k.side = 0 THEN 1 ELSE 0 END) AS n0,
  SUM(CASE WHEN k.side = 1 THEN 1 ELSE 0 END) AS n1
FROM synthlake_t1_codes AS k
GROUP BY
  k.c2,
  k.c5
UNION ALL
SELECT
  3 AS a,
  4 AS b,
  0 AS ranked,
  k.c3 AS x,
  k.c4 AS y,
  SUM(CASE WHEN k.side = 0 THEN 1 ELSE 0 END) AS n0,
  SUM(CASE WHEN k.side = 1 THEN 1 ELSE 0 END) AS n1
FROM synthlake_t1_codes AS k
GROUP BY
  k.c3,
  k.c4
UNION ALL
SELECT
  3 AS a,
  5 AS b,
  1 AS ranked,
  k.c3 AS x,
  k.c5 AS y,
  SUM(CASE WHEN k.side = 0 THEN 1 ELSE 0 END) AS n0,
  SUM(CASE WHEN k.side = 1 THEN 1 ELSE 0 END) AS n1
FROM synthlake_t1_codes AS k
GROUP BY
  k.c3,
  k.c5
UNION ALL
SELECT
  4 AS a,
  5 AS b,
  0 AS ranked,
  k.c4 AS x,
  k.c5 AS y,
  SUM(CASE WHEN k.side = 0 THEN 1 ELSE 0 END) AS n0,
  SUM(CASE WHEN k.side = 1 THEN 1 ELSE 0 END) AS n1
FROM synthlake_t1_codes AS k
GROUP BY
  k.c4,
  k.c5;

CREATE OR REPLACE TEMPORARY TABLE synthlake_t1_sums0 AS
SELECT
  0 AS a,
  1 AS b,
  k.side AS side,
  CAST(COUNT(*) AS DECIMAL(38, 0)) AS n,
  SUM(CAST(k.x0 AS DECIMAL(38, 0)) * CAST(k.x1 AS DECIMAL(38, 0))) AS xy,
  SUM(CAST(k.x0 AS DECIMAL(38, 0))) AS x,
  SUM(CAST(k.x1 AS DECIMAL(38, 0))) AS y,
  SUM(CAST(k.x0 AS DECIMAL(38, 0)) * CAST(k.x0 AS DECIMAL(38, 0))) AS xx,
  SUM(CAST(k.x1 AS DECIMAL(38, 0)) * CAST(k.x1 AS DECIMAL(38, 0))) AS yy
FROM synthlake_t1_codes AS k
WHERE
  NOT k.x0 IS NULL AND NOT k.x1 IS NULL
GROUP BY
  k.side
UNION ALL
SELECT
  0 AS a,
  2 AS b,
  k.side AS side,
  CAST(COUNT(*) AS DECIMAL(38, 0)) AS n,
  SUM(CAST(k.x0 AS DECIMAL(38, 0)) * CAST(k.x2 AS DECIMAL(38, 0))) AS xy,
  SUM(CAST(k.x0 AS DECIMAL(38, 0))) AS x,
  SUM(CAST(k.x2 AS DECIMAL(38, 0))) AS y,
  SUM(CAST(k.x0 AS DECIMAL(38, 0)) * CAST(k.x0 AS DECIMAL(38, 0))) AS xx,
  SUM(CAST(k.x2 AS DECIMAL(38, 0)) * CAST(k.x2 AS DECIMAL(38, 0))) AS yy
FROM synthlake_t1_codes AS k
WHERE
  NOT k.x0 IS NULL AND NOT k.x2 IS NULL
GROUP BY
  k.side
UNION ALL
SELECT
  0 AS a,
  3 AS b,
  k.side AS side,
  CAST(COUNT(*) AS DECIMAL(38, 0)) AS n,
  SUM(CAST(k.x0 AS DECIMAL(38, 0)) * CAST(k.x3 AS DECIMAL(38, 0))) AS xy,
  SUM(CAST(k.x0 AS DECIMAL(38, 0))) AS x,
  SUM(CAST(k.x3 AS DECIMAL(38, 0))) AS y,
  SUM(CAST(k.x0 AS DECIMAL(38, 0)) * CAST(k.x0 AS DECIMAL(38, 0))) AS xx,
  SUM(CAST(k.x3 AS DECIMAL(38, 0)) * CAST(k.x3 AS DECIMAL(38, 0))) AS yy
FROM synthlake_t1_codes AS k
WHERE
  NOT k.x0 IS NULL AND NOT k.x3 IS NULL
GROUP BY
  k.side
UNION ALL
SELECT
  0 AS a,
  5 AS b,
  k.side AS side,
  CAST(COUNT(*) AS DECIMAL(38, 0)) AS n,
  SUM(CAST(k.x0 AS DECIMAL(38, 0)) * CAST(k.x5 AS DECIMAL(38, 0))) AS xy,
  SUM(CAST(k.x0 AS DECIMAL(38, 0))) AS x,
  SUM(CAST(k.x5 AS DECIMAL(38, 0))) AS y,
  SUM(CAST(k.x0 AS DECIMAL(38, 0)) * CAST(k.x0 AS DECIMAL(38, 0))) AS xx,
  SUM(CAST(k.x5 AS DECIMAL(38, 0)) * CAST(k.x5 AS DECIMAL(38, 0))) AS yy
FROM synthlake_t1_codes AS k
WHERE
  NOT k.x0 IS NULL AND NOT k.x5 IS NULL
GROUP BY
  k.side
UNION ALL
SELECT
  1 AS a,
  2 AS b,
  k.side AS side,
  CAST(COUNT(*) AS DECIMAL(38, 0)) AS n,
  SUM(CAST(k.x1 AS DECIMAL(38, 0)) * CAST(k.x2 AS DECIMAL(38, 0))) AS xy,
  SUM(CAST(k.x1 AS DECIMAL(38, 0))) AS x,
  SUM(CAST(k.x2 AS DECIMAL(38, 0))) AS y,
  SUM(CAST(k.x1 AS DECIMAL(38, 0)) * CAST(k.x1 AS DECIMAL(38, 0))) AS xx,
  SUM(CAST(k.x2 AS DECIMAL(38, 0)) * CAST(k.x2 AS DECIMAL(38, 0))) AS yy
FROM synthlake_t1_codes AS k
WHERE
  NOT k.x1 IS NULL AND NOT k.x2 IS NULL
GROUP BY
  k.side
UNION ALL
SELECT
  1 AS a,
  3 AS b,
  k.side AS side,
  CAST(COUNT(*) AS DECIMAL(38, 0)) AS n,
  SUM(CAST(k.x1 AS DECIMAL(38, 0)) * CAST(k.x3 AS DECIMAL(38, 0))) AS xy,
  SUM(CAST(k.x1 AS DECIMAL(38, 0))) AS x,
  SUM(CAST(k.x3 AS DECIMAL(38, 0))) AS y,
  SUM(CAST(k.x1 AS DECIMAL(38, 0)) * CAST(k.x1 AS DECIMAL(38, 0))) AS xx,
  SUM(CAST(k.x3 AS DECIMAL(38, 0)) * CAST(k.x3 AS DECIMAL(38, 0))) AS yy
FROM synthlake_t1_codes AS k
WHERE
  NOT k.x1 IS NULL AND NOT k.x3 IS NULL
GROUP BY
  k.side
UNION ALL
SELECT
  1 AS a,
  5 AS b,
  k.side AS side,
  CAST(COUNT(*) AS DECIMAL(38, 0)) AS n,
  SUM(CAST(k.x1 AS DECIMAL(38, 0)) * CAST(k.x5 AS DECIMAL(38, 0))) AS xy,
  SUM(CAST(k.x1 AS DECIMAL(38, 0))) AS x,
  SUM(CAST(k.x5 AS DECIMAL(38, 0))) AS y,
  SUM(CAST(k.x1 AS DECIMAL(38, 0)) * CAST(k.x1 AS DECIMAL(38, 0))) AS xx,
  SUM(CAST(k.x5 AS DECIMAL(38, 0)) * CAST(k.x5 AS DECIMAL(38, 0))) AS yy
FROM synthlake_t1_codes AS k
WHERE
  NOT k.x1 IS NULL AND NOT k.x5 IS NULL
GROUP BY
  k.side
UNION ALL
SELECT
  2 AS a,
  3 AS b,
  k.side AS side,
  CAST(COUNT(*) AS DECIMAL(38, 0)) AS n,
  SUM(CAST(k.x2 AS DECIMAL(38, 0)) * CAST(k.x3 AS DECIMAL(38, 0))) AS xy,
  SUM(CAST(k.x2 AS DECIMAL(38, 0))) AS x,
  SUM(CAST(k.x3 AS DECIMAL(38, 0))) AS y,
  SUM(CAST(k.x2 AS DECIMAL(38, 0)) * CAST(k.x2 AS DECIMAL(38, 0))) AS xx,
  SUM(CAST(k.x3 AS DECIMAL(38, 0)) * CAST(k.x3 AS DECIMAL(38, 0))) AS yy
FROM synthlake_t1_codes AS k
WHERE
  NOT k.x2 IS NULL AND NOT k.x3 IS NULL
GROUP BY
  k.side
UNION ALL
SELECT
  2 AS a,
  5 AS b,
  k.side AS side,
  CAST(COUNT(*) AS DECIMAL(38, 0)) AS n,
  SUM(CAST(k.x2 AS DECIMAL(38, 0)) * CAST(k.x5 AS DECIMAL(38, 0))) AS xy,
  SUM(CAST(k.x2 AS DECIMAL(38, 0))) AS x,
  SUM(CAST(k.x5 AS DECIMAL(38, 0))) AS y,
  SUM(CAST(k.x2 AS DECIMAL(38, 0)) * CAST(k.x2 AS DECIMAL(38, 0))) AS xx,
  SUM(CAST(k.x5 AS DECIMAL(38, 0)) * CAST(k.x5 AS DECIMAL(38, 0))) AS yy
FROM synthlake_t1_codes AS k
WHERE
  NOT k.x2 IS NULL AND NOT k.x5 IS NULL
GROUP BY
  k.side
UNION ALL
SELECT
  3 AS a,
  5 AS b,
  k.side AS side,
  CAST(COUNT(*) AS DECIMAL(38, 0)) AS n,
  SUM(CAST(k.x3 AS DECIMAL(38, 0)) * CAST(k.x5 AS DECIMAL(38, 0))) AS xy,
  SUM(CAST(k.x3 AS DECIMAL(38, 0))) AS x,
  SUM(CAST(k.x5 AS DECIMAL(38, 0))) AS y,
  SUM(CAST(k.x3 AS DECIMAL(38, 0)) * CAST(k.x3 AS DECIMAL(38, 0))) AS xx,
  SUM(CAST(k.x5 AS DECIMAL(38, 0)) * CAST(k.x5 AS DECIMAL(38, 0))) AS yy
FROM synthlake_t1_codes AS k
WHERE
  NOT k.x3 IS NULL AND NOT k.x5 IS NULL
GROUP BY
  k.side;

SELECT
  f.metric,
  f.table_name,
  f.column_name,
  f.other_column,
  f.value,
  f.real_value,
  f.synthetic_value
FROM (
  WITH w AS (
    SELECT
      'id' AS name,
      1 AS place
    UNION ALL
    SELECT
      'parent' AS name,
      2 AS place
    UNION ALL
    SELECT
      'amount' AS name,
      3 AS place
    UNION ALL
    SELECT
      'day' AS name,
      4 AS place
    UNION ALL
    SELECT
      'paid' AS name,
      5 AS place
    UNION ALL
    SELECT
      'cost' AS name,
      6 AS place
    UNION ALL
    SELECT
      'open' AS name,
      7 AS place
    UNION ALL
    SELECT
      'tags' AS name,
      8 AS place
  ), r AS (
    SELECT
      i.column_name AS name,
      i.ordinal_position AS place,
      i.data_type || CASE WHEN i.numeric_precision IS NULL OR i.data_type NOT IN ('NUMBER') THEN '' ELSE '(' || CAST(i.numeric_precision AS VARCHAR) || ',' || CAST(i.numeric_scale AS VARCHAR) || ')' END AS type
    FROM "PROD".information_schema.columns AS i
    WHERE
      (
        i.table_name = 'child' AND i.table_schema = 'SHOP'
      )
      AND i.table_catalog = 'PROD'
  ), f AS (
    SELECT
      i.column_name AS name,
      i.ordinal_position AS place,
      i.data_type || CASE WHEN i.numeric_precision IS NULL OR i.data_type NOT IN ('NUMBER') THEN '' ELSE '(' || CAST(i.numeric_precision AS VARCHAR) || ',' || CAST(i.numeric_scale AS VARCHAR) || ')' END AS type
    FROM "TWIN".information_schema.columns AS i
    WHERE
      (
        i.table_name = 'child' AND i.table_schema = 'SHOP'
      )
      AND i.table_catalog = 'TWIN'
  ), s AS (
    SELECT
      f.name AS name,
      f.type AS type,
      ROW_NUMBER() OVER (ORDER BY f.place) AS place
    FROM f
  ), c AS (
    SELECT
      SUM(CASE WHEN s.name IS NULL THEN 1 ELSE 0 END) AS missing,
      SUM(CASE WHEN s.place <> w.place THEN 1 ELSE 0 END) AS moved,
      SUM(CASE WHEN r.type <> s.type THEN 1 ELSE 0 END) AS changed
    FROM w
    LEFT JOIN s
      ON s.name = w.name
    LEFT JOIN r
      ON r.name = w.name
  ), e AS (
    SELECT
      COUNT(*) AS extra
    FROM s
    LEFT JOIN w
      ON w.name = s.name
    WHERE
      w.name IS NULL
  )
  SELECT
    'schema' AS metric,
    'child' AS table_name,
    CAST(NULL AS VARCHAR) AS column_name,
    CAST(NULL AS VARCHAR) AS other_column,
    CAST(c.missing + e.extra + c.changed + x.n + CASE WHEN c.missing = 0 AND e.extra = 0 AND c.moved > 0 THEN 1 ELSE 0 END AS DOUBLE) AS value,
    CAST(NULL AS DOUBLE) AS real_value,
    CAST(NULL AS DOUBLE) AS synthetic_value
  FROM c
  CROSS JOIN e
  CROSS JOIN (
    SELECT
      CASE WHEN p.n > 0 AND p.c0 = p.n AND q.c0 < q.n THEN 1 ELSE 0 END + CASE WHEN p.n > 0 AND p.c1 = p.n AND q.c1 < q.n THEN 1 ELSE 0 END + CASE WHEN p.n > 0 AND p.c2 = p.n AND q.c2 < q.n THEN 1 ELSE 0 END + CASE WHEN p.n > 0 AND p.c3 = p.n AND q.c3 < q.n THEN 1 ELSE 0 END + CASE WHEN p.n > 0 AND p.c4 = p.n AND q.c4 < q.n THEN 1 ELSE 0 END + CASE WHEN p.n > 0 AND p.c5 = p.n AND q.c5 < q.n THEN 1 ELSE 0 END + CASE WHEN p.n > 0 AND p.c6 = p.n AND q.c6 < q.n THEN 1 ELSE 0 END + CASE WHEN p.n > 0 AND p.c7 = p.n AND q.c7 < q.n THEN 1 ELSE 0 END AS n
    FROM synthlake_t1_sizes AS p
    CROSS JOIN synthlake_t1_sizes AS q
    WHERE
      p.side = 0 AND q.side = 1
  ) AS x
) AS f
UNION ALL
SELECT
  f.metric,
  f.table_name,
  f.column_name,
  f.other_column,
  f.value,
  f.real_value,
  f.synthetic_value
FROM (
  SELECT
    'rows' AS metric,
    'child' AS table_name,
    CAST(NULL AS VARCHAR) AS column_name,
    CAST(NULL AS VARCHAR) AS other_column,
    CASE
      WHEN r.n = 0 AND s.n = 0
      THEN CAST(1 AS DOUBLE)
      WHEN r.n < s.n
      THEN CAST(r.n AS DOUBLE) / CAST(s.n AS DOUBLE)
      ELSE CAST(s.n AS DOUBLE) / CAST(r.n AS DOUBLE)
    END AS value,
    CAST(r.n AS DOUBLE) AS real_value,
    CAST(s.n AS DOUBLE) AS synthetic_value
  FROM synthlake_t1_sizes AS r
  CROSS JOIN synthlake_t1_sizes AS s
  WHERE
    r.side = 0 AND s.side = 1
) AS f
UNION ALL
SELECT
  f.metric,
  f.table_name,
  f.column_name,
  f.other_column,
  f.value,
  f.real_value,
  f.synthetic_value
FROM (
  SELECT
    'null_rate' AS metric,
    'child' AS table_name,
    'id' AS column_name,
    CAST(NULL AS VARCHAR) AS other_column,
    ABS(f.a - f.b) AS value,
    f.a AS real_value,
    f.b AS synthetic_value
  FROM (
    SELECT
      CAST(r.n - r.c0 AS DOUBLE) / NULLIF(CAST(r.n AS DOUBLE), 0) AS a,
      CAST(s.n - s.c0 AS DOUBLE) / NULLIF(CAST(s.n AS DOUBLE), 0) AS b
    FROM synthlake_t1_sizes AS r
    CROSS JOIN synthlake_t1_sizes AS s
    WHERE
      r.side = 0 AND s.side = 1
  ) AS f
  UNION ALL
  SELECT
    'null_rate' AS metric,
    'child' AS table_name,
    'parent' AS column_name,
    CAST(NULL AS VARCHAR) AS other_column,
    ABS(f.a - f.b) AS value,
    f.a AS real_value,
    f.b AS synthetic_value
  FROM (
    SELECT
      CAST(r.n - r.c1 AS DOUBLE) / NULLIF(CAST(r.n AS DOUBLE), 0) AS a,
      CAST(s.n - s.c1 AS DOUBLE) / NULLIF(CAST(s.n AS DOUBLE), 0) AS b
    FROM synthlake_t1_sizes AS r
    CROSS JOIN synthlake_t1_sizes AS s
    WHERE
      r.side = 0 AND s.side = 1
  ) AS f
  UNION ALL
  SELECT
    'null_rate' AS metric,
    'child' AS table_name,
    'amount' AS column_name,
    CAST(NULL AS VARCHAR) AS other_column,
    ABS(f.a - f.b) AS value,
    f.a AS real_value,
    f.b AS synthetic_value
  FROM (
    SELECT
      CAST(r.n - r.c2 AS DOUBLE) / NULLIF(CAST(r.n AS DOUBLE), 0) AS a,
      CAST(s.n - s.c2 AS DOUBLE) / NULLIF(CAST(s.n AS DOUBLE), 0) AS b
    FROM synthlake_t1_sizes AS r
    CROSS JOIN synthlake_t1_sizes AS s
    WHERE
      r.side = 0 AND s.side = 1
  ) AS f
  UNION ALL
  SELECT
    'null_rate' AS metric,
    'child' AS table_name,
    'day' AS column_name,
    CAST(NULL AS VARCHAR) AS other_column,
    ABS(f.a - f.b) AS value,
    f.a AS real_value,
    f.b AS synthetic_value
  FROM (
    SELECT
      CAST(r.n - r.c3 AS DOUBLE) / NULLIF(CAST(r.n AS DOUBLE), 0) AS a,
      CAST(s.n - s.c3 AS DOUBLE) / NULLIF(CAST(s.n AS DOUBLE), 0) AS b
    FROM synthlake_t1_sizes AS r
    CROSS JOIN synthlake_t1_sizes AS s
    WHERE
      r.side = 0 AND s.side = 1
  ) AS f
  UNION ALL
  SELECT
    'null_rate' AS metric,
    'child' AS table_name,
    'paid' AS column_name,
    CAST(NULL AS VARCHAR) AS other_column,
    ABS(f.a - f.b) AS value,
    f.a AS real_value,
    f.b AS synthetic_value
  FROM (
    SELECT
      CAST(r.n - r.c4 AS DOUBLE) / NULLIF(CAST(r.n AS DOUBLE), 0) AS a,
      CAST(s.n - s.c4 AS DOUBLE) / NULLIF(CAST(s.n AS DOUBLE), 0) AS b
    FROM synthlake_t1_sizes AS r
    CROSS JOIN synthlake_t1_sizes AS s
    WHERE
      r.side = 0 AND s.side = 1
  ) AS f
  UNION ALL
  SELECT
    'null_rate' AS metric,
    'child' AS table_name,
    'cost' AS column_name,
    CAST(NULL AS VARCHAR) AS other_column,
    ABS(f.a - f.b) AS value,
    f.a AS real_value,
    f.b AS synthetic_value
  FROM (
    SELECT
      CAST(r.n - r.c5 AS DOUBLE) / NULLIF(CAST(r.n AS DOUBLE), 0) AS a,
      CAST(s.n - s.c5 AS DOUBLE) / NULLIF(CAST(s.n AS DOUBLE), 0) AS b
    FROM synthlake_t1_sizes AS r
    CROSS JOIN synthlake_t1_sizes AS s
    WHERE
      r.side = 0 AND s.side = 1
  ) AS f
  UNION ALL
  SELECT
    'null_rate' AS metric,
    'child' AS table_name,
    'open' AS column_name,
    CAST(NULL AS VARCHAR) AS other_column,
    ABS(f.a - f.b) AS value,
    f.a AS real_value,
    f.b AS synthetic_value
  FROM (
    SELECT
      CAST(r.n - r.c6 AS DOUBLE) / NULLIF(CAST(r.n AS DOUBLE), 0) AS a,
      CAST(s.n - s.c6 AS DOUBLE) / NULLIF(CAST(s.n AS DOUBLE), 0) AS b
    FROM synthlake_t1_sizes AS r
    CROSS JOIN synthlake_t1_sizes AS s
    WHERE
      r.side = 0 AND s.side = 1
  ) AS f
  UNION ALL
  SELECT
    'null_rate' AS metric,
    'child' AS table_name,
    'tags' AS column_name,
    CAST(NULL AS VARCHAR) AS other_column,
    ABS(f.a - f.b) AS value,
    f.a AS real_value,
    f.b AS synthetic_value
  FROM (
    SELECT
      CAST(r.n - r.c7 AS DOUBLE) / NULLIF(CAST(r.n AS DOUBLE), 0) AS a,
      CAST(s.n - s.c7 AS DOUBLE) / NULLIF(CAST(s.n AS DOUBLE), 0) AS b
    FROM synthlake_t1_sizes AS r
    CROSS JOIN synthlake_t1_sizes AS s
    WHERE
      r.side = 0 AND s.side = 1
  ) AS f
) AS f
UNION ALL
SELECT
  f.metric,
  f.table_name,
  f.column_name,
  f.other_column,
  f.value,
  f.real_value,
  f.synthetic_value
FROM (
  SELECT
    'primary_key' AS metric,
    'child' AS table_name,
    CAST(NULL AS VARCHAR) AS column_name,
    CAST(NULL AS VARCHAR) AS other_column,
    CAST(s.n AS DOUBLE) AS value,
    CAST(r.n AS DOUBLE) AS real_value,
    CAST(s.n AS DOUBLE) AS synthetic_value
  FROM (
    SELECT a.n - b.n AS n FROM (SELECT COUNT(*) AS n FROM "PROD"."SHOP"."child" AS t) AS a CROSS JOIN (SELECT COUNT(*) AS n FROM (SELECT 1 AS one FROM "PROD"."SHOP"."child" AS t WHERE NOT t."id" IS NULL GROUP BY t."id") AS g) AS b
  ) AS r
  CROSS JOIN (
    SELECT a.n - b.n AS n FROM (SELECT COUNT(*) AS n FROM "TWIN"."SHOP"."child" AS t) AS a CROSS JOIN (SELECT COUNT(*) AS n FROM (SELECT 1 AS one FROM "TWIN"."SHOP"."child" AS t WHERE NOT t."id" IS NULL GROUP BY t."id") AS g) AS b
  ) AS s
) AS f
UNION ALL
SELECT
  f.metric,
  f.table_name,
  f.column_name,
  f.other_column,
  f.value,
  f.real_value,
  f.synthetic_value
FROM (
  SELECT
    'orphans' AS metric,
    'child' AS table_name,
    'child(parent) -> parent' AS column_name,
    CAST(NULL AS VARCHAR) AS other_column,
    ABS(f.a - f.b) AS value,
    f.a AS real_value,
    f.b AS synthetic_value
  FROM (
    SELECT
      CAST(r.orphans AS DOUBLE) / NULLIF(CAST(r.n AS DOUBLE), 0) AS a,
      CAST(s.orphans AS DOUBLE) / NULLIF(CAST(s.n AS DOUBLE), 0) AS b
    FROM synthlake_t1_links0 AS r
    CROSS JOIN synthlake_t1_links0 AS s
    WHERE
      r.side = 0 AND s.side = 1
  ) AS f
) AS f
UNION ALL
SELECT
  f.metric,
  f.table_name,
  f.column_name,
  f.other_column,
  f.value,
  f.real_value,
  f.synthetic_value
FROM (
  SELECT
    'null_keys' AS metric,
    'child' AS table_name,
    'child(parent) -> parent' AS column_name,
    CAST(NULL AS VARCHAR) AS other_column,
    ABS(f.a - f.b) AS value,
    f.a AS real_value,
    f.b AS synthetic_value
  FROM (
    SELECT
      CAST(r.nulls AS DOUBLE) / NULLIF(CAST(r.n AS DOUBLE), 0) AS a,
      CAST(s.nulls AS DOUBLE) / NULLIF(CAST(s.n AS DOUBLE), 0) AS b
    FROM synthlake_t1_links0 AS r
    CROSS JOIN synthlake_t1_links0 AS s
    WHERE
      r.side = 0 AND s.side = 1
  ) AS f
) AS f
UNION ALL
SELECT
  f.metric,
  f.table_name,
  f.column_name,
  f.other_column,
  f.value,
  f.real_value,
  f.synthetic_value
FROM (
  WITH d AS (
    SELECT
      g.degree AS degree,
      SUM(CASE WHEN g.side = 0 THEN g.n ELSE 0 END) AS n0,
      SUM(CASE WHEN g.side = 1 THEN g.n ELSE 0 END) AS n1
    FROM (
      SELECT
        0 AS side,
        q.degree AS degree,
        COUNT(*) AS n
      FROM (
        SELECT
          COALESCE(c.n, 0) AS degree
        FROM (
          SELECT DISTINCT t."id" AS k0, 1 AS hit FROM "PROD"."SHOP"."parent" AS t WHERE NOT t."id" IS NULL
        ) AS p
        LEFT JOIN (
          SELECT t."parent" AS k0, COUNT(*) AS n FROM "PROD"."SHOP"."child" AS t GROUP BY t."parent"
        ) AS c
          ON c.k0 = p.k0
      ) AS q
      GROUP BY
        q.degree
      UNION ALL
      SELECT
        1 AS side,
        q.degree AS degree,
        COUNT(*) AS n
      FROM (
        SELECT
          COALESCE(c.n, 0) AS degree
        FROM (
          SELECT DISTINCT t."id" AS k0, 1 AS hit FROM "TWIN"."SHOP"."parent" AS t WHERE NOT t."id" IS NULL
        ) AS p
        LEFT JOIN (
          SELECT t."parent" AS k0, COUNT(*) AS n FROM "TWIN"."SHOP"."child" AS t GROUP BY t."parent"
        ) AS c
          ON c.k0 = p.k0
      ) AS q
      GROUP BY
        q.degree
    ) AS g
    GROUP BY
      g.degree
  ), u AS (
    SELECT
      CAST(SUM(d.n0) OVER (ORDER BY d.degree ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS DOUBLE) AS u0,
      CAST(SUM(d.n1) OVER (ORDER BY d.degree ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS DOUBLE) AS u1
    FROM d
  ), t AS (
    SELECT
      CAST(SUM(d.n0) AS DOUBLE) AS t0,
      CAST(SUM(d.n1) AS DOUBLE) AS t1
    FROM d
  ), x AS (
    SELECT
      MAX(ABS(u.u0 / NULLIF(t.t0, 0) - u.u1 / NULLIF(t.t1, 0))) AS gap
    FROM u
    CROSS JOIN t
  )
  SELECT
    'degrees' AS metric,
    'child' AS table_name,
    'child(parent) -> parent' AS column_name,
    CAST(NULL AS VARCHAR) AS other_column,
    CASE WHEN r.n > 0 AND s.n > 0 THEN 1 - x.gap END AS value,
    CAST(NULL AS DOUBLE) AS real_value,
    CAST(NULL AS DOUBLE) AS synthetic_value
  FROM x
  CROSS JOIN synthlake_t1_sizes AS r
  CROSS JOIN synthlake_t1_sizes AS s
  WHERE
    r.side = 0 AND s.side = 1
) AS f
UNION ALL
SELECT
  f.metric,
  f.table_name,
  f.column_name,
  f.other_column,
  f.value,
  f.real_value,
  f.synthetic_value
FROM (
  SELECT
    'constraints' AS metric,
    'child' AS table_name,
    'child {range: amount, min: 0}' AS column_name,
    CAST(NULL AS VARCHAR) AS other_column,
    CAST(s.n AS DOUBLE) AS value,
    CAST(r.n AS DOUBLE) AS real_value,
    CAST(s.n AS DOUBLE) AS synthetic_value
  FROM (
    SELECT COUNT(*) AS n FROM "PROD"."SHOP"."child" AS t WHERE NOT ("t"."amount" >= CAST(0 AS DOUBLE))
  ) AS r
  CROSS JOIN (
    SELECT COUNT(*) AS n FROM "TWIN"."SHOP"."child" AS t WHERE NOT ("t"."amount" >= CAST(0 AS DOUBLE))
  ) AS s
) AS f
UNION ALL
SELECT
  f.metric,
  f.table_name,
  f.column_name,
  f.other_column,
  f.value,
  f.real_value,
  f.synthetic_value
FROM (
  SELECT
    'range' AS metric,
    'child' AS table_name,
    n.name AS column_name,
    CAST(NULL AS VARCHAR) AS other_column,
    CASE
      WHEN r.n = 0
      THEN NULL
      WHEN s.n = 0
      THEN CAST(1 AS DOUBLE)
      ELSE CAST(COALESCE(x.beyond, 0) AS DOUBLE) / NULLIF(s.n, 0)
    END AS value,
    CAST(NULL AS DOUBLE) AS real_value,
    CAST(NULL AS DOUBLE) AS synthetic_value
  FROM synthlake_t1_names AS n
  CROSS JOIN (
    SELECT
      CAST(n AS DOUBLE) AS n
    FROM synthlake_t1_sizes
    WHERE
      side = 0
  ) AS r
  CROSS JOIN (
    SELECT
      CAST(n AS DOUBLE) AS n
    FROM synthlake_t1_sizes
    WHERE
      side = 1
  ) AS s
  LEFT JOIN (
    SELECT
      p.c AS c,
      SUM(CASE WHEN f.low IS NULL OR p.v < f.low OR p.v > f.high THEN p.n1 ELSE 0 END) AS beyond
    FROM synthlake_t1_points AS p
    INNER JOIN synthlake_t1_facts AS f
      ON f.c = p.c
    GROUP BY
      p.c
  ) AS x
    ON x.c = n.c
  WHERE
    n.kind = 0
    OR n.c IN (
      SELECT
        d.c
      FROM synthlake_t1_named AS d
      WHERE
        d.named = 1
    )
) AS f
UNION ALL
SELECT
  f.metric,
  f.table_name,
  f.column_name,
  f.other_column,
  f.value,
  f.real_value,
  f.synthetic_value
FROM (
  WITH d AS (
    SELECT
      p.c AS c,
      p.e AS e,
      CASE WHEN p.e IS NULL THEN 1 ELSE 0 END AS beyond,
      SUM(p.n0) AS n0,
      SUM(p.n1) AS n1
    FROM synthlake_t1_points AS p
    GROUP BY
      p.c,
      p.e
  ), u AS (
    SELECT
      d.c AS c,
      SUM(d.n0) OVER (
        PARTITION BY d.c
        ORDER BY d.beyond, d.e
        ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
      ) AS n0,
      SUM(d.n1) OVER (
        PARTITION BY d.c
        ORDER BY d.beyond, d.e
        ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
      ) AS n1
    FROM d
  ), g AS (
    SELECT
      u.c AS c,
      MAX(
        ABS(
          CAST(f.nulls0 + u.n0 AS DOUBLE) / NULLIF(r.n, 0) - CAST(f.nulls1 + u.n1 AS DOUBLE) / NULLIF(s.n, 0)
        )
      ) AS gap
    FROM u
    INNER JOIN synthlake_t1_facts AS f
      ON f.c = u.c
    CROSS JOIN (
      SELECT
        CAST(n AS DOUBLE) AS n
      FROM synthlake_t1_sizes
      WHERE
        side = 0
    ) AS r
    CROSS JOIN (
      SELECT
        CAST(n AS DOUBLE) AS n
      FROM synthlake_t1_sizes
      WHERE
        side = 1
    ) AS s
    GROUP BY
      u.c
  )
  SELECT
    'ks' AS metric,
    'child' AS table_name,
    n.name AS column_name,
    CAST(NULL AS VARCHAR) AS other_column,
    CASE
      WHEN r.n = 0
      THEN NULL
      WHEN s.n = 0
      THEN CAST(1 AS DOUBLE)
      WHEN g.gap > ABS(
        CAST(f.nulls0 AS DOUBLE) / NULLIF(r.n, 0) - CAST(f.nulls1 AS DOUBLE) / NULLIF(s.n, 0)
      )
      THEN g.gap
      ELSE ABS(
        CAST(f.nulls0 AS DOUBLE) / NULLIF(r.n, 0) - CAST(f.nulls1 AS DOUBLE) / NULLIF(s.n, 0)
      )
    END AS value,
    CAST(NULL AS DOUBLE) AS real_value,
    CAST(NULL AS DOUBLE) AS synthetic_value
  FROM synthlake_t1_names AS n
  CROSS JOIN (
    SELECT
      CAST(n AS DOUBLE) AS n
    FROM synthlake_t1_sizes
    WHERE
      side = 0
  ) AS r
  CROSS JOIN (
    SELECT
      CAST(n AS DOUBLE) AS n
    FROM synthlake_t1_sizes
    WHERE
      side = 1
  ) AS s
  LEFT JOIN synthlake_t1_facts AS f
    ON f.c = n.c
  LEFT JOIN g
    ON g.c = n.c
  WHERE
    n.kind = 0
    OR n.c IN (
      SELECT
        d.c
      FROM synthlake_t1_named AS d
      WHERE
        d.named = 1
    )
) AS f
UNION ALL
SELECT
  f.metric,
  f.table_name,
  f.column_name,
  f.other_column,
  f.value,
  f.real_value,
  f.synthetic_value
FROM (
  WITH d AS (
    SELECT
      p.c AS c,
      p.e AS e,
      SUM(p.n0) AS n0,
      SUM(p.n1) AS n1
    FROM synthlake_t1_points AS p
    WHERE
      ABS(p.e) <= CAST('1.7976931348623157e308' AS DOUBLE)
    GROUP BY
      p.c,
      p.e
  ), v AS (
    SELECT
      d.c AS c,
      CASE WHEN d.e > 1e+140 THEN 1e+140 WHEN d.e < -1e+140 THEN -1e+140 ELSE d.e END AS v,
      CAST(d.n0 AS DOUBLE) AS n0,
      CASE WHEN d.n0 = d.n1 THEN 0 ELSE 1 END AS differs,
      CAST(SUM(d.n0) OVER (PARTITION BY d.c) AS DOUBLE) AS t0,
      CAST(SUM(d.n1) OVER (PARTITION BY d.c) AS DOUBLE) AS t1,
      CAST(SUM(d.n0) OVER (PARTITION BY d.c ORDER BY d.e ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS DOUBLE) AS u0,
      CAST(SUM(d.n1) OVER (PARTITION BY d.c ORDER BY d.e ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS DOUBLE) AS u1,
      LEAD(CASE WHEN d.e > 1e+140 THEN 1e+140 WHEN d.e < -1e+140 THEN -1e+140 ELSE d.e END) OVER (PARTITION BY d.c ORDER BY d.e) AS w
    FROM d
  ), a AS (
    SELECT
      v.c AS c,
      SUM(v.n0 / NULLIF(v.t0, 0) * v.v) AS mean
    FROM v
    GROUP BY
      v.c
  ), x AS (
    SELECT
      v.c AS c,
      MAX(v.t0) AS t0,
      MAX(v.t1) AS t1,
      MAX(v.differs) AS differs,
      SQRT(SUM(v.n0 / NULLIF(v.t0, 0) * (
        v.v - a.mean
      ) * (
        v.v - a.mean
      ))) AS spread,
      SUM(ABS(v.u0 / NULLIF(v.t0, 0) - v.u1 / NULLIF(v.t1, 0)) * (
        v.w - v.v
      )) AS moved
    FROM v
    INNER JOIN a
      ON a.c = v.c
    GROUP BY
      v.c
  )
  SELECT
    'wasserstein' AS metric,
    'child' AS table_name,
    n.name AS column_name,
    CAST(NULL AS VARCHAR) AS other_column,
    CASE
      WHEN r.n = 0 OR s.n = 0
      THEN NULL
      WHEN COALESCE(x.t0, 0) = 0 AND COALESCE(x.t1, 0) = 0
      THEN CAST(0 AS DOUBLE)
      WHEN x.t0 = 0 OR x.t1 = 0
      THEN NULL
      WHEN x.differs = 0
      THEN CAST(0 AS DOUBLE)
      WHEN x.spread = 0
      THEN NULL
      ELSE x.moved / NULLIF(x.spread, 0)
    END AS value,
    CAST(NULL AS DOUBLE) AS real_value,
    CAST(NULL AS DOUBLE) AS synthetic_value
  FROM synthlake_t1_names AS n
  CROSS JOIN (
    SELECT
      CAST(n AS DOUBLE) AS n
    FROM synthlake_t1_sizes
    WHERE
      side = 0
  ) AS r
  CROSS JOIN (
    SELECT
      CAST(n AS DOUBLE) AS n
    FROM synthlake_t1_sizes
    WHERE
      side = 1
  ) AS s
  LEFT JOIN x
    ON x.c = n.c
  WHERE
    n.kind = 0
    OR n.c IN (
      SELECT
        d.c
      FROM synthlake_t1_named AS d
      WHERE
        d.named = 1
    )
) AS f
UNION ALL
SELECT
  f.metric,
  f.table_name,
  f.column_name,
  f.other_column,
  f.value,
  f.real_value,
  f.synthetic_value
FROM (
  WITH b AS (
    SELECT
      l.c AS c,
      l.v AS v,
      SUM(CASE WHEN l.side = 0 THEN l.n ELSE 0 END) AS n0,
      SUM(CASE WHEN l.side = 1 THEN l.n ELSE 0 END) AS n1
    FROM synthlake_t1_listed AS l
    GROUP BY
      l.c,
      l.v
  )
  SELECT
    'coverage' AS metric,
    'child' AS table_name,
    n.name AS column_name,
    CAST(NULL AS VARCHAR) AS other_column,
    CASE
      WHEN r.n = 0
      THEN NULL
      WHEN s.n = 0
      THEN CAST(0 AS DOUBLE)
      WHEN COALESCE(x.listed, 0) = 0
      THEN CAST(1 AS DOUBLE)
      ELSE x.covered / NULLIF(x.listed, 0)
    END AS value,
    CAST(NULL AS DOUBLE) AS real_value,
    CAST(NULL AS DOUBLE) AS synthetic_value
  FROM synthlake_t1_names AS n
  CROSS JOIN (
    SELECT
      CAST(n AS DOUBLE) AS n
    FROM synthlake_t1_sizes
    WHERE
      side = 0
  ) AS r
  CROSS JOIN (
    SELECT
      CAST(n AS DOUBLE) AS n
    FROM synthlake_t1_sizes
    WHERE
      side = 1
  ) AS s
  INNER JOIN synthlake_t1_named AS d
    ON d.c = n.c
  LEFT JOIN (
    SELECT
      b.c AS c,
      CAST(SUM(b.n0) AS DOUBLE) AS listed,
      CAST(SUM(CASE WHEN b.n1 > 0 THEN b.n0 ELSE 0 END) AS DOUBLE) AS covered
    FROM b
    GROUP BY
      b.c
  ) AS x
    ON x.c = n.c
  WHERE
    d.named = 0
) AS f
UNION ALL
SELECT
  f.metric,
  f.table_name,
  f.column_name,
  f.other_column,
  f.value,
  f.real_value,
  f.synthetic_value
FROM (
  WITH b AS (
    SELECT
      l.c AS c,
      l.v AS v,
      SUM(CASE WHEN l.side = 0 THEN l.n ELSE 0 END) AS n0,
      SUM(CASE WHEN l.side = 1 THEN l.n ELSE 0 END) AS n1
    FROM synthlake_t1_listed AS l
    GROUP BY
      l.c,
      l.v
  ), g AS (
    SELECT
      b.c AS c,
      SUM(b.n0) AS n0,
      SUM(b.n1) AS n1,
      SUM(
        ABS(CAST(b.n0 AS DOUBLE) / NULLIF(r.n, 0) - CAST(b.n1 AS DOUBLE) / NULLIF(s.n, 0))
      ) AS gap
    FROM b
    CROSS JOIN (
      SELECT
        CAST(n AS DOUBLE) AS n
      FROM synthlake_t1_sizes
      WHERE
        side = 0
    ) AS r
    CROSS JOIN (
      SELECT
        CAST(n AS DOUBLE) AS n
      FROM synthlake_t1_sizes
      WHERE
        side = 1
    ) AS s
    GROUP BY
      b.c
  ), x AS (
    SELECT
      d.c AS c,
      d.named AS named,
      (
        COALESCE(g.gap, 0) + ABS(
          (
            r.n - CAST(d.known0 AS DOUBLE)
          ) / NULLIF(r.n, 0) - (
            s.n - CAST(d.known1 AS DOUBLE)
          ) / NULLIF(s.n, 0)
        ) + ABS(
          CAST(d.known0 - COALESCE(g.n0, 0) AS DOUBLE) / NULLIF(r.n, 0) - CAST(d.known1 - COALESCE(g.n1, 0) AS DOUBLE) / NULLIF(s.n, 0)
        )
      ) / 2 AS v
    FROM synthlake_t1_named AS d
    LEFT JOIN g
      ON g.c = d.c
    CROSS JOIN (
      SELECT
        CAST(n AS DOUBLE) AS n
      FROM synthlake_t1_sizes
      WHERE
        side = 0
    ) AS r
    CROSS JOIN (
      SELECT
        CAST(n AS DOUBLE) AS n
      FROM synthlake_t1_sizes
      WHERE
        side = 1
    ) AS s
  )
  SELECT
    'tvd' AS metric,
    'child' AS table_name,
    n.name AS column_name,
    CAST(NULL AS VARCHAR) AS other_column,
    CASE
      WHEN r.n = 0
      THEN NULL
      WHEN s.n = 0 OR x.v > 1
      THEN CAST(1 AS DOUBLE)
      ELSE x.v
    END AS value,
    CAST(NULL AS DOUBLE) AS real_value,
    CAST(NULL AS DOUBLE) AS synthetic_value
  FROM synthlake_t1_names AS n
  CROSS JOIN (
    SELECT
      CAST(n AS DOUBLE) AS n
    FROM synthlake_t1_sizes
    WHERE
      side = 0
  ) AS r
  CROSS JOIN (
    SELECT
      CAST(n AS DOUBLE) AS n
    FROM synthlake_t1_sizes
    WHERE
      side = 1
  ) AS s
  INNER JOIN x
    ON x.c = n.c
  WHERE
    x.named = 0
) AS f
UNION ALL
SELECT
  f.metric,
  f.table_name,
  f.column_name,
  f.other_column,
  f.value,
  f.real_value,
  f.synthetic_value
FROM (
  WITH g AS (
    SELECT
      d.a AS a,
      d.b AS b,
      SUM(
        ABS(CAST(d.n0 AS DOUBLE) / NULLIF(r.n, 0) - CAST(d.n1 AS DOUBLE) / NULLIF(s.n, 0))
      ) / 2 AS v
    FROM synthlake_t1_cells0 AS d
    CROSS JOIN (
      SELECT
        CAST(n AS DOUBLE) AS n
      FROM synthlake_t1_sizes
      WHERE
        side = 0
    ) AS r
    CROSS JOIN (
      SELECT
        CAST(n AS DOUBLE) AS n
      FROM synthlake_t1_sizes
      WHERE
        side = 1
    ) AS s
    GROUP BY
      d.a,
      d.b
  )
  SELECT
    'pairs' AS metric,
    'child' AS table_name,
    l.name AS column_name,
    m.name AS other_column,
    CASE WHEN g.v > 1 THEN CAST(1 AS DOUBLE) ELSE g.v END AS value,
    CAST(NULL AS DOUBLE) AS real_value,
    CAST(NULL AS DOUBLE) AS synthetic_value
  FROM g
  INNER JOIN synthlake_t1_names AS l
    ON l.c = g.a
  INNER JOIN synthlake_t1_names AS m
    ON m.c = g.b
) AS f
UNION ALL
SELECT
  f.metric,
  f.table_name,
  f.column_name,
  f.other_column,
  f.value,
  f.real_value,
  f.synthetic_value
FROM (
  WITH k AS (
    SELECT
      d.a AS a,
      d.b AS b,
      z.side AS side,
      d.x AS x,
      d.y AS y,
      CASE WHEN z.side = 0 THEN d.n0 ELSE d.n1 END AS n,
      z.n AS t
    FROM synthlake_t1_cells0 AS d
    CROSS JOIN synthlake_t1_sizes AS z
  ), hx AS (
    SELECT
      q.a AS a,
      q.b AS b,
      q.side AS side,
      -SUM(
        CASE
          WHEN (
            CAST(q.n AS DOUBLE) / NULLIF(CAST(q.t AS DOUBLE), 0)
          ) > 0
          THEN (
            CAST(q.n AS DOUBLE) / NULLIF(CAST(q.t AS DOUBLE), 0)
          ) * LN((
            CAST(q.n AS DOUBLE) / NULLIF(CAST(q.t AS DOUBLE), 0)
          ))
          ELSE 0
        END
      ) AS h
    FROM (
      SELECT
        k.a AS a,
        k.b AS b,
        k.side AS side,
        SUM(k.n) AS n,
        MAX(k.t) AS t
      FROM k
      GROUP BY
        k.a,
        k.b,
        k.side,
        k.x
    ) AS q
    GROUP BY
      q.a,
      q.b,
      q.side
  ), hy AS (
    SELECT
      q.a AS a,
      q.b AS b,
      q.side AS side,
      -SUM(
        CASE
          WHEN (
            CAST(q.n AS DOUBLE) / NULLIF(CAST(q.t AS DOUBLE), 0)
          ) > 0
          THEN (
            CAST(q.n AS DOUBLE) / NULLIF(CAST(q.t AS DOUBLE), 0)
          ) * LN((
            CAST(q.n AS DOUBLE) / NULLIF(CAST(q.t AS DOUBLE), 0)
          ))
          ELSE 0
        END
      ) AS h
    FROM (
      SELECT
        k.a AS a,
        k.b AS b,
        k.side AS side,
        SUM(k.n) AS n,
        MAX(k.t) AS t
      FROM k
      GROUP BY
        k.a,
        k.b,
        k.side,
        k.y
    ) AS q
    GROUP BY
      q.a,
      q.b,
      q.side
  ), hk AS (
    SELECT
      q.a AS a,
      q.b AS b,
      q.side AS side,
      -SUM(
        CASE
          WHEN (
            CAST(q.n AS DOUBLE) / NULLIF(CAST(q.t AS DOUBLE), 0)
          ) > 0
          THEN (
            CAST(q.n AS DOUBLE) / NULLIF(CAST(q.t AS DOUBLE), 0)
          ) * LN((
            CAST(q.n AS DOUBLE) / NULLIF(CAST(q.t AS DOUBLE), 0)
          ))
          ELSE 0
        END
      ) AS h
    FROM k AS q
    GROUP BY
      q.a,
      q.b,
      q.side
  ), i AS (
    SELECT
      hk.a AS a,
      hk.b AS b,
      hk.side AS side,
      CASE WHEN hx.h < hy.h THEN hx.h ELSE hy.h END AS least,
      hx.h + hy.h - hk.h AS shared
    FROM hk
    INNER JOIN hx
      ON hx.a = hk.a AND hx.b = hk.b AND hx.side = hk.side
    INNER JOIN hy
      ON hy.a = hk.a AND hy.b = hk.b AND hy.side = hk.side
  ), o AS (
    SELECT
      i.a AS a,
      i.b AS b,
      i.side AS side,
      CASE
        WHEN i.least <= CAST('1e-12' AS DOUBLE) OR i.shared <= 0
        THEN CAST(0 AS DOUBLE)
        WHEN i.shared > i.least
        THEN CAST(1 AS DOUBLE)
        ELSE i.shared / i.least
      END AS v
    FROM i
  ), g AS (
    SELECT
      o.a AS a,
      o.b AS b,
      MAX(CASE WHEN o.side = 0 THEN o.v END) AS v0,
      MAX(CASE WHEN o.side = 1 THEN o.v END) AS v1
    FROM o
    GROUP BY
      o.a,
      o.b
  )
  SELECT
    'mutual_information' AS metric,
    'child' AS table_name,
    l.name AS column_name,
    m.name AS other_column,
    CASE WHEN r.n > 0 AND s.n > 0 THEN ABS(g.v0 - g.v1) END AS value,
    g.v0 AS real_value,
    g.v1 AS synthetic_value
  FROM g
  INNER JOIN synthlake_t1_names AS l
    ON l.c = g.a
  INNER JOIN synthlake_t1_names AS m
    ON m.c = g.b
  CROSS JOIN (
    SELECT
      CAST(n AS DOUBLE) AS n
    FROM synthlake_t1_sizes
    WHERE
      side = 0
  ) AS r
  CROSS JOIN (
    SELECT
      CAST(n AS DOUBLE) AS n
    FROM synthlake_t1_sizes
    WHERE
      side = 1
  ) AS s
) AS f
UNION ALL
SELECT
  f.metric,
  f.table_name,
  f.column_name,
  f.other_column,
  f.value,
  f.real_value,
  f.synthetic_value
FROM (
  WITH w AS (
    SELECT
      d.a AS a,
      d.b AS b,
      z.side AS side,
      d.x AS x,
      d.y AS y,
      CAST(CASE WHEN z.side = 0 THEN d.n0 ELSE d.n1 END AS DOUBLE) AS n
    FROM synthlake_t1_cells0 AS d
    CROSS JOIN synthlake_t1_sizes AS z
    WHERE
      d.ranked = 1
      AND CASE WHEN z.side = 0 THEN d.n0 ELSE d.n1 END > 0
      AND d.x BETWEEN 1 AND 98
      AND d.y BETWEEN 1 AND 98
  ), k AS (
    SELECT
      w.a AS a,
      w.b AS b,
      w.side AS side,
      w.x AS x,
      w.y AS y,
      w.n AS n,
      SUM(w.n) OVER (PARTITION BY w.a, w.b, w.side) AS t
    FROM w
  ), rx AS (
    SELECT
      z.a AS a,
      z.b AS b,
      z.side AS side,
      z.x AS x,
      z.n / z.t AS p,
      (
        SUM(z.n) OVER (
          PARTITION BY z.a, z.b, z.side
          ORDER BY z.x
          ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) - z.n / 2
      ) / z.t - 0.5e0 AS rank
    FROM (
      SELECT
        k.a AS a,
        k.b AS b,
        k.side AS side,
        k.x AS x,
        SUM(k.n) AS n,
        MAX(k.t) AS t
      FROM k
      GROUP BY
        k.a,
        k.b,
        k.side,
        k.x
    ) AS z
  ), ry AS (
    SELECT
      z.a AS a,
      z.b AS b,
      z.side AS side,
      z.y AS y,
      z.n / z.t AS p,
      (
        SUM(z.n) OVER (
          PARTITION BY z.a, z.b, z.side
          ORDER BY z.y
          ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) - z.n / 2
      ) / z.t - 0.5e0 AS rank
    FROM (
      SELECT
        k.a AS a,
        k.b AS b,
        k.side AS side,
        k.y AS y,
        SUM(k.n) AS n,
        MAX(k.t) AS t
      FROM k
      GROUP BY
        k.a,
        k.b,
        k.side,
        k.y
    ) AS z
  ), vx AS (
    SELECT
      rx.a AS a,
      rx.b AS b,
      rx.side AS side,
      SUM(rx.p * rx.rank * rx.rank) AS v
    FROM rx
    GROUP BY
      rx.a,
      rx.b,
      rx.side
  ), vy AS (
    SELECT
      ry.a AS a,
      ry.b AS b,
      ry.side AS side,
      SUM(ry.p * ry.rank * ry.rank) AS v
    FROM ry
    GROUP BY
      ry.a,
      ry.b,
      ry.side
  ), co AS (
    SELECT
      k.a AS a,
      k.b AS b,
      k.side AS side,
      SUM(k.n / k.t * rx.rank * ry.rank) AS v
    FROM k
    INNER JOIN rx
      ON rx.a = k.a AND rx.b = k.b AND rx.side = k.side AND rx.x = k.x
    INNER JOIN ry
      ON ry.a = k.a AND ry.b = k.b AND ry.side = k.side AND ry.y = k.y
    GROUP BY
      k.a,
      k.b,
      k.side
  ), o AS (
    SELECT
      co.a AS a,
      co.b AS b,
      co.side AS side,
      CASE
        WHEN vx.v > CAST('1e-15' AS DOUBLE) AND vy.v > CAST('1e-15' AS DOUBLE)
        THEN co.v / SQRT(vx.v * vy.v)
      END AS v
    FROM co
    INNER JOIN vx
      ON vx.a = co.a AND vx.b = co.b AND vx.side = co.side
    INNER JOIN vy
      ON vy.a = co.a AND vy.b = co.b AND vy.side = co.side
  ), g AS (
    SELECT
      o.a AS a,
      o.b AS b,
      MAX(CASE WHEN o.side = 0 THEN o.v END) AS v0,
      MAX(CASE WHEN o.side = 1 THEN o.v END) AS v1
    FROM o
    GROUP BY
      o.a,
      o.b
  )
  SELECT
    'spearman' AS metric,
    'child' AS table_name,
    l.name AS column_name,
    m.name AS other_column,
    CASE WHEN r.n > 0 AND s.n > 0 THEN ABS(g.v0 - COALESCE(g.v1, 0)) END AS value,
    g.v0 AS real_value,
    g.v1 AS synthetic_value
  FROM g
  INNER JOIN synthlake_t1_names AS l
    ON l.c = g.a
  INNER JOIN synthlake_t1_names AS m
    ON m.c = g.b
  CROSS JOIN (
    SELECT
      CAST(n AS DOUBLE) AS n
    FROM synthlake_t1_sizes
    WHERE
      side = 0
  ) AS r
  CROSS JOIN (
    SELECT
      CAST(n AS DOUBLE) AS n
    FROM synthlake_t1_sizes
    WHERE
      side = 1
  ) AS s
) AS f
UNION ALL
SELECT
  f.metric,
  f.table_name,
  f.column_name,
  f.other_column,
  f.value,
  f.real_value,
  f.synthetic_value
FROM (
  WITH q AS (
    SELECT
      d.a AS a,
      d.b AS b,
      d.side AS side,
      d.n * d.xy - d.x * d.y AS co,
      d.n * d.xx - d.x * d.x AS sx,
      d.n * d.yy - d.y * d.y AS sy
    FROM synthlake_t1_sums0 AS d
  ), o AS (
    SELECT
      q.a AS a,
      q.b AS b,
      q.side AS side,
      CASE
        WHEN q.sx > 0 AND q.sy > 0
        THEN CAST(q.co AS DOUBLE) / (
          SQRT(CAST(q.sx AS DOUBLE)) * SQRT(CAST(q.sy AS DOUBLE))
        )
      END AS v
    FROM q
  ), g AS (
    SELECT
      o.a AS a,
      o.b AS b,
      MAX(CASE WHEN o.side = 0 THEN o.v END) AS v0,
      MAX(CASE WHEN o.side = 1 THEN o.v END) AS v1
    FROM o
    GROUP BY
      o.a,
      o.b
  )
  SELECT
    'pearson' AS metric,
    'child' AS table_name,
    l.name AS column_name,
    m.name AS other_column,
    CASE WHEN r.n > 0 AND s.n > 0 THEN ABS(g.v0 - COALESCE(g.v1, 0)) END AS value,
    g.v0 AS real_value,
    g.v1 AS synthetic_value
  FROM g
  INNER JOIN synthlake_t1_names AS l
    ON l.c = g.a
  INNER JOIN synthlake_t1_names AS m
    ON m.c = g.b
  CROSS JOIN (
    SELECT
      CAST(n AS DOUBLE) AS n
    FROM synthlake_t1_sizes
    WHERE
      side = 0
  ) AS r
  CROSS JOIN (
    SELECT
      CAST(n AS DOUBLE) AS n
    FROM synthlake_t1_sizes
    WHERE
      side = 1
  ) AS s
) AS f;
