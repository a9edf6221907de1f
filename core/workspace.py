"""Home, settings, models and store that long work runs with."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from core.home import Home
from core.models.registry import ModelRegistry
from core.progress import Report, silent
from core.settings import Settings, Value
from core.store.store import Store

if TYPE_CHECKING:  # torch takes seconds to import
    from core.asr.recogniser import Recogniser
    from core.models.vision_language import VisionLanguage


@dataclass(frozen=True, eq=False)
class Workspace:
    """Home, settings, models and store of long work. The settings are those of its start."""

    home: Home
    settings: Settings
    models: ModelRegistry
    store: Store

    def recogniser(self, report: Report = silent) -> "Recogniser":
        """The recogniser of the settings, loaded. WeightsError ("missing"), ModelError."""
        return self.models.recogniser(self.settings, report)

    def backbone(self, report: Report = silent) -> "VisionLanguage":
        """The backbone of the settings, loaded. WeightsError ("missing"), ModelError."""
        return self.models.backbone(self.settings, report)

    def with_settings(self, values: Mapping[str, Value]) -> "Workspace":
        """The same under settings of which some have other values, by key. SettingsError."""
        settings = self.settings
        for key, value in values.items():
            settings = settings.with_value(key, value)
        return replace(self, settings=settings)
