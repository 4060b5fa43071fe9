"""What all tests share: pytester, and the option of the conformance run.

Options must be known before pytest looks into subfolders, so `--cases` is declared here.
"""

import pytest

pytest_plugins = ["pytester"]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--cases",
        default=None,
        metavar="DIR",
        help="folder of upstream cases, *.json (default: the one beside the repository)",
    )
