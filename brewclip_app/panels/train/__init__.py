"""The Train screen: panel, controllers, state and own widgets."""
