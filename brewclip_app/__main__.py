"""`brewclip-app`, also as `python -m brewclip_app`."""

import sys


def main() -> int:
    """Open the window, in the language of the settings: installed before a module of the window is imported."""
    from brewclip_app import localisation
    localisation.start()
    from brewclip_app.application import main as run
    return run()


if __name__ == "__main__":
    sys.exit(main())
