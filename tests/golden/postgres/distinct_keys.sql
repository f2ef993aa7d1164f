SELECT count(*) AS n FROM (SELECT DISTINCT t."year" AS k0, t."number" AS k1 FROM pg_temp."order" AS t WHERE t."year" IS NOT NULL AND t."number" IS NOT NULL) AS d
