"""The cards of the Inspect panel: picture, words, voice, branches. Each shows one case."""

from typing import TYPE_CHECKING

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QSlider, QWidget

from brewclip_app import theme
from brewclip_app.panels.inspect.branch_table import BranchRow, BranchTable
from brewclip_app.panels.inspect.case import WAITING, InspectCase, overlays
from brewclip_app.panels.inspect.heat_picture import HeatPicture
from brewclip_app.panels.inspect.heat_voice import HeatVoice
from brewclip_app.panels.inspect.heat_words import HeatWord, HeatWords
from brewclip_app.panels.inspect.mix_view import MixView
from brewclip_app.widgets.common import Card, ElidedLabel, button, column, label, row
from brewclip_app.widgets.growing_text import find_words
from core.figures import percents

if TYPE_CHECKING:
    from core.explain.maps import Elsewhere, Maps

BESIDE = 600  # px; in a narrower card the table is below the curve
SILENT = ("random", "occlusion", WAITING)  # methods beside whose maps nothing is said
MIX_ABOUT = "The model adds both branches up; drag to see the picture's rank when one of them counts more."


def elsewhere_words(elsewhere: "Elsewhere", painted: float, rest: str) -> str:
    """How much of the relevance is on no part of the input: "Prompts 12 %, class token 30 % of the relevance"."""
    prompts, other = float(elsewhere.prompts.sum()), elsewhere.readout + elsewhere.start
    total = painted + prompts + other
    if total <= 0:
        return "This map is empty: nothing here raises the score."
    of_prompts, of_rest, _ = percents([prompts / total, other / total, painted / total])
    parts = [f"prompts {of_prompts} %"] if len(elsewhere.prompts) else []
    parts.append(f"{rest} {of_rest} %")
    return f"Not shown: {', '.join(parts)} of the relevance"


def heat_words(maps: "Maps") -> tuple[HeatWord, ...]:
    """The words with their heat of the most relevant one."""
    if maps.words is None:
        return ()
    high = max((word.relevance for word in maps.words.words), default=0.0)
    return tuple(HeatWord(word.text, word.relevance / high if high > 0 else 0.0, word.cut, word.read)
                 for word in maps.words.words)


def branch_rows(case: InspectCase) -> tuple[BranchRow, ...]:
    """Share and rank of each branch that the query has, their sum, and the caption's."""
    score, text, acoustic = case.shares
    branches, ranks = case.sight.observation.branches, case.ranks
    rows = []
    if branches.text is not None:
        rows.append(BranchRow("Transcript", "transcript", text, ranks.text if ranks else None,
                              tip="What the words add to the score, and the rank by the words alone"))
    if branches.acoustic is not None:
        rows.append(BranchRow("Voice", "voice", acoustic, ranks.acoustic if ranks else None,
                              tip="What the voice adds to the score, and the rank by the voice alone"))
    if len(rows) == 2:
        rows.append(BranchRow("Both", "main", score, case.rank, main=True, tip="The score: the sum of the two"))
    if case.caption is not None:
        rows.append(BranchRow("Caption instead", "", case.caption.score, case.caption.rank,
                              tip=f"With the reference text in place of the transcript: “{case.caption.text}”"))
    return tuple(rows)


class _Dot(QLabel):
    """A branch's colour before its name."""

    def __init__(self, colour: str) -> None:
        super().__init__()
        self._colour = colour
        self.setFixedSize(9, 9)
        theme.changed.connect(self._dress)
        self._dress()

    def _dress(self) -> None:
        self.setStyleSheet(f"background: {theme.colour(self._colour).name()}; border-radius: 4px;")


def _head(dot: str, title: str, *right: QWidget) -> QHBoxLayout:
    return row(_Dot(dot), label(title, "heading"), None, *right, space=10)


class PictureCard(Card):
    """The picture with its map."""

    opacity_changed = Signal(int)  # percent

    def __init__(self, smallest: QSize | None = None) -> None:
        super().__init__(margin=10, space=8)
        self.picture = HeatPicture(smallest) if smallest else HeatPicture()
        self.crop = ElidedLabel("", "quiet", Qt.TextElideMode.ElideRight)
        self.opacity = QSlider(Qt.Orientation.Horizontal)
        self.opacity.setRange(0, 100)
        self.opacity.setValue(65)
        self.opacity.setFixedWidth(80)
        self.opacity.setMinimumHeight(18)
        self.opacity.setAccessibleName("Opacity of the map")
        self.opacity.valueChanged.connect(lambda value: self.picture.set_opacity(value / 100))
        self.opacity.valueChanged.connect(self.opacity_changed)
        self.elsewhere = ElidedLabel("", "quiet", Qt.TextElideMode.ElideRight)
        self.body.addWidget(self.picture, 1)
        below = row(self.crop, label("opacity", "quiet"), self.opacity, space=8)
        below.setStretch(0, 1)
        self.body.addLayout(below)
        self.body.addWidget(self.elsewhere)

    def show_case(self, case: InspectCase, maps: "Maps") -> None:
        """Show a case's picture and map."""
        heat, shade = overlays(case, maps.picture.relevance)
        self.picture.show_layers(case.picture, heat, shade, f"{case.path.name} with the map of what mattered")
        self.crop.setText(_crop_words(case))
        self.elsewhere.setText(elsewhere_words(maps.picture.elsewhere, float(maps.picture.relevance.sum()),
                                               "class token"))
        self.elsewhere.setVisible(maps.method not in SILENT)


def _crop_words(case: InspectCase) -> str:
    sight = case.sight
    if sight.looks > 1:
        return f"Explained: the best of {sight.looks} crops; all count"
    return "Dark: cut off by the centre crop" if sight.placement.cut else "The model saw all of it"


