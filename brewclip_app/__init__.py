"""The desktop application. Knows Qt and core; core knows nothing of it."""
