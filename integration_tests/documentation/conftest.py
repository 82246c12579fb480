"""Lends the report pages' browser to the documentation site."""

from integration_tests.browser.conftest import browser

__all__ = ["browser"]
