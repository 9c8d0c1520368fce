"""The 24 hostile plugins: each does one thing that a plugin should never do.

`LIVE` are contained while the site runs; `CAUGHT` are refused before they go live; `TRUSTED` are
what nothing holds back in one process, as docs/security.md says in the same words.
"""

from __future__ import annotations

from tests.core.plugins.shelf import HEAD, hook, page

SLOT = "render_slot"

LIVE = {
    "raises": hook(SLOT, "raise RuntimeError('no')"),
    "raises BaseException": hook(SLOT, "raise BaseException('no')"),
    "SystemExit": hook(SLOT, "raise SystemExit(1)"),
    "hangs": hook(SLOT, "time.sleep(3600)", "import time\n"),
    "busy loop": hook(SLOT, "while True: pass"),
    "takes 8 GB": hook(SLOT, "return bytes(8 << 30)"),
    "forks": hook(SLOT, "raise RuntimeError(os.fork())", "import os\n"),
    "opens 65,000 files": hook(SLOT, "return [open('/dev/null') for _ in range(65_000)]"),
    "replaces a hook's result type": hook(SLOT, "return {'not': 'markup'}"),
    "NaN amount": hook(SLOT, "return Money(float('nan'), 'EUR')", "from core import Money\n"),
    "returns another's order": hook(
        SLOT, "return Order('somebody', (), 'EUR')", "from core import Order\n"
    ),
    "mutates a shared dict": HEAD
    + "\n@hookimpl\ndef render_slot(context):\n    context['price'] = 0\n",
}
"""What turned bad after it was switched on: the front page asks each."""

CAUGHT = {
    "bad import": (HEAD + "1 / 0\n", "ZeroDivisionError"),
    "import cycle": (HEAD + "from plugins.hostile import later\n", "ImportError"),
    "missing dependency": (HEAD + "import not_installed\n", "not_installed"),
    "slow import": (HEAD + "import time\ntime.sleep(5.5)\n", "seconds to start"),
    "monkey-patches hmac.compare_digest": (
        HEAD + "import hmac\nhmac.compare_digest = lambda a, b: True\n", "hmac.compare_digest",
    ),
    "writes core tables": (
        page("hostile", 'execute("INSERT INTO settings_value (name, value, changed) '
             "VALUES ('a.b', '1', 0)\")\n    return ''", "from core import execute\n"),
        "settings_value",
    ),
    "overrides a core route": (
        page("hostile", "return ''").replace('"/x/hostile/"', '"/library/"'), "/library/",
    ),
}  # fmt: skip
"""With words of the sentence that the owner reads."""

TRUSTED = (
    "reads the key file", "reads another plugin's secret", "SSRF",
    "injects a script into the pay page", "leaks 1 MB a request",
)  # fmt: skip

ALL = 24
