{# Columns as a quoted list, each with the alias of its table if one is given. #}
{% macro columns_of(names, of=none) -%}
  {%- for name in names -%}
    {{ '' if of is none else of ~ '.' }}{{ adapter.quote(name) }}{{ ', ' if not loop.last }}
  {%- endfor -%}
{%- endmacro %}
