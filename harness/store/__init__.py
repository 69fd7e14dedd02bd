"""The result database: schema, views, migrations, and the calls that write and read it.

`engine` opens it; `plan` and `write` record what is to be done and what was, `runners` who does it, `mending` takes
back what is not as it was recorded; `jobs`, `trainings`, `origins`, `read` and `relations` answer questions; `upkeep`,
`copying` and `merging` take care of it. Users' own queries go to the views of `views`.
"""
