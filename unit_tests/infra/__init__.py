"""Tests of the templates, settings and names that `infra` builds; they deploy nothing."""
