"""A run as one HTML file."""

from pytest_aosfarm.exports.html.page import write_html

__all__ = ("write_html",)
