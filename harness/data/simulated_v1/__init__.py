"""A simulated mouse V1: recordings whose noise-free responses are known. Marked as generated wherever it shows."""
