"""`python -m core.cli`, the same as `brewclip`."""

import sys

from core.cli import main

sys.exit(main())
