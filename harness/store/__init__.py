"""The result database: schema, views, migrations, and the calls that write and read it.

`engine` opens it; `plan` and `write` record what is to be done and what was, `runners` who does it, `mending` takes
back what is not as it was recorded; `read`, `relations`, `totals` and `origins` answer questions; `upkeep` and
`copying` take care of it. Users' own queries go to the views of `views`.
"""
