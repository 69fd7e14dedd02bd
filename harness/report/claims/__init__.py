"""The paper's claims as data, tested against the results with seed-paired statistics."""
