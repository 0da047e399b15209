"""The ``parafovea`` command."""
