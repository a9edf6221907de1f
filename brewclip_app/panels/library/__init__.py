"""The Library screen: panel, controllers, state and own widgets."""
