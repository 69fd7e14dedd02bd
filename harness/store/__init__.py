"""The result database: schema, views, migrations, and the calls that write and read it.

`engine` opens it, `plan` and `write` are the only writers, `read` answers questions, `upkeep` upgrades, checks,
backs up and exports it. Users' own queries go to the views of `views`.
"""
