{#
  Fails with one row if a larger share of references has no parent than in the real tables.
  References that hold NULL are no orphans.

  columns, to, real, real_to, to_columns   as in fk_degree_close
  at_most   how much larger the share may be, beyond what two samples of these sizes differ by
#}
{% test no_new_orphans(model, columns, to, real, real_to, to_columns=none, at_most=0) %}
  {{ adapter.dispatch('no_new_orphans', 'synthlake')(
       model, columns, to, real, real_to, to_columns or columns, at_most) }}
{% endtest %}

{% macro default__no_new_orphans(model, columns, to, real, real_to, to_columns, at_most) %}
with both_tables as (
  select real_n, real_orphans, twin_n, twin_orphans
  from ({{ synthlake.orphans(real, columns, real_to, to_columns, 'real') }}) as r
  cross join ({{ synthlake.orphans(model, columns, to, to_columns, 'twin') }}) as t
),
judged as (
  select
    real_orphans,
    twin_orphans,
    {{ synthlake.share('real_orphans', 'real_n') }} as real_share,
    {{ synthlake.share('twin_orphans', 'twin_n') }} as twin_share,
    real_n,
    twin_n
  from both_tables
)
select
  '{{ columns | join(", ") | replace("'", "''") }}' as key_columns,
  real_share,
  twin_share,
  cast({{ at_most }} as double precision) as at_most,
  real_orphans,
  twin_orphans
from judged
where twin_share > real_share + {{ at_most }}
  + {{ synthlake.noise_of_share('real_share', 'real_n', 'twin_n') }}
{% endmacro %}

{# How many references there are, and how many of them have no parent. #}
{% macro orphans(child, columns, parent, to_columns, prefix) %}
  select count(*) as {{ prefix }}_n, count(*) - count(p.is_there) as {{ prefix }}_orphans
  from {{ child }} as c
  left join (
    select distinct {{ synthlake.columns_of(to_columns) }}, 1 as is_there from {{ parent }}
  ) as p on {{ synthlake.columns_equal(columns, 'c', to_columns, 'p') }}
  where {{ synthlake.columns_known(columns, 'c') }}
{% endmacro %}
