"""The world of colours of the evaluation's tests."""

from tests.core.evaluation.conftest import colour_networks as colour_networks
from tests.core.evaluation.conftest import world as world
