{#
  Fails with one row if a column is distributed otherwise than in the real table.

  real         the real table, such as ref('flights')
  measure      tvd: half the sum of the differences of shares over all values, NULL one of them;
               ks: the largest difference of the distribution functions, NULL the lowest value
  at_most      the distance that is allowed, beyond what two samples of these sizes differ by
  real_column  if it has another name there
#}
{% test marginal_close(model, column_name, real, measure='tvd', at_most=0.1, real_column=none) %}
  {% if measure not in ('tvd', 'ks') %}
    {{ exceptions.raise_compiler_error("marginal_close: measure is tvd or ks, not " ~ measure) }}
  {% endif %}
  {{ adapter.dispatch('marginal_close', 'synthlake')(
       model, column_name, real, measure, at_most, real_column or column_name) }}
{% endtest %}

{% macro default__marginal_close(model, column_name, real, measure, at_most, real_column) %}
with both_tables as (
  select {{ real_column }} as value, 1 as in_real, 0 as in_twin from {{ real }}
  union all
  select {{ column_name }} as value, 0 as in_real, 1 as in_twin from {{ model }}
),
counts as (
  select value, sum(in_real) as real_n, sum(in_twin) as twin_n from both_tables group by value
),
totals as (
  select coalesce(sum(real_n), 0) as real_rows, coalesce(sum(twin_n), 0) as twin_rows from counts
),
{{ synthlake.distances(measure, 'counts') }}
select
  '{{ column_name | replace("'", "''") }}' as column_name,
  '{{ measure }}' as measure,
  distance,
  noise,
  cast({{ at_most }} as double precision) as at_most,
  real_rows,
  twin_rows
from judged
where distance > {{ at_most }} + noise
  or (real_rows > 0) <> (twin_rows > 0)
{% endmacro %}

{#
  `judged`: distance and noise of `counts(value, real_n, twin_n)`, given `totals`.
#}
{% macro distances(measure, counts) %}
shares as (
  select
    value,
    {{ synthlake.share('real_n', 'real_rows') }} as real_share,
    {{ synthlake.share('twin_n', 'twin_rows') }} as twin_share,
    {{ synthlake.share('sum(real_n) over (order by value nulls first)', 'real_rows') }} as real_upto,
    {{ synthlake.share('sum(twin_n) over (order by value nulls first)', 'twin_rows') }} as twin_upto,
    real_rows,
    twin_rows
  from {{ counts }} cross join totals
),
judged as (
  select
    {% if measure == 'tvd' -%}
    coalesce(sum(abs(real_share - twin_share)) / 2, 0) as distance,
    {# half the mean difference of two shares, added up: sqrt(2 / pi) / 2 standard errors each #}
    coalesce(0.19947 * sum({{ synthlake.noise_of_share('real_share', 'real_rows', 'twin_rows') }}), 0)
      as noise,
    {%- else -%}
    coalesce(max(abs(real_upto - twin_upto)), 0) as distance,
    coalesce(max({{ synthlake.noise_of_ks('real_rows', 'twin_rows') }}), 0) as noise,
    {%- endif %}
    coalesce(max(real_rows), 0) as real_rows,
    coalesce(max(twin_rows), 0) as twin_rows
  from shares
)
{% endmacro %}
