"""The Evaluate screen: panel, controllers, state and own widgets."""
