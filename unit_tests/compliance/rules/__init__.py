"""Tables of resources and the verdicts on them, one folder a service, as the rules are; `verdicts.py` reads the tables."""
