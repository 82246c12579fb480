"""The functions' asset as pip really makes it: proves whose wheels it holds; cannot prove that Lambda imports them."""
