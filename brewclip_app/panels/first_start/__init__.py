"""The First start screen: panel, controllers, state and own widgets."""
