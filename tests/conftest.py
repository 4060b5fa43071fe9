"""What all tests share: pytester, and the option of the conformance run.

Options must be known before pytest looks into subfolders, so `--cases` is declared here. No drawn
example has a deadline: how long one takes depends on the machine, and would fail no promise.
"""

import pytest
from hypothesis import settings

pytest_plugins = ["pytester"]
settings.register_profile("kspec", deadline=None)
settings.load_profile("kspec")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--cases",
        default=None,
        metavar="DIR",
        help="folder of upstream cases, *.json (default: the one beside the repository)",
    )
