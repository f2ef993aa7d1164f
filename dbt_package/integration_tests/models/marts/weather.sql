{{ config(materialized='view', schema='marts', alias='weather_by_hour') }}
select * from {{ ref('raw_weather') }}
