"""Drives index.html in a real headless Chromium: what an auditor does, and what a hostile template must not.

It cannot prove how the page looks, nor how other browsers take it.
"""
