"""Alembic's folder: `env.py` runs a migration on the connection it is given, `versions/` holds one file a step."""
