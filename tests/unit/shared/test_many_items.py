"""A list of which every item is wrong costs no more than one: the event loop makes the error."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from shared.bus.requests.generator import Acknowledge
from shared.bus.requests.recorder import StatusRequest


@pytest.mark.parametrize("model", [Acknowledge, StatusRequest])
@pytest.mark.parametrize("item", [{}, [], 7, {"session_id": 1}])
def test_only_the_first_wrong_item_is_named(model: type[BaseModel], item: Any) -> None:
    with pytest.raises(ValidationError) as caught:
        model.model_validate({"frames": [item] * 50_000})
    assert caught.value.error_count() < 10
