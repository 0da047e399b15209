"""Which model makes the pictures: choosing another one, following others' choices, and what is said meanwhile."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, Route, WebSocketRoute, expect

from tests.browser.conftest import NewPage
from tests.browser.eyes import blink, hide_controls, look, wait_change, wait_picture, wait_until
from tests.browser.test_everywhere import AXE
from tests.support.buses import short_folder
from tests.support.studio import Studio, real_studio_in
from tests.support.waiting import eventually

pytestmark = [
    pytest.mark.browser,
    pytest.mark.usefixtures("first_model", "nothing_is_recorded_afterwards"),
]

LOADED_S = 60.0
FETCHING = {"model": "tiny-edit", "detail": "Fetching tiny-edit.", "done_bytes": 3_200_000_000, "bytes": 12_800_000_000}
ADVICE = "Parts of the model are kept off the card, which has too little memory for all of them."


@pytest.fixture(scope="module")
def studio(browser: Browser) -> Iterator[Studio]:
    """A system of these tests' own, with four models to choose from; one of them makes video, and cannot be used."""
    with short_folder() as folder:
        broken = folder / "models" / "broken"
        broken.mkdir(parents=True)
        (broken / "model_index.json").write_text('{"_class_name": "WanPipeline"}')
        with real_studio_in(folder, folder / "models", PARAFOVEA_MODELS="tiny-edit") as made:
            eventually(lambda: made.health()["gaze"], LOADED_S, "the API knows of the gaze process")
            yield made


@pytest.fixture
def first_model(studio: Studio) -> None:
    """Whatever the test before has chosen."""
    studio.change_model("tiny")


def chooser(page: Page) -> Locator:
    """The choice of a model, in the panel behind the light."""
    if page.locator("#health-panel").is_hidden():
        page.get_by_role("button", name="Server:").click()
    return page.get_by_role("combobox", name="Model", exact=True, include_hidden=True)


def runs(page: Page, name: str) -> None:
    """Until the page has a model as the one that makes pictures, and none on its way."""
    expect(chooser(page)).to_have_value(name)
    expect(chooser(page)).to_have_attribute("aria-busy", "false")
    expect(page.locator(".banner")).to_be_hidden()


def tell(page: Page, told: dict[str, Any], gone: dict[str, Any]) -> None:
    """Load the page again; from then on it hears of the generator what is in ``told``, and no longer once there is more
    in ``gone``: over the WebSocket and in ``/health`` alike."""

    def connect(route: WebSocketRoute) -> None:
        server = route.connect_to_server()

        def pass_on(text: str | bytes) -> None:
            message = json.loads(text)
            route.send(json.dumps({**message, **told, **gone}) if message["type"] == "status" else text)

        server.on_message(pass_on)

    def answer(route: Route) -> None:
        response = route.fetch()
        health = response.json()
        health["processes"]["generator"] |= {**told, **gone}
        if health["processes"]["generator"]["state"] == "loading":
            health["status"] = "starting"
        route.fulfill(response=response, json={**health, "loading": health["processes"]["generator"]["loading"]})

    page.route_web_socket(re.compile("/ws"), connect)
    page.route("**/health", answer)
    page.reload()
    wait_picture(page)


def test_another_model_is_chosen_and_makes_the_next_picture(new_page: NewPage, studio: Studio) -> None:
    studio.start_session("by_another")
    page = new_page(ahead=0)
    wait_picture(page)
    runs(page, "tiny")
    assert chooser(page).locator("option").all_inner_texts() == ["tiny", "tiny-edit", "embedded", "broken"]
    chooser(page).select_option("tiny-edit")
    expect(chooser(page)).to_have_attribute("aria-busy", "true")
    expect(page.locator(".notice")).to_contain_text("tiny-edit makes the pictures now.")
    runs(page, "tiny-edit")
    page.keyboard.press("Escape")
    hide_controls(page)
    recorded = len(studio.frame_ids("by_another"))
    look(page, "TL")
    wait_change(page, "TL")
    blink(page, 1)
    eventually(
        lambda: page.evaluate("1") and len(studio.frame_ids("by_another")) > recorded, LOADED_S, "it is recorded"
    )
    assert studio.metadata("by_another")["sequence"][-1]["model"]["kind"] == "edit"


