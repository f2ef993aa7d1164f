select a.name, count(*) as flights, avg(f.dep_delay) as mean_delay
from {{ source('synthlake', 'flights') }} as f
join {{ source('synthlake', 'airlines') }} as a on a.carrier = f.carrier
group by a.name
