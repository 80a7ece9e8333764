"""Dashboards: the console at ``/``, a few static files that read the API like anybody else."""
