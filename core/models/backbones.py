"""Title, note and fingerprint of a backbone that is not loaded.

No torch here, so the window can show them at once. Backbones compute in float32 on every device: a gallery that a GPU
has indexed stays valid where there is only a CPU.
"""

from core.fingerprint import Fingerprint
from core.pretrained import architectures
from core.pretrained.weight_table import MINI, title_of

PRECISION = "float32"
ZERO_SHOT = "none"  # in the place of a checkpoint: the backbone as it came

MINI_NOTE = ("A small model that ships with the program so that search works at once. It is not CLIP: it was trained "
             "on 7 000 photographs instead of 400 million, and is less accurate. Choose a larger one in Settings, "
             "Vision model, or run `brewclip weights fetch ViT-L-14/openai`.")


def title(name: str) -> str:
    """Title of a backbone: "CLIP ViT-L-14 (openai)" for the weights name "ViT-L-14/openai"."""
    return title_of(name)


def note(name: str) -> str:
    """Explanation of the backbone in the interface; "" where none is needed."""
    return MINI_NOTE if name == MINI else ""


def crop_of(setting: str, name: str) -> str:
    """The crop policy of a setting, in which "auto" is the one that the backbone was trained with."""
    return architectures.own_crop(name) if setting == "auto" else setting


def fingerprint(name: str, sha256: str, crop: str, checkpoint: str = ZERO_SHOT) -> Fingerprint:
    """The fingerprint of vectors that a backbone makes; `sha256` is `architectures.digest` of its weights.

    The place of a folder of the user's own does not count, so that it may be moved.
    """
    if architectures.is_local(name):
        name = f"{architectures.LOCAL}{architectures.folder_of(name).name}"
    return Fingerprint.of({"backbone": name, "weights": sha256, "checkpoint": checkpoint, "crop": crop,
                           "precision": PRECISION})
