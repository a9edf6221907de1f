"""The Emotion screen: panel, controllers, state and own widgets."""
