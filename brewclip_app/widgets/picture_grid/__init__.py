"""The grid of pictures of every screen: hits of a search, or all pictures of a gallery."""
