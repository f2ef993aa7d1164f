-- range: age, min: 18, max: 70
SELECT COUNT(*) AS n FROM rows AS t WHERE NOT (`t`.`age` >= 18 AND `t`.`age` <= 70);

-- range: low, min: 70.5, max: 120, exclusive: True
SELECT COUNT(*) AS n FROM rows AS t WHERE NOT (`t`.`low` > CAST(70.5 AS DOUBLE) AND `t`.`low` < CAST(120 AS DOUBLE));

-- range: begin, min: 2020-01-01
SELECT COUNT(*) AS n FROM rows AS t WHERE NOT (`t`.`begin` >= CAST('2020-01-01' AS DATE));

-- range: seen, max: 2021-06-30 12:00:00
SELECT COUNT(*) AS n FROM rows AS t WHERE NOT (`t`.`seen` <= CAST('2021-06-30 12:00:00' AS TIMESTAMP));

-- range: cents, max: 30.5
SELECT COUNT(*) AS n FROM rows AS t WHERE NOT (`t`.`cents` <= 30.5);

-- inequality: [low, high]
SELECT COUNT(*) AS n FROM rows AS t WHERE NOT (`t`.`low` <= `t`.`high`);

-- inequality: [begin, end, seen], strict: True
SELECT COUNT(*) AS n FROM rows AS t WHERE NOT (`t`.`begin` < `t`.`end` AND `t`.`begin` < `t`.`seen` AND `t`.`end` < `t`.`seen`);

-- inequality: [age, cents]
SELECT COUNT(*) AS n FROM rows AS t WHERE NOT (`t`.`age` <= `t`.`cents`);

-- sum: total, of: [amount, price], decimals: 2
SELECT COUNT(*) AS n FROM rows AS t WHERE NOT (ABS(CAST(`t`.`total` AS DOUBLE) - (CAST(`t`.`amount` AS DOUBLE) + CAST(`t`.`price` AS DOUBLE))) <= 5.0000010e-03 + 1e-9 * (ABS(CAST(`t`.`total` AS DOUBLE)) + ABS(CAST(`t`.`amount` AS DOUBLE)) + ABS(CAST(`t`.`price` AS DOUBLE))));

-- difference: days, of: [end, begin]
SELECT COUNT(*) AS n FROM rows AS t WHERE NOT (`t`.`days` = DATEDIFF(DAY, `t`.`begin`, `t`.`end`));

-- difference: price, of: [total, amount], decimals: 2
SELECT COUNT(*) AS n FROM rows AS t WHERE NOT (ABS(CAST(`t`.`price` AS DOUBLE) - (CAST(`t`.`total` AS DOUBLE) - CAST(`t`.`amount` AS DOUBLE))) <= 5.0000010e-03 + 1e-9 * (ABS(CAST(`t`.`price` AS DOUBLE)) + ABS(CAST(`t`.`total` AS DOUBLE)) + ABS(CAST(`t`.`amount` AS DOUBLE))));

-- ratio: each, of: [price, amount]
SELECT COUNT(*) AS n FROM rows AS t WHERE NOT (ABS(CAST(`t`.`each` AS DOUBLE) - CAST(`t`.`price` AS DOUBLE) / NULLIF(CAST(`t`.`amount` AS DOUBLE), 0)) <= 1e-9 * (ABS(CAST(`t`.`each` AS DOUBLE))));

-- one_hot: [first, second, third]
SELECT COUNT(*) AS n FROM rows AS t WHERE NOT ((CASE WHEN `t`.`first` THEN 1 ELSE 0 END + CASE WHEN `t`.`second` THEN 1 ELSE 0 END + CASE WHEN `t`.`third` THEN 1 ELSE 0 END) = 1);

-- fixed_combinations: [state, city]
SELECT COUNT(*) AS n FROM rows AS t WHERE NOT EXISTS (SELECT 1 FROM source AS r WHERE `r`.`state` IS NOT DISTINCT FROM `t`.`state` AND `r`.`city` IS NOT DISTINCT FROM `t`.`city`);

-- fixed_combinations: [age, state]
SELECT COUNT(*) AS n FROM rows AS t WHERE NOT EXISTS (SELECT 1 FROM source AS r WHERE `r`.`age` IS NOT DISTINCT FROM `t`.`age` AND `r`.`state` IS NOT DISTINCT FROM `t`.`state`);

