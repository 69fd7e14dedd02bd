"""The report's figures: each is drawn from one tidy frame, which is also its CSV, and from nothing else.

Where images or matrices are shown, the frame names the files that they are in, with their SHA-256.
"""
