"""`brewclip-app`, also as `python -m brewclip_app`."""

import sys


def main() -> int:
    """Open the window."""
    from brewclip_app.application import main as run
    return run()


if __name__ == "__main__":
    sys.exit(main())
