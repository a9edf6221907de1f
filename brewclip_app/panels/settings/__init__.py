"""The Settings screen: panel, controllers, state and own widgets."""
