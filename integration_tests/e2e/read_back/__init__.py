"""The read-back: what the templates say against what the cloud's own APIs answer, property by property.

It knows templates and APIs and nothing between them: neither the code that wrote the templates nor the code that deployed
them. A property that the template has and the API does not answer is a difference, so what a deployment dropped is seen.
"""
