"""The Search screen: panel, controllers, state and own widgets."""
