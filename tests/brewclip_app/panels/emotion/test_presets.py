"""The preset of the Emotion screen, and the columns of its runs."""

from brewclip_app.panels.emotion.options import OptionsBar
from brewclip_app.panels.emotion.runs import KEYS, ProbeRunsCard
from core.emotion.features import AS_AUTHORS, AUTHORS, FEATURES


def choose(bar: OptionsBar, preset: str) -> None:
    """Choose a preset as a click does."""
    bar.preset.setCurrentIndex(bar.preset.findData(preset))
    bar.preset.activated.emit(bar.preset.currentIndex())


def test_the_preset_sets_protocol_mode_classes_and_features(qtbot, tmp_path):
    bar = OptionsBar()
    qtbot.addWidget(bar)
    bar.show_folder(tmp_path)
    assert bar.preset.currentData() == "" and not set(AUTHORS) & set(bar.chosen_features())
    bar.protocol.setCurrentIndex(bar.protocol.findData("folds"))
    bar.classes.setCurrentIndex(bar.classes.findData(8))
    choose(bar, "authors")
    options = bar.options()
    assert options is not None and set(options.features) == set(AS_AUTHORS)
    assert (options.protocol, options.mode, options.classes, options.folder) == ("paper", "linear", 4, tmp_path)
    assert bar.preset.currentData() == "authors"
    choose(bar, "")
    assert set(bar.chosen_features()) == {feature.key for feature in FEATURES} - set(AUTHORS)
    bar.restore({**bar.save(), "features": ["authors", "layers"]})
    assert bar.preset.currentIndex() == -1, "of no preset"


def test_every_feature_has_a_column_among_the_runs(qtbot):
    card = ProbeRunsCard(lambda name: None, lambda name: None)
    qtbot.addWidget(card)
    assert set(AUTHORS) <= set(KEYS)
    heads = [card.table.horizontalHeaderItem(place).text() for place in range(card.table.columnCount())]
    assert len(set(heads)) == len(heads)
