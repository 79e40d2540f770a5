"""Every list of Campaign's types of fields names the same ones."""

import re
import typing

import pytest

from dev.emulators.campaign.publication import PublishedField
from dev.emulators.campaign.values import TYPED
from shared.mapping.conversion import into, unset
from shared.mapping.metadata import TargetField
from shared.mapping.refusal import Refuse
from shared.mapping.rule_checks import FITTING
from shared.mapping.templating import AROUND

PLACES = {
    "shared/mapping/rule_checks.py, FITTING": set(FITTING),
    "shared/mapping/templating.py, AROUND": set(AROUND),
    "shared/mapping/metadata.py, TargetField": {
        name
        for name in re.findall(r"\w+", str(TargetField.__doc__).partition("`type`:")[2])
        if name in FITTING
    },
    "dev/emulators/campaign/values.py, TYPED": set(TYPED),
    "dev/emulators/campaign/publication.py, PublishedField": {
        *typing.get_args(PublishedField.model_fields["type"].annotation)
    }
    - {"string"},
}
EVERY = sorted(set().union(*PLACES.values()))


@pytest.mark.parametrize("place", PLACES)
def test_a_list_of_types_lacks_none(place: str) -> None:
    missing = set(EVERY) - PLACES[place]
    assert not missing, f"put {sorted(missing)} into {place}"


@pytest.mark.parametrize("kind", EVERY)
def test_a_type_has_a_converter_of_its_own_and_a_value_for_empty(kind: str) -> None:
    """What `into` of shared/mapping/conversion.py does not know would go as its text."""
    field = TargetField("cusField", kind)
    with pytest.raises(Refuse):
        into(None, field, labels=False)("no value of such a type")
    assert unset(field) == {"boolean": False, "date": "", "datetime": ""}.get(kind, 0)
