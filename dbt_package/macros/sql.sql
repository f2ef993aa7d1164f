{# Columns as a quoted list, each with the alias of its table if one is given. #}
{% macro columns_of(names, of=none) -%}
  {%- for name in names -%}
    {{ '' if of is none else of ~ '.' }}{{ adapter.quote(name) }}{{ ', ' if not loop.last }}
  {%- endfor -%}
{%- endmacro %}

{# Whether the columns of one table equal those of another, pair by pair. #}
{% macro columns_equal(names, of, others, of_others) -%}
  {%- for name in names -%}
    {{ of }}.{{ adapter.quote(name) }} = {{ of_others }}.{{ adapter.quote(others[loop.index0]) }}
    {{- ' and ' if not loop.last }}
  {%- endfor -%}
{%- endmacro %}

{# Whether no column of a key is NULL. #}
{% macro columns_known(names, of) -%}
  {%- for name in names -%}
    {{ of }}.{{ adapter.quote(name) }} is not null{{ ' and ' if not loop.last }}
  {%- endfor -%}
{%- endmacro %}

{# The share of one number in another, as a double; 0 where there is nothing. #}
{% macro share(part, whole) -%}
  {{ return(adapter.dispatch('share', 'synthlake')(part, whole)) }}
{%- endmacro %}

{% macro default__share(part, whole) -%}
  coalesce(cast({{ part }} as double precision) / nullif(cast({{ whole }} as double precision), 0), 0)
{%- endmacro %}

{#
  What two samples of n and m rows differ by, though they are drawn from the same: for a share p by
  two standard errors, for a distribution function by the bound that one pair in twenty passes.
#}
{% macro noise_of_share(p, n, m) -%}
  2 * sqrt({{ p }} * (1 - {{ p }}) * ({{ synthlake.share(1, n) }} + {{ synthlake.share(1, m) }}))
{%- endmacro %}

{% macro noise_of_ks(n, m) -%}
  1.358 * sqrt({{ synthlake.share(1, n) }} + {{ synthlake.share(1, m) }})
{%- endmacro %}
