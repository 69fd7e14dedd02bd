"""Each job in a container of its own, on this machine's Docker engine. Only the executor needs the docker SDK.

A job sees its data and the models that it needs, read-only, and can write the folder of the model that it trains and
nothing else. It has no network, no privileges, and its share of the machine.
"""
