-- mid {aggregate: i, of: low, function: count}
SELECT COUNT(*) AS n FROM rows AS t LEFT JOIN (SELECT `c`.`p` AS k0, COUNT(*) AS s FROM `low` AS c WHERE `c`.`p` IS NOT NULL GROUP BY `c`.`p`) AS g ON `t`.`k` = g.k0 WHERE NOT (COALESCE(`t`.`i`, 0) = COALESCE(g.s, 0));

-- mid {aggregate: j, of: low.j}
SELECT COUNT(*) AS n FROM rows AS t LEFT JOIN (SELECT `c`.`p` AS k0, SUM(`c`.`j`) AS s FROM `low` AS c WHERE `c`.`p` IS NOT NULL GROUP BY `c`.`p`) AS g ON `t`.`k` = g.k0 WHERE NOT (COALESCE(`t`.`j`, 0) = COALESCE(g.s, 0));

-- mid {aggregate: f, of: low.f, decimals: 2}
SELECT COUNT(*) AS n FROM rows AS t LEFT JOIN (SELECT `c`.`p` AS k0, SUM(CAST(`c`.`f` AS DOUBLE)) AS s, SUM(ABS(CAST(`c`.`f` AS DOUBLE))) AS m FROM `low` AS c WHERE `c`.`p` IS NOT NULL GROUP BY `c`.`p`) AS g ON `t`.`k` = g.k0 WHERE NOT (ABS(COALESCE(CAST(`t`.`f` AS DOUBLE), 0) - COALESCE(g.s, 0)) <= 5.0000010e-03 + 1e-9 * (ABS(COALESCE(CAST(`t`.`f` AS DOUBLE), 0)) + COALESCE(g.m, 0) + 1));

-- mid {aggregate: e, of: low.e, function: max}
SELECT COUNT(*) AS n FROM rows AS t LEFT JOIN (SELECT `c`.`p` AS k0, MAX(`c`.`e`) AS s FROM `low` AS c WHERE `c`.`p` IS NOT NULL GROUP BY `c`.`p`) AS g ON `t`.`k` = g.k0 WHERE NOT (g.s IS NULL OR (`t`.`e` IS NOT NULL AND `t`.`e` = g.s));

-- low {inequality: [top.d, mid.d, d]}
SELECT COUNT(*) AS n FROM (SELECT c.*, `p2`.`d` AS `top.d`, `p1`.`d` AS `mid.d` FROM rows AS c LEFT JOIN `mid` AS p1 ON `p1`.`k` = `c`.`p` LEFT JOIN `top` AS p2 ON `p2`.`k` = `p1`.`p`) AS t WHERE NOT (`t`.`top.d` <= `t`.`mid.d` AND `t`.`top.d` <= `t`.`d` AND `t`.`mid.d` <= `t`.`d`);

-- low {copy: x, of: mid.x}
SELECT COUNT(*) AS n FROM (SELECT c.*, `p1`.`x` AS `mid.x` FROM rows AS c LEFT JOIN `mid` AS p1 ON `p1`.`k` = `c`.`p`) AS t WHERE NOT ((`t`.`mid.x` IS NULL OR (NOT (`t`.`x` IS NULL) AND `t`.`x` = `t`.`mid.x`)));

-- low {determines: [mid.x, y], column: i}
SELECT COALESCE(SUM(n), 0) AS n FROM (SELECT COUNT(*) AS n FROM (SELECT c.*, `p1`.`x` AS `mid.x` FROM rows AS c LEFT JOIN `mid` AS p1 ON `p1`.`k` = `c`.`p`) AS t WHERE `t`.`mid.x` IS NOT NULL AND `t`.`y` IS NOT NULL GROUP BY `t`.`mid.x`, `t`.`y` HAVING COUNT(DISTINCT `t`.`i`) + MAX(CASE WHEN `t`.`i` IS NULL THEN 1 ELSE 0 END) > 1) AS g;

-- low {one_per: mid, column: y}
SELECT COUNT(*) AS n FROM (SELECT `c`.`p` FROM rows AS c WHERE EXISTS (SELECT 1 FROM `mid` AS p WHERE `p`.`k` = `c`.`p`) GROUP BY `c`.`p` HAVING SUM(CASE WHEN `c`.`y` THEN 1 ELSE 0 END) <> 1) AS g;

-- low {one_per: mid, column: i, optional: True}
SELECT COUNT(*) AS n FROM (SELECT `c`.`p` FROM rows AS c WHERE EXISTS (SELECT 1 FROM `mid` AS p WHERE `p`.`k` = `c`.`p`) GROUP BY `c`.`p` HAVING SUM(CASE WHEN `c`.`i` = 1 THEN 1 ELSE 0 END) > 1) AS g;

-- low {balance: j, per: mid, equals: 6}
SELECT COUNT(*) AS n FROM (SELECT `c`.`p` FROM rows AS c WHERE EXISTS (SELECT 1 FROM `mid` AS p WHERE `p`.`k` = `c`.`p`) GROUP BY `c`.`p` HAVING SUM(`c`.`j`) <> 6) AS g;

-- low {balance: f, per: mid, equals: 0.3}
SELECT COUNT(*) AS n FROM (SELECT `c`.`p` FROM rows AS c WHERE EXISTS (SELECT 1 FROM `mid` AS p WHERE `p`.`k` = `c`.`p`) GROUP BY `c`.`p` HAVING NOT (ABS(SUM(CAST(`c`.`f` AS DOUBLE)) - 0.3) <= 1e-9 * (SUM(ABS(CAST(`c`.`f` AS DOUBLE))) + 1))) AS g;
