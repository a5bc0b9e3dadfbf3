"""The one logger. No handler is set on it: what is shown, and where, is the host's decision.

With no logging set up at all, Python shows warnings and errors on standard error, which is what a
wrong key deserves.
"""

import logging

logger = logging.getLogger("api_analytics")
