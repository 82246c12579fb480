"""Provide the report pages' browser for the documentation site."""

from integration_tests.browser.conftest import browser

__all__ = ["browser"]
