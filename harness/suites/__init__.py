"""Suites: which there are, the jobs they consist of, and the runner that does them.

From files to jobs: `registry` finds suites, `selection` says what is asked of them, and `plan` makes the jobs of their
`conditions`. `resolution` and `substitutes` fill in what these leave open, by the `inputs` and `devices` that there
are; `obstacles` says what cannot be done, `cost` what the rest takes. `past` plans beside what the database has, and
`outdated` says what of that a run would replace.

From jobs to results: `runner` stores a plan and lets a `run` do it. `schedule` says which job is next, `provisions` and
`missing_weights` see to what it needs, `peers` to what other runners do, and one of the `executors` has a `worker` do
it, unless the user wants the run to end (`stopping`). `merge` takes over what another results folder has finished;
`trained_model` hands a model out in Python.
"""
