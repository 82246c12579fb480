"""What `infra` builds, without deploying it: proves templates, settings and names; cannot prove that they deploy."""
