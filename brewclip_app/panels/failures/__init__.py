"""The Failures screen: panel, controllers, state and own widgets."""
