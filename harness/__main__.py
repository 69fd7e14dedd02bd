"""The program: `harness`, or `python -m harness`."""

import sys


def main() -> None:
    """Run a command; Ctrl-C ends it without a traceback, also while its modules are imported."""
    try:
        from harness.cli import main as run

        run()
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
