"""Reads the site that `nox -s docs` built, and opens it in a browser. It cannot tell whether a page is true."""