def test_what_is_on_its_way_is_shown_until_it_is_there(page: Page) -> None:
    gone: dict[str, Any] = {}
    tell(page, {"loading": FETCHING, "advice": ADVICE}, gone)
    banner, panel = page.locator(".banner"), page.locator("#health-panel")
    expect(chooser(page)).to_have_attribute("aria-busy", "true")
    for place in (banner, panel):
        expect(place).to_contain_text("Fetching tiny-edit.")
        expect(place).to_contain_text("3.20 of 12.80 GB")
        bar = place.get_by_role("progressbar", name="How much of tiny-edit is here")
        expect(bar).to_have_js_property("value", 0.25)
        expect(bar).to_have_attribute("aria-valuetext", "3.20 of 12.80 GB")
    expect(panel).to_contain_text(ADVICE)
    gone["loading"] = {**FETCHING, "detail": "Loading tiny-edit.", "done_bytes": 0, "bytes": 0}
    expect(banner).to_contain_text("Loading tiny-edit.")
    expect(page.get_by_role("progressbar")).to_have_count(0)
    gone |= {"loading": None, "advice": None}
    runs(page, "tiny")
    expect(panel).not_to_contain_text("Loading")
    expect(panel).not_to_contain_text(ADVICE)


@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_none_of_it_stands_in_a_screen_readers_way(new_page: NewPage, scheme: str) -> None:
    if not AXE.exists():
        pytest.skip("axe-core is not here: npm ci in tests/browser brings it")
    page = new_page(color_scheme=scheme)
    tell(page, {"loading": FETCHING, "advice": ADVICE}, {})
    expect(chooser(page)).to_have_attribute("aria-busy", "true")
    expect(page.locator(".model-advice")).to_be_visible()
    page.evaluate(AXE.read_text())
    found = page.evaluate("axe.run(document, { resultTypes: ['violations'] })")["violations"]
    assert [(each["help"], [node["html"] for node in each["nodes"]]) for each in found] == []


def test_the_first_model_is_shown_on_its_way_too(page: Page) -> None:
    gone: dict[str, Any] = {}
    tell(page, {"state": "loading", "model": None, "loading": FETCHING}, gone)
    banner = page.locator(".banner")
    expect(banner).to_contain_text("The generator is starting.")
    expect(banner).to_contain_text("Pictures are made once its model is there")
    expect(banner).to_contain_text("3.20 of 12.80 GB")
    gone |= {"state": "ready", "loading": None}
    expect(banner).to_be_hidden()


def test_a_clean_stage_shows_none_of_it(page: Page, studio: Studio) -> None:
    gone: dict[str, Any] = {"loading": None}
    tell(page, {}, gone)
    runs(page, "tiny")
    hide_controls(page)
    page.mouse.move(500, 350)
    before = page.screenshot()
    gone["loading"] = FETCHING
    wait_until(page, "document.querySelector('.banner').textContent.includes('3.20 of 12.80 GB')")
    assert page.screenshot() == before
    expect(page.get_by_role("combobox", name="Model", exact=True, include_hidden=True)).to_be_hidden()
    page.keyboard.press("m")
    expect(page.locator(".banner")).to_be_visible()


def test_another_clients_choice_is_followed(page: Page, studio: Studio) -> None:
    runs(page, "tiny")
    studio.change_model("tiny-edit")
    runs(page, "tiny-edit")
    expect(page.locator(".notice")).to_have_count(0)


def test_a_model_that_cannot_be_used_is_said_and_the_choice_goes_back(page: Page) -> None:
    runs(page, "tiny")
    chooser(page).select_option("broken")
    expect(page.locator(".notice.error")).to_contain_text("makes video")
    expect(page.locator(".model-problem")).to_contain_text("makes video")
    runs(page, "tiny")
    chooser(page).select_option("tiny-edit")
    runs(page, "tiny-edit")
    expect(page.locator(".model-problem")).to_be_hidden()


def test_a_model_that_may_not_be_asked_for_is_said_and_the_choice_goes_back(page: Page) -> None:
    runs(page, "tiny")
    refusal = json.dumps({"error": "invalid_request", "detail": "'tiny-edit' is not among the models."})

    def refuse(route: Route) -> None:
        if route.request.method == "POST":
            route.fulfill(status=422, content_type="application/json", body=refusal)
        else:
            route.continue_()

    page.route("**/model", refuse)
    chooser(page).select_option("tiny-edit")
    expect(page.locator(".model-problem")).to_have_text("'tiny-edit' is not among the models.")
    expect(page.locator(".notice.error")).to_be_visible()
    runs(page, "tiny")


def test_without_a_choice_the_name_is_shown(page: Page, studio: Studio) -> None:
    alone = {**studio.http.get("/model").json(), "choices": ["tiny"]}
    page.route("**/model", lambda route: route.fulfill(json=alone))
    page.reload()
    wait_picture(page)
    expect(chooser(page)).to_be_hidden()
    expect(page.locator(".model-plain")).to_contain_text("tiny")
