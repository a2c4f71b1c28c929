"""What an e-mail address looks like, for bodies and forms alike."""

from __future__ import annotations

import re

EMAIL = re.compile(r"[^@\s<>\x22(),:;\\\[\]]{1,64}@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]{2,63}")
