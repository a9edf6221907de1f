"""`brewclip explain`: why a picture matches a query, or does not."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.cli import options
from core.cli.options import input_file, option, output_file
from core.cli.output import as_json, table
from core.cli.parts import OK, Arguments, Command, explorer, note, progress
from core.errors import QueryError
from core.plots import style

if TYPE_CHECKING:
    from collections.abc import Mapping

    from core.asr.transcript import EncodedUtterance
    from core.audio import Waveform
    from core.explain.faithfulness import Faithfulness
    from core.explain.figure import FigureRow
    from core.explain.inspection import ExplainModel, Explanation, GalleryRanking
    from core.explain.maps import Elsewhere, Maps
    from core.explain.observation import Tower
    from core.explorer import Explorer
    from core.progress import Report

    Judged = Mapping[str, Mapping[Tower, Faithfulness]]

MIXES = tuple(place / 20 for place in range(21))
TOWERS: "tuple[tuple[Tower, str], ...]" = (("picture", "picture"), ("words", "transcript"), ("sound", "voice"))


OPTIONS = (
    option("--speech", type=input_file, metavar="FILE", help="recording of a spoken description"),
    option("--text", metavar="TEXT", help="typed description"),
    option("--image", type=input_file, required=True, metavar="FILE", help="picture to explain"),
    option("--gallery", metavar="NAME", help="rank the picture in this gallery"),
    option("--checkpoint", type=Path, metavar="RUN", help="folder of a run (default: the model of the settings)"),
    option("--method", default="gradient", metavar="METHOD",
           help="gradient, grad-eclip, gradient-input, occlusion or random"),
    option("--figure", "--png", type=output_file, metavar="FILE",
           help="draw the maps into this file: .png, .svg or .pdf"),
    options.JSON)


def _explain(arguments: Arguments) -> int:
    if (arguments.speech is None) == (arguments.text is None):
        raise QueryError("Give either --speech or --text.", "empty")
    if arguments.text is not None and not arguments.text.strip():
        raise QueryError("There is nothing to explain: the text is empty.", "empty")
    if arguments.figure:
        style.check_target(arguments.figure)
    with explorer() as opened, progress() as report:
        from core import audio, images

        gallery = opened.gallery(arguments.gallery) if arguments.gallery else None
        picture = images.read(arguments.image, opened.settings["images.max_megapixels"])
        waveform = audio.read(arguments.speech) if arguments.speech else None

        from core.explain import inspection  # torch takes seconds to import
        from core.explain.methods import method
        from core.models.spec import ModelSpec

        chosen = method(arguments.method)
        spec = ModelSpec(checkpoint=arguments.checkpoint) if arguments.checkpoint else None
        model = inspection.load_model(opened.models, opened.settings, spec, report)
        if gallery:
            inspection.open_index(model, gallery, opened.home.caches)
        utterance = _query(opened, model, arguments.text or "", waveform, report)
        explanation = inspection.explain(model, picture.rgb, utterance).occluded("fused", report)
        ranking = (inspection.rank_in_gallery(explanation, gallery, opened.home.caches, arguments.image)
                   if gallery else None)
        maps, judged = explanation.maps("fused", chosen), explanation.faithfulness("fused", report=report)
    print(as_json(_json(explanation, ranking, maps, judged)) if arguments.json
          else _text(explanation, ranking, maps, judged))
    if arguments.figure:
        from core.explain.figure import ExplainedPair, draw_explanations

        pair = ExplainedPair(picture.rgb, explanation.placement, maps, utterance.transcript.text or "(no speech)",
                             _rows(explanation, ranking, judged), waveform)
        style.save(draw_explanations([pair]), arguments.figure)
        note(f"The maps are in {arguments.figure}.")
    return OK


def _query(opened: "Explorer", model: "ExplainModel", text: str, waveform: "Waveform | None",
           report: "Report") -> "EncodedUtterance":
    from core.explain import inspection
    from core.explain.observation import typed

    if waveform is None:
        return typed(text)
    utterance = inspection.transcribe(opened.recogniser(report), model, opened.query_options(), waveform, report)
    if not utterance.transcript.text and not model.network.variant.acoustic:
        raise QueryError(utterance.transcript.reason or "Nothing was heard in the recording.", "nothing_heard")
    return utterance


def _json(explanation: "Explanation", ranking: "GalleryRanking | None", maps: "Maps",
          judged: "Judged") -> dict[str, Any]:
    observation, placement = explanation.observation, explanation.placement
    score, text, acoustic = explanation.shares
    result: dict[str, Any] = {
        "model": explanation.model.title, "method": maps.method, "transcript": observation.utterance.transcript.text,
        "doubtful": observation.utterance.transcript.doubtful,
        "score": score, "shares": {"text": text, "acoustic": acoustic}, "cosines": dict(observation.scores),
        "ranks": _ranks_json(ranking) if ranking else None,
        "picture": {"size": [placement.width, placement.height], "box": list(placement.box), "looks": explanation.looks,
                    "relevance": maps.picture.relevance.tolist(), "layer": maps.picture.layer,
                    **_elsewhere(maps.picture.elsewhere)},
        "words": None, "voice": None,
        "faithfulness": {name: {tower: {"deletion": curve.deletion, "insertion": curve.insertion}
                                for tower, curve in towers.items()} for name, towers in judged.items()}}
    if maps.words:
        result["words"] = {"layer": maps.words.layer, **_elsewhere(maps.words.elsewhere), "words": [
            {"text": word.text, "relevance": word.relevance, "cut": word.cut} for word in maps.words.words]}
    if maps.sound:
        result["voice"] = {"layer": maps.sound.layer, **_elsewhere(maps.sound.elsewhere), "words": [
            {"text": word.text, "start": word.start, "end": word.end, "relevance": word.relevance}
            for word in maps.sound.words], "frames": maps.sound.frames.tolist()}
    return result


def _ranks_json(ranking: "GalleryRanking") -> dict[str, Any]:
    ranks = ranking.mix.branch_ranks(ranking.row)
    return {"gallery": ranking.gallery, "pictures": len(ranking.mix.ids), "in_gallery": ranking.in_gallery,
            "both": ranks.both, "text": ranks.text, "acoustic": ranks.acoustic,
            "mix": [{"t": t, "rank": rank}
                    for t, rank in zip(MIXES, ranking.mix.curve(ranking.row, MIXES), strict=True)]}


def _elsewhere(elsewhere: "Elsewhere") -> dict[str, Any]:
    return {"prompts": elsewhere.prompts.tolist(), "readout": elsewhere.readout, "start": elsewhere.start}


def _text(explanation: "Explanation", ranking: "GalleryRanking | None", maps: "Maps", judged: "Judged") -> str:
    from core.explain.maps import spread

    transcript = explanation.observation.utterance.transcript
    doubt = "; doubtful, the words may be wrong" if transcript.doubtful else ""
    lines = [f"Model: {explanation.model.title}", f"Words: {transcript.text!r}{doubt}", "",
             table(_branch_rows(explanation, ranking), ("branch", "share", "rank"), right=(1, 2))]
    if ranking:
        lines.append(f"among {len(ranking.mix.ids)} pictures of {ranking.gallery}"
                     + ("" if ranking.in_gallery else ", to which it was added for this query"))
    if maps.words and maps.words.words:
        import numpy as np

        heats = spread(np.array([word.relevance for word in maps.words.words], np.float32))
        rows = [(word.text, "cut off" if not word.read else f"{heat:.2f}" + (", partly cut off" if word.cut else ""))
                for word, heat in zip(maps.words.words, heats.tolist(), strict=True)]
        lines += ["", table(rows, ("word", "relevance"))]
    if explanation.looks > 1:
        lines += ["", f"The map is of the crop that matches best; the score is over all {explanation.looks} crops."]
    elif explanation.placement.cut:
        lines += ["", "The centre crop cuts off a part of the picture."]
    lines += ["", table(_judged_rows(judged), ("map", "method", "deletion (lower is better)",
                                                 "insertion (higher is better)"), right=(2, 3))]
    return "\n".join(lines)


def _branch_rows(explanation: "Explanation", ranking: "GalleryRanking | None") -> list[tuple[str, str, str]]:
    score, text, acoustic = explanation.shares
    branches, ranks = explanation.observation.branches, ranking.mix.branch_ranks(ranking.row) if ranking else None
    rows = []
    if branches.text is not None:
        rows.append(("transcript", f"{text:.4f}", str(ranks.text) if ranks else ""))
    if branches.acoustic is not None:
        rows.append(("voice", f"{acoustic:.4f}", str(ranks.acoustic) if ranks else ""))
    return [*rows, ("score", f"{score:.4f}", str(ranks.both) if ranks else "")]


def _judged_rows(judged: "Judged") -> list[tuple[str, str, str, str]]:
    return [(title, name, f"{towers[tower].deletion:.3f}", f"{towers[tower].insertion:.3f}")
            for tower, title in TOWERS for name, towers in judged.items() if tower in towers]


def _rows(explanation: "Explanation", ranking: "GalleryRanking | None", judged: "Judged") -> "list[FigureRow]":
    from core.explain.figure import FigureRow

    rows = [FigureRow(name.capitalize(), f"{share}, rank {rank}" if rank else share)
            for name, share, rank in _branch_rows(explanation, ranking)]
    rows += [FigureRow(f"Deletion / insertion, {title}, {name}", f"{deletion} / {insertion}")
             for title, name, deletion, insertion in _judged_rows(judged)]
    return [*rows, FigureRow("Model", explanation.model.title)]


EXPLAIN = Command("explain", "explain why a picture matches a query", OPTIONS, _explain,
                  details="Prints score shares, ranks and relevance over picture, words and voice.")
