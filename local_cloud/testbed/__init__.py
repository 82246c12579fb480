"""Deploy the platform on a local cloud, from synthesis to the description of the target."""
