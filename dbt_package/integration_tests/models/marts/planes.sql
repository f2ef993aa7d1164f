select tailnum, year, type, manufacturer, model, engines, seats, speed, engine
from {{ ref('raw_planes') }}
