"""A benchmark harness for the robustness of image classifiers, with a result database."""

__version__ = "0.1.0"
