"""The database as files: migrations, their sum schema.sql, roles.sql. Invariant: tables change by migration alone."""

from pathlib import Path

FOLDER = Path(__file__).parent
MIGRATIONS = FOLDER / "migrations"
