"""One HTTP exchange with an extender: a POST of JSON that ends in time, whatever answers.

After send and makeTransport of pkg/scheduler/extender.go at 1.36.

Upstream limits the exchange as a whole, and so does this: the clock is read for that alone, so that
an answer that trickles in ends as one that never comes. Left out: proxies of the environment, and
client certificates given as text (certData, keyData) rather than as files.
"""

from __future__ import annotations

import ssl
import time
from base64 import b64decode
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from kspec.errors import InputError
from kspec_models.scheduler.extender.options import Options, Tls

if TYPE_CHECKING:
    import httpx

UNREACHABLE: Final = "extender-unreachable"
SLOW: Final = "extender-slow"
FAILED: Final = "extender-failed"
MALFORMED: Final = "extender-malformed"

_MOST_BYTES: Final = 64 * 1024 * 1024


class ExchangeError(Exception):
    """An exchange that gave no usable answer: what happened, and the slug of the charge."""

    def __init__(self, what: str, charge: str) -> None:
        super().__init__(what)
        self.what, self.charge = what, charge


class Exchange:
    """Sends requests to one extender. Raises InputError where it cannot be set up."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self._client: httpx.Client | None = None

    def post(self, verb: str, body: bytes) -> bytes:
        """The body of the answer; raises ExchangeError."""
        client = self._connected()
        import httpx

        seconds = self.options.http_timeout
        end = time.monotonic() + seconds
        try:
            with client.stream(
                "POST", self.url(verb), content=body, extensions=self._extensions()
            ) as response:
                if response.status_code != httpx.codes.OK:
                    raise ExchangeError(f"answered with HTTP {response.status_code}", FAILED)
                return b"".join(_until(end, seconds, response.iter_bytes()))
        except httpx.TimeoutException:
            raise _late(seconds) from None
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            reason = " ".join(str(error).split()) or type(error).__name__
            raise ExchangeError(f"cannot be reached: {reason}", UNREACHABLE) from None

    def url(self, verb: str) -> str:
        """Where a verb is called."""
        return f"{self.options.url_prefix.rstrip('/')}/{verb}"

    def _extensions(self) -> dict[str, str]:
        name = self.options.tls.server_name if self.options.tls is not None else ""
        return {"sni_hostname": name} if name else {}

    def _connected(self) -> httpx.Client:
        if self._client is None:
            self._client = _client(self.options)
        return self._client


def _client(options: Options) -> httpx.Client:
    try:
        import httpx
    except ImportError:
        raise InputError(
            "calling an extender takes the package httpx", expected='pip install "kspec[extender]"'
        ) from None
    return httpx.Client(
        timeout=options.http_timeout,
        headers={"Content-Type": "application/json"},
        trust_env=False,
        verify=_verified(options),
    )


def _verified(options: Options) -> ssl.SSLContext | bool:
    tls = options.tls or Tls()
    has_authority = bool(tls.ca_file or tls.ca_data)
    if tls.cert_data or tls.key_data:
        raise InputError(
            "certData and keyData are not read here",
            where=options.url_prefix,
            expected="certFile and keyFile",
        )
    if tls.insecure or (options.enable_https and not has_authority):
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    elif options.tls is None:
        return options.url_prefix.startswith("https:")
    else:
        context = _trusting(tls, options.url_prefix)
    if tls.cert_file:
        _with_certificate(context, tls, options.url_prefix)
    return context


def _trusting(tls: Tls, where: str) -> ssl.SSLContext:
    try:
        text = b64decode(tls.ca_data, validate=True).decode() if tls.ca_data else None
        return ssl.create_default_context(cafile=tls.ca_file or None, cadata=text)
    except (OSError, ValueError) as error:
        raise InputError(f"tlsConfig: the CA cannot be read: {error}", where=where) from None


def _with_certificate(context: ssl.SSLContext, tls: Tls, where: str) -> None:
    try:
        context.load_cert_chain(tls.cert_file, tls.key_file or None)
    except OSError as error:
        problem = f"tlsConfig: the certificate cannot be read: {error}"
        raise InputError(problem, where=where) from None


def _until(end: float, seconds: float, parts: Iterator[bytes]) -> Iterator[bytes]:
    """The parts of an answer, while there is time and it is not beyond any use."""
    total = 0
    for part in parts:
        total += len(part)
        if total > _MOST_BYTES:
            raise ExchangeError(f"answered with more than {_MOST_BYTES} bytes", MALFORMED)
        if time.monotonic() > end:
            raise _late(seconds)
        yield part


def _late(seconds: float) -> ExchangeError:
    return ExchangeError(f"did not answer within {seconds:g} s", SLOW)
