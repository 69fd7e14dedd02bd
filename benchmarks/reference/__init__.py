"""The plain way to do each piece of work, with the released code's semantics."""
