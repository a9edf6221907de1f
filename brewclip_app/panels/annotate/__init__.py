"""The Annotate screen: panel, controllers, state and own widgets."""
