"""How a scheduler extender is called.

After the type Extender of k8s.io/kube-scheduler/config/v1 at 1.36.
"""

from __future__ import annotations

from typing import Final

import attrs

DEFAULT_TIMEOUT: Final = 5.0
"""DefaultExtenderTimeout, in seconds."""


@attrs.frozen
class Tls:
    """Certificates and keys, as files or as PEM text, which comes first."""

    insecure: bool = False
    server_name: str = ""
    cert_file: str = ""
    key_file: str = ""
    ca_file: str = ""
    cert_data: str = ""
    key_data: str = ""
    ca_data: str = ""


@attrs.frozen
class Options:
    """One extender. A verb that is empty is a call that it does not take.

    http_timeout: seconds for one call from start to end. managed: the extended resources that a
    pod must ask for to concern the extender; none: every pod does. ignored: those that the
    scheduler does not check itself. ignorable: its failures are passed over.
    """

    url_prefix: str
    filter_verb: str = ""
    prioritize_verb: str = ""
    preempt_verb: str = ""
    bind_verb: str = ""
    weight: int = 1
    http_timeout: float = DEFAULT_TIMEOUT
    node_cache_capable: bool = False
    managed: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()
    ignorable: bool = False
    enable_https: bool = False
    tls: Tls | None = None