class WordsCard(Card):
    """The words of the query on their heat."""

    accepted = Signal(str)

    def __init__(self, editable: bool = True) -> None:
        super().__init__(space=4)
        hint = (label("edit, Enter: ranks and maps follow", "quiet"),) if editable else ()
        self.body.addLayout(_head("transcript", "Transcript", *hint))
        self.words = HeatWords()
        self.words.setReadOnly(not editable)
        self.words.accepted.connect(self.accepted)
        self.about = label("", "quiet", wrap=True)
        self.body.addWidget(self.words)
        self.body.addWidget(self.about)

    def show_case(self, case: InspectCase, maps: "Maps") -> None:
        """Show a case's words."""
        self.words.show_words(case.text, heat_words(maps))
        self.about.setText(self._about(case, maps))
        self.about.setVisible(bool(self.about.text()))

    def show_playing(self, case: InspectCase, seconds: float | None) -> None:
        """Underline the word that is being said."""
        place = None
        if seconds is not None:
            for start, end, word in find_words(self.words.toPlainText(), case.heard.transcript.words):
                if word.start <= seconds < word.end:
                    place = (start, end)
        self.words.show_spoken(place)

    def _about(self, case: InspectCase, maps: "Maps") -> str:
        said = []
        if not case.text:
            said.append(case.heard.transcript.reason or "No words were heard.")
        elif case.sight.observation.branches.text is None:
            said.append("This model hears the voice alone: the words add nothing to the score.")
        elif maps.words is None:
            said.append("The voice's score owes nothing to the words.")
        if case.waveform is None:
            said.append("Typed, so there is no voice.")
        elif case.text != case.heard.transcript.text and case.heard.transcript.text:
            said.append(f"Edited; heard was “{case.heard.transcript.text}”.")
        elif case.heard.transcript.doubtful:
            said.append("Doubtful: other words may have been said.")
        if maps.words is not None:
            cut = sum(not word.read or word.cut for word in maps.words.words)
            if cut:
                said.append(f"{cut} {'word was' if cut == 1 else 'words were'} cut off: the model reads 77 tokens.")
            if maps.method not in SILENT:
                said.append(elsewhere_words(maps.words.elsewhere, float(maps.words.tokens.sum()), "start and end")
                            + ".")
        return " ".join(said)


class VoiceHeatCard(Card):
    """The utterance on its heat, with a button to play it."""

    play_wanted = Signal(float)  # from these seconds
    stop_wanted = Signal()

    def __init__(self, playable: bool = True) -> None:
        super().__init__(space=4)
        self.play = button("Play", self._turn, icon="play")
        self.body.addLayout(_head("voice", "Voice", self.play))
        self.play.setVisible(playable)  # once it has a parent: it would flash as a window and take the focus
        self.voice = HeatVoice()
        self.voice.sought.connect(self.play_wanted)
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
        self.voice.show_voice(case.waveform, frames, case.heard.transcript.words)
        if case.sight.observation.branches.acoustic is None:
            self.about.setText("This model reads the words only: the voice itself adds nothing to the score.")
        elif maps.sound is None:
            self.about.setText("The transcript's score owes nothing to the voice.")
        else:
            self.about.setText(elsewhere_words(maps.sound.elsewhere, float(maps.sound.frames.sum()), "class token")
                               + "." if maps.method not in SILENT else "")
        self.about.setVisible(bool(self.about.text()))

    def show_playing(self, seconds: float | None) -> None:
        """Where playback stands; None when nothing plays."""
        self.voice.set_cursor(seconds)
        if (seconds is not None) != self._playing:
            self._playing = seconds is not None
            self.play.setText("Stop" if self._playing else "Play")
            theme.set_icon(self.play, "stop" if self._playing else "play")

    def _turn(self) -> None:
        if self._playing:
            self.stop_wanted.emit()
        else:
            self.play_wanted.emit(0.0)


class BranchCard(Card):
    """Shares, ranks, and the rank along the mix."""

    moved = Signal(float)

    def __init__(self, mixed: bool = True) -> None:
        super().__init__("What each branch did for this picture", space=8)
        self.heading.setToolTip(MIX_ABOUT)
        self.mix = MixView()
        self.mix.moved.connect(self.moved)
        self.mix.setToolTip(MIX_ABOUT)
        self.table = BranchTable()
        self.table.setMinimumWidth(200)
        self.about = label("", "quiet", wrap=True)
        self._mixed = mixed
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
        standing, branches = case.standing, case.sight.observation.branches
        two = branches.text is not None and branches.acoustic is not None
        self.mix.setVisible(self._mixed and two and standing is not None)
        if standing is not None and two and self._mixed:
            self.mix.show_mix(case.curve, len(standing.mix.ids), lambda t: standing.mix.rank(standing.row, t))
        self.about.setText(self._about(case, two))
        self.about.setVisible(bool(self.about.text()))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        beside = self.width() >= BESIDE
        self._both.setDirection(QHBoxLayout.Direction.LeftToRight if beside else QHBoxLayout.Direction.TopToBottom)

    def _about(self, case: InspectCase, two: bool) -> str:
        standing = case.standing
        if standing is None:
            return case.unranked
        count = len(standing.mix.ids) - (not standing.known)
        said = f"Ranked among {count} {'picture' if count == 1 else 'pictures'} of {standing.gallery}"
        said += "." if standing.known else ", to which this picture was added for the comparison."
        if not two:
            only = "the transcript" if case.sight.observation.branches.text is not None else "the voice"
            said += f" All of the score is {only}'s."
        return said
