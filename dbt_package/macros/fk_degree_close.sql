{#
  Fails with one row if parents have other numbers of children than in the real tables: by the
  largest difference of the distribution functions of children per parent, parents without any
  included.

  columns      of this table, which refer to
  to           another table, such as source('synthlake', 'planes'), by its
  to_columns   columns; None for the same names
  real         this table's real one, such as ref('flights')
  real_to      the other table's real one
  at_most      the distance that is allowed, beyond what two samples of these sizes differ by
#}
{% test fk_degree_close(model, columns, to, real, real_to, to_columns=none, at_most=0.1) %}
  {{ adapter.dispatch('fk_degree_close', 'synthlake')(
       model, columns, to, real, real_to, to_columns or columns, at_most) }}
{% endtest %}

{% macro default__fk_degree_close(model, columns, to, real, real_to, to_columns, at_most) %}
with real_degrees as (
  {{ synthlake.degrees(real, columns, real_to, to_columns) }}
),
twin_degrees as (
  {{ synthlake.degrees(model, columns, to, to_columns) }}
),
both_tables as (
  select degree as value, 1 as in_real, 0 as in_twin from real_degrees
  union all
  select degree as value, 0 as in_real, 1 as in_twin from twin_degrees
),
counts as (
  select value, sum(in_real) as real_n, sum(in_twin) as twin_n from both_tables group by value
),
totals as (
  select coalesce(sum(real_n), 0) as real_rows, coalesce(sum(twin_n), 0) as twin_rows from counts
),
{{ synthlake.distances('ks', 'counts') }}
select
  '{{ columns | join(", ") | replace("'", "''") }}' as key_columns,
  distance,
  noise,
  cast({{ at_most }} as double precision) as at_most,
  real_rows as real_parents,
  twin_rows as twin_parents,
  (select avg(degree) from real_degrees) as real_mean,
  (select avg(degree) from twin_degrees) as twin_mean
from judged
where distance > {{ at_most }} + noise
  or (real_rows > 0) <> (twin_rows > 0)
{% endmacro %}

{# Children of each distinct parent key. #}
{% macro degrees(child, columns, parent, to_columns) %}
  select count(c.is_there) as degree
  from (select distinct {{ synthlake.columns_of(to_columns) }} from {{ parent }}) as p
  left join (select {{ synthlake.columns_of(columns) }}, 1 as is_there from {{ child }}) as c
    on {{ synthlake.columns_equal(columns, 'c', to_columns, 'p') }}
  where {{ synthlake.columns_known(to_columns, 'p') }}
  group by {{ synthlake.columns_of(to_columns, 'p') }}
{% endmacro %}
