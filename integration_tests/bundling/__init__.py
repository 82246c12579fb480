"""Test the functions' asset that pip makes: the wheels that it holds, but not whether Lambda can import them."""
