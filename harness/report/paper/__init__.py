"""The whole paper: each of its figures and tables in its order, what is not there yet as missing."""
