{#
  Fails with one row if a larger share of rows than allowed equals a real row in all of the columns,
  NULL equal to NULL.

  real      the real table, such as ref('flights')
  columns   all but keys; few columns have few values, and equal rows by chance
  at_most   a share; None for the base rate: the share of real rows that occur more than once, which
            rows that nobody had seen before would reach as well
#}
{% test copies_not_above(model, real, columns, at_most=none) %}
  {{ adapter.dispatch('copies_not_above', 'synthlake')(model, real, columns, at_most) }}
{% endtest %}

{% macro default__copies_not_above(model, real, columns, at_most) %}
with both_tables as (
  select {{ synthlake.columns_of(columns) }}, 1 as in_real__, 0 as in_twin__ from {{ real }}
  union all
  select {{ synthlake.columns_of(columns) }}, 0 as in_real__, 1 as in_twin__ from {{ model }}
),
counts as (
  select sum(in_real__) as real_n, sum(in_twin__) as twin_n
  from both_tables
  group by {{ synthlake.columns_of(columns) }}
),
totals as (
  select
    coalesce(sum(real_n), 0) as real_rows,
    coalesce(sum(twin_n), 0) as twin_rows,
    coalesce(sum(case when real_n > 0 then twin_n else 0 end), 0) as copies,
    coalesce(sum(case when real_n > 1 then real_n else 0 end), 0) as repeated
  from counts
),
judged as (
  select
    copies,
    real_rows,
    twin_rows,
    {{ synthlake.share('copies', 'twin_rows') }} as copied,
    {% if at_most is none -%}
    {{ synthlake.share('repeated', 'real_rows') }} as at_most
    {%- else -%}
    cast({{ at_most }} as double precision) as at_most
    {%- endif %}
  from totals
)
select copies, copied, at_most, real_rows, twin_rows
from judged
where copied > at_most
  {%- if at_most is none %} + {{ synthlake.noise_of_share('at_most', 'real_rows', 'twin_rows') }}{% endif %}
{% endmacro %}
