"""One module per revision, named by its number; write a new one by hand beside a change of `core.store.schema`."""
