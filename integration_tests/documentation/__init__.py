"""Test the site that `nox -s docs` built, by its files and in a browser, but not whether a page is true."""
