"""Test the parts of the observer, without a table or network and with the tests' own clock."""
