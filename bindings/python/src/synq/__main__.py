"""``python -m synq``: see `synq.command`."""

import sys

from .command import main

sys.exit(main())
