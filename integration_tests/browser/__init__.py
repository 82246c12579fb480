"""Test index.html in a real headless Chromium: the actions of an auditor, and the attacks of a hostile template.

The tests cannot prove the appearance of the page, or its behaviour in other browsers.
"""
