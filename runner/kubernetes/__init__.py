"""Runs carried out as Jobs of a Kubernetes cluster. Only the runner's `__main__` knows these rooms."""
