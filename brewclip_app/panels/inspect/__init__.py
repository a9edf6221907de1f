"""The Inspect screen: panel, controllers, state and own widgets."""
