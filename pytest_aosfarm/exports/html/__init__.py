"""A run as one HTML file."""

from pytest_aosfarm.exports.html.comparison import beside_baseline
from pytest_aosfarm.exports.html.page import write_html

__all__ = ("beside_baseline", "write_html")