-- null_together: [east, north]
SELECT COUNT(*) AS n FROM rows AS t WHERE NOT (((NOT (`t`.`east` IS NULL) AND NOT (`t`.`north` IS NULL)) OR (`t`.`east` IS NULL AND `t`.`north` IS NULL)));

-- null_together: [low, age]
SELECT COUNT(*) AS n FROM rows AS t WHERE NOT (((NOT (`t`.`low` IS NULL) AND NOT (`t`.`age` IS NULL)) OR (`t`.`low` IS NULL AND `t`.`age` IS NULL)));

-- exclusive: [gift, loan]
SELECT COUNT(*) AS n FROM rows AS t WHERE NOT ((CASE WHEN `t`.`gift` <> 0 THEN 1 ELSE 0 END + CASE WHEN `t`.`loan` <> 0 THEN 1 ELSE 0 END) <= 1);

-- exclusive: [age, loan, first]
SELECT COUNT(*) AS n FROM rows AS t WHERE NOT ((CASE WHEN `t`.`age` <> 0 THEN 1 ELSE 0 END + CASE WHEN `t`.`loan` <> 0 THEN 1 ELSE 0 END + CASE WHEN `t`.`first` THEN 1 ELSE 0 END) <= 1);

-- determines: [city], column: state
SELECT COALESCE(SUM(n), 0) AS n FROM (SELECT COUNT(*) AS n FROM rows AS t WHERE `t`.`city` IS NOT NULL GROUP BY `t`.`city` HAVING COUNT(DISTINCT `t`.`state`) + MAX(CASE WHEN `t`.`state` IS NULL THEN 1 ELSE 0 END) > 1) AS g;

-- determines: [state, amount], column: zone
SELECT COALESCE(SUM(n), 0) AS n FROM (SELECT COUNT(*) AS n FROM rows AS t WHERE `t`.`state` IS NOT NULL AND `t`.`amount` IS NOT NULL GROUP BY `t`.`state`, `t`.`amount` HAVING COUNT(DISTINCT `t`.`zone`) + MAX(CASE WHEN `t`.`zone` IS NULL THEN 1 ELSE 0 END) > 1) AS g;

-- regex: code, pattern: N[0-9]{5}
SELECT COUNT(*) AS n FROM rows AS t WHERE NOT (`t`.`code` RLIKE '^N[0123456789]{5}$');

-- regex: code, pattern: N[0-4][0-9]{4}
SELECT COUNT(*) AS n FROM rows AS t WHERE NOT (`t`.`code` RLIKE '^N[01234][0123456789]{4}$');

-- unique: [code]
SELECT COALESCE(SUM(n) - COUNT(*), 0) AS n FROM (SELECT COUNT(*) AS n FROM rows AS t WHERE `t`.`code` IS NOT NULL GROUP BY `t`.`code` HAVING COUNT(*) > 1) AS g;

-- unique: [state, serial]
SELECT COALESCE(SUM(n) - COUNT(*), 0) AS n FROM (SELECT COUNT(*) AS n FROM rows AS t WHERE `t`.`state` IS NOT NULL AND `t`.`serial` IS NOT NULL GROUP BY `t`.`state`, `t`.`serial` HAVING COUNT(*) > 1) AS g;

-- when: state = 'NY', then: age < 30 and age is not null
SELECT COUNT(*) AS n FROM rows AS t WHERE NOT ((NOT (`t`.`state` = 'NY') OR (`t`.`age` < 30 AND NOT `t`.`age` IS NULL)));

-- when: first, then: gift > 0
SELECT COUNT(*) AS n FROM rows AS t WHERE NOT ((NOT (`t`.`first`) OR (`t`.`gift` > 0)));

-- predicate: low + price < 110 or second
SELECT COUNT(*) AS n FROM rows AS t WHERE NOT ((`t`.`low` + `t`.`price` < 110 OR `t`.`second`));

-- predicate: age is null or age <> 45
SELECT COUNT(*) AS n FROM rows AS t WHERE NOT ((`t`.`age` IS NULL OR `t`.`age` <> 45));

-- predicate: length(city) > 2 and code not like 'N1%'
SELECT COUNT(*) AS n FROM rows AS t WHERE NOT ((LENGTH(`t`.`city`) > 2 AND `t`.`code` NOT LIKE 'N1%'));
