"""The errors a user may see.

Every message is one or two plain sentences: what happened, what is safe, what to do. `kind` is a short word that
tests, tables and the window group by; the tables of kinds stand beside the code that raises them.
"""


class BrewclipError(Exception):
    """An error with a message for the user; `kind` names it for programs."""

    def __init__(self, message: str, kind: str = "error") -> None:
        super().__init__(message)
        self.kind = kind


class AudioError(BrewclipError):
    """A recording that cannot be used."""


class ImageError(BrewclipError):
    """A picture that cannot be used."""


class WeightsError(BrewclipError):
    """Weights that are missing, wrong or cannot be fetched."""


class ModelError(BrewclipError):
    """A model that cannot be built or run."""


class StoreError(BrewclipError):
    """The store cannot be opened, read or written."""


class QueryError(BrewclipError):
    """A query that cannot be answered."""


class SettingsError(BrewclipError):
    """A setting with a value it cannot have."""


class DatasetError(BrewclipError):
    """A dataset's folder that cannot be read as one."""


class AnnotationError(BrewclipError):
    """Spoken captions that cannot be kept, brought in or exported."""


class TrainingError(BrewclipError):
    """A fine-tuning run that cannot begin or go on."""


class EvaluationError(BrewclipError):
    """An evaluation that cannot be made, opened or exported."""


class ReproductionError(BrewclipError):
    """A reproduction of the paper that cannot begin or go on."""


class FigureError(BrewclipError):
    """A figure that cannot be drawn or saved."""


class ClusterError(BrewclipError):
    """Work on a cluster that cannot begin or go on."""


class MapError(BrewclipError):
    """A map of embeddings that cannot be made."""
