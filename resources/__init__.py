"""Package data: icons, model configs, the bundled backbone, the demo."""
