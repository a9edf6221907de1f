"""Galleries: the protocol of a gallery's store, addresses, copies, and galleries in Lance tables."""
