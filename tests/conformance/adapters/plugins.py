"""Registry of checks of plugins that look at the whole cluster, each in a module of its own.

@plugin_check("filter", "InterPodAffinity")
def check_filter(given, expected):
    assert ...
"""

from collections.abc import Callable
from typing import Any

Check = Callable[[dict[str, Any], dict[str, Any]], None]
PLUGINS: dict[tuple[str, str], Check] = {}


def plugin_check(kind: str, plugin: str) -> Callable[[Check], Check]:
    """Register the decorated function for the cases of one kind about one plugin."""

    def register(run: Check) -> Check:
        assert (kind, plugin) not in PLUGINS, f"{kind} of {plugin} has two checks"
        PLUGINS[kind, plugin] = run
        return run

    return register
