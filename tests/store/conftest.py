from tests.store.postgres import bare_postgres_url, postgres, postgres_url
from tests.store.stores import another, blobs, clock, migrated, sqlite_url, store, store_url

__all__ = [
    "another",
    "bare_postgres_url",
    "blobs",
    "clock",
    "migrated",
    "postgres",
    "postgres_url",
    "sqlite_url",
    "store",
    "store_url",
]
