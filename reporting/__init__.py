"""What the reports of several rooms share: the page shell, the evidence bundle, JSON, text and progress lines."""
