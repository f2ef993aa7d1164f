select * from {{ ref('raw_flights') }}
