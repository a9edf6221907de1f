"""The cards of the Inspect panel: picture, words, voice, branches. Each shows one case."""

from typing import TYPE_CHECKING

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QSlider, QWidget

from brewclip_app.localisation import _, ngettext
from brewclip_app.panels.inspect.branch_table import BranchRow, BranchTable, Dot
from brewclip_app.panels.inspect.case import PENDING, InspectCase, overlays
from brewclip_app.panels.inspect.heat_picture import HeatPicture
from brewclip_app.panels.inspect.heat_voice import HeatVoice
from brewclip_app.panels.inspect.heat_words import HeatWord, HeatWords
from brewclip_app.panels.inspect.mix_view import MixView
from brewclip_app.widgets.common import Card, ElidedLabel, button, column, label, row, show_play_button
from brewclip_app.widgets.growing_text import find_words
from core.figures import percents

if TYPE_CHECKING:
    from core.explain.maps import Elsewhere, Maps

BESIDE = 600  # px; in a narrower card the table is below the curve
SILENT = ("random", "occlusion", PENDING)  # methods whose maps lie wholly on the input
MIX_ABOUT = _("The score is the sum of both branches. Drag to see the rank when one of them weighs more.")


def elsewhere_words(elsewhere: "Elsewhere", painted: float, rest: str) -> str:
    """Share of the relevance on no part of the input: "Not shown: prompts 12 %, class token 30 % of the relevance"."""
    prompts, other = float(elsewhere.prompts.sum()), elsewhere.readout + elsewhere.start
    total = painted + prompts + other
    if total <= 0:
        return _("This map is empty: no part raises the score.")
    of_prompts, of_rest, _unused = percents([prompts / total, other / total, painted / total])
    parts = [f"{name} {percent} %" for name, percent in (("prompts", of_prompts), (rest, of_rest)) if percent]
    return _("Not shown: {parts} of the relevance").format(parts=", ".join(parts)) if parts else ""


def heat_words(maps: "Maps") -> tuple[HeatWord, ...]:
    """The words with their relevance, relative to the most relevant one."""
    if maps.words is None:
        return ()
    high = max((word.relevance for word in maps.words.words), default=0.0)
    return tuple(HeatWord(word.text, word.relevance / high if high > 0 else 0.0, word.cut, word.read)
                 for word in maps.words.words)


def branch_rows(case: InspectCase) -> tuple[BranchRow, ...]:
    """Share and rank of each branch that the query has, of their sum, and of the caption."""
    score, text, acoustic = case.shares
    branches, ranks = case.explanation.observation.branches, case.ranks
    rows = []
    if branches.text is not None:
        rows.append(BranchRow(_("Transcript"), "transcript", text, ranks.text if ranks else None,
                              tip=_("What the words add to the score, and the rank by the words alone")))
    if branches.acoustic is not None:
        rows.append(BranchRow(_("Voice"), "voice", acoustic, ranks.acoustic if ranks else None,
                              tip=_("What the voice adds to the score, and the rank by the voice alone")))
    if len(rows) == 2:
        rows.append(BranchRow(_("Both"), "main", score, case.rank, main=True, tip=_("The score: the sum of the two")))
    if case.caption is not None:
        rows.append(BranchRow(_("Caption instead"), "", case.caption.score, case.caption.rank,
                              tip=_("With the reference text in place of the transcript: “{text}”").format(
                                  text=case.caption.text)))
    return tuple(rows)


def _head(dot: str, title: str, *right: QWidget) -> QHBoxLayout:
    return row(Dot(dot), label(title, "heading"), None, *right, space=10)


class PictureCard(Card):
    """The picture with its map."""

    def __init__(self, smallest: QSize | None = None) -> None:
        super().__init__(margin=10, space=8)
        self.picture = HeatPicture(smallest) if smallest else HeatPicture()
        self.crop = ElidedLabel("", "quiet", Qt.TextElideMode.ElideRight)
        self.opacity = QSlider(Qt.Orientation.Horizontal)
        self.opacity.setRange(0, 100)
        self.opacity.setValue(65)
        self.opacity.setFixedWidth(80)
        self.opacity.setMinimumHeight(18)
        self.opacity.setAccessibleName(_("Opacity of the map"))
        self.opacity.valueChanged.connect(lambda value: self.picture.set_opacity(value / 100))
        self.elsewhere = ElidedLabel("", "quiet", Qt.TextElideMode.ElideRight)
        self.body.addWidget(self.picture, 1)
        below = row(self.crop, label(_("Opacity"), "quiet"), self.opacity, space=8)
        below.setStretch(0, 1)
        self.body.addLayout(below)
        self.body.addWidget(self.elsewhere)

    def show_case(self, case: InspectCase, maps: "Maps") -> None:
        """Show a case's picture and map."""
        heat, shade = overlays(case, maps.picture.relevance)
        self.picture.show_layers(case.image, heat, shade,
                                 _("{name} with its relevance map").format(name=case.path.name))
        self.crop.setText(_crop_words(case))
        self.elsewhere.setText(elsewhere_words(maps.picture.elsewhere, float(maps.picture.relevance.sum()),
                                               _("class token")))
        self.elsewhere.setVisible(maps.method not in SILENT)


def _crop_words(case: InspectCase) -> str:
    explanation = case.explanation
    if explanation.looks > 1:
        return _("Shown: the best of {looks} crops; the score uses all").format(looks=explanation.looks)
    return _("Dark: cut off by the centre crop") if explanation.placement.cut else _("The model sees the whole picture")


