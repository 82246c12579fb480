"""Run real drills on the local cloud. They are few, because each deploys the platform and takes minutes."""
