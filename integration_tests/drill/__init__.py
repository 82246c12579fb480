"""Real drills on the local cloud, few of them: each deploys the platform and takes minutes."""
