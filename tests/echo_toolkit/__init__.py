"""A second, tiny toolkit: what it names is found by its manifests alone."""
