{# Fails with each combination of values that stands on more than one row. #}
{% test unique_together(model, columns) %}
  {{ adapter.dispatch('unique_together', 'synthlake')(model, columns) }}
{% endtest %}

{% macro default__unique_together(model, columns) %}
select {{ synthlake.columns_of(columns) }}, count(*) as rows_with_it
from {{ model }}
group by {{ synthlake.columns_of(columns) }}
having count(*) > 1
{% endmacro %}
