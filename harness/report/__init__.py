"""Tables, figures and pages, from the database alone."""
