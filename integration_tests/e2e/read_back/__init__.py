"""The read-back: compare each property of the templates with the answers of the cloud's own APIs.

It knows templates and APIs only, not the code that wrote the templates or deployed them. A property of the template that
the API does not return is a difference, so a property that a deployment dropped is found.
"""