class WordsCard(Card):
    """The words of the query, coloured by relevance."""

    def __init__(self, editable: bool = True) -> None:
        super().__init__(space=4)
        hint = (label(_("Edit and press Enter to update"), "quiet"),) if editable else ()
        self.body.addLayout(_head("transcript", _("Transcript"), *hint))
        self.words = HeatWords()
        self.words.setReadOnly(not editable)
        self.about = label("", "quiet", wrap=True)
        self.body.addWidget(self.words)
        self.body.addWidget(self.about)

    def show_case(self, case: InspectCase, maps: "Maps") -> None:
        """Show a case's words."""
        self.words.show_words(case.text, heat_words(maps))
        self.about.setText(self._about(case, maps))
        self.about.setVisible(bool(self.about.text()))

    def show_playing(self, case: InspectCase, seconds: float | None) -> None:
        """Underline the word that is being played."""
        place = None
        if seconds is not None:
            for start, end, word in find_words(self.words.toPlainText(), case.utterance.transcript.words):
                if word.start <= seconds < word.end:
                    place = (start, end)
        self.words.show_spoken(place)

    def _about(self, case: InspectCase, maps: "Maps") -> str:
        sentences = []
        if not case.text:
            sentences.append(case.utterance.transcript.reason or _("No words were recognised."))
        elif case.explanation.observation.branches.text is None:
            sentences.append(_("This model uses the voice only: the words add nothing to the score."))
        elif maps.words is None:
            sentences.append(_("The score of the voice does not depend on the words."))
        if case.waveform is None:
            sentences.append(_("Typed query: there is no voice."))
        elif case.text != case.utterance.transcript.text and case.utterance.transcript.text:
            sentences.append(_("Edited; the transcript was “{text}”.").format(text=case.utterance.transcript.text))
        elif case.utterance.transcript.doubtful:
            sentences.append(_("Doubtful: other words may have been said."))
        if maps.words is not None:
            cut = sum(not word.read or word.cut for word in maps.words.words)
            if cut:
                words = ngettext("word was", "words were", cut)
                sentences.append(_("{cut} {words} cut off: the model reads 77 tokens.").format(cut=cut, words=words))
            if maps.method not in SILENT:
                sentences.append(elsewhere_words(maps.words.elsewhere, float(maps.words.tokens.sum()),
                                                 _("start and end"))
                            + ".")
        return " ".join(sentences)


class VoiceHeatCard(Card):
    """The waveform of the utterance, coloured by relevance, with a button to play it."""

    def __init__(self, playable: bool = True) -> None:
        super().__init__(space=4)
        self.play = button(_("Play"), icon="play")
        self.body.addLayout(_head("voice", _("Voice"), self.play))
        self.play.setVisible(playable)  # once it has a parent: it would flash as a window and take the focus
        self.voice = HeatVoice()
        self.about = label("", "quiet", wrap=True)
        self.body.addWidget(self.voice)
        self.body.addWidget(self.about)
        self._playing = False

    def show_case(self, case: InspectCase, maps: "Maps") -> None:
        """Show a case's voice; hidden where the query has none."""
        self.setVisible(case.waveform is not None)
        if case.waveform is None:
            return
        frames = maps.sound.frames if maps.sound is not None else None
        self.voice.show_voice(case.waveform, frames, case.utterance.transcript.words)
        if case.explanation.observation.branches.acoustic is None:
            self.about.setText(_("This model uses the words only: the voice adds nothing to the score."))
        elif maps.sound is None:
            self.about.setText(_("The score of the transcript does not depend on the voice."))
        else:
            self.about.setText(elsewhere_words(maps.sound.elsewhere, float(maps.sound.frames.sum()), _("class token"))
                               + "." if maps.method not in SILENT else "")
        self.about.setVisible(bool(self.about.text()))

    def show_playing(self, seconds: float | None) -> None:
        """Show the place of playback; None when nothing plays."""
        self.voice.set_cursor(seconds)
        if (seconds is not None) != self._playing:
            self._playing = seconds is not None
            show_play_button(self.play, self._playing)


class BranchCard(Card):
    """Shares and ranks by branch, and the rank along the mix of both."""

    def __init__(self) -> None:
        super().__init__(_("Score by branch"), space=8)
        self.heading.setToolTip(MIX_ABOUT)
        self.mix = MixView()
        self.mix.setToolTip(MIX_ABOUT)
        self.table = BranchTable()
        self.table.setMinimumWidth(200)
        self.about = label("", "quiet", wrap=True)
        right = column(self.table, None)
        self._both = row(self.mix, right, space=18)
        self._both.setStretch(0, 3)
        self._both.setStretch(1, 2)
        self.body.addLayout(self._both)
        self.body.addWidget(self.about)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)

    def show_case(self, case: InspectCase) -> None:
        """Show a case's shares and ranks."""
        self.table.show_rows(branch_rows(case))
        ranking = case.ranking
        self.mix.setVisible(case.has_both and ranking is not None)
        if ranking is not None and case.has_both:
            self.mix.show_mix(case.curve, len(ranking.mix.ids), lambda t: ranking.mix.rank(ranking.row, t))
        self.about.setText(self._about(case))
        self.about.setVisible(bool(self.about.text()))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        beside = self.width() >= BESIDE
        self._both.setDirection(QHBoxLayout.Direction.LeftToRight if beside else QHBoxLayout.Direction.TopToBottom)

    def _about(self, case: InspectCase) -> str:
        ranking = case.ranking
        if ranking is None:
            return case.unranked
        count = len(ranking.mix.ids) - (not ranking.in_gallery)
        text = ngettext("Ranked among {count} picture of {gallery}", "Ranked among {count} pictures of {gallery}",
                        count).format(count=count, gallery=ranking.gallery)
        text += "." if ranking.in_gallery else _(", to which this picture was added for the comparison.")
        if not case.has_both:
            branch = "transcript" if case.explanation.observation.branches.text is not None else "voice"
            text += _(" The whole score comes from the {branch}.").format(branch=branch)
        return text
