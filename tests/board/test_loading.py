"""A person adds a series and sees it come alive, fail, be retried and be removed, on every page that is open."""

import re

import pytest
from playwright.async_api import Page, StorageState, expect

from deploy.standin import Rule
from tests.board.cards import add, card, link_to, open_card
from tests.board.visiting import Visits
from tests.support.stack import Stack
from tests.support.waiting import eventually

pytestmark = pytest.mark.asyncio(loop_scope="session")
HEAR = """
window.heard = [];
new MutationObserver((changes) => {
  for (const { target } of changes) {
    const element = target instanceof Element ? target : target.parentElement;
    const said = element?.closest("[aria-live], [role=status], [role=alert]")?.textContent;
    if (said && said !== window.heard.at(-1)) window.heard.push(said);
  }
}).observe(document.body, { subtree: true, childList: true, characterData: true });
"""
COMPLETE = re.compile(r"Complete · [\d.]+ m?s")


async def test_a_link_is_a_card_at_once_and_comes_alive(board: Page, stack: Stack) -> None:
    """The card is there while the catalogue has not even answered; then parts, poster and time arrive by themselves."""
    stack.standin.catalogue.add("Attack on Titan", 2013)
    stack.standin.delay = 0.4

    await add(board, link_to("attack-on-titan"))
    new = card(board, "Attack on Titan")
    await expect(new).to_be_visible()
    await expect(new).not_to_contain_text("Complete")
    await expect(board.get_by_text("Added; it loads now")).to_be_visible()
    await expect(new.get_by_text(re.compile("^Images: (queued|loading)$"))).to_be_attached()
    await expect(new).to_contain_text(COMPLETE)

    await expect(new).to_contain_text("2013")
    for part in ("Episodes", "NFO", "Logo", "Images"):
        await expect(new.get_by_text(f"{part}: loaded", exact=True)).to_be_attached()
    poster = new.locator("img")
    await expect(poster).to_have_css("opacity", "1")
    assert await poster.evaluate("picture => picture.naturalWidth") > 0


async def test_a_failure_says_why_and_a_retry_mends_it(board: Page, stack: Stack) -> None:
    """From the card: what failed loads again, and the reason goes."""
    stack.standin.misbehave(Rule(behaviour="fail", kind="logo", status=404))
    await add(board, link_to("mushishi"))
    failed = card(board, "Mushishi")
    await expect(failed).to_contain_text(re.compile("Failed: logo"))
    await expect(failed.get_by_text("Logo: failed", exact=True)).to_be_attached()
    await expect(failed.get_by_text("Images: loaded", exact=True)).to_be_attached()

    stack.standin.controls.clear()
    await failed.get_by_role("button", name="Retry Mushishi").click()

    await expect(failed).to_contain_text("Complete")
    await expect(failed.get_by_role("button")).to_have_count(0)


async def test_one_part_is_retried_from_the_details(board: Page, stack: Stack) -> None:
    """Where two have failed, the other stays as it is."""
    stack.standin.misbehave(Rule(behaviour="fail", kind="logo", status=404))
    stack.standin.misbehave(Rule(behaviour="fail", kind="poster", status=404))
    await add(board, link_to("planetes"))
    await expect(card(board, "Planetes")).to_contain_text("Failed")
    details = await open_card(board, "Planetes")

    stack.standin.controls.clear()
    await details.get_by_role("button", name="Retry Logo").click()

    parts = details.get_by_role("region", name="Parts").get_by_role("listitem")
    await expect(parts.filter(has_text="Logo")).to_contain_text("loaded")
    await expect(parts.filter(has_text="Images")).to_contain_text("failed")


async def test_a_retry_is_counted_down_to(board: Page, stack: Stack) -> None:
    """By seconds, and with the reason in the details."""
    stack.standin.misbehave(Rule(behaviour="fail", kind="poster", status=503))
    await add(board, link_to("haibane-renmei"))

    waiting = card(board, "Haibane Renmei")
    await expect(waiting.get_by_text(re.compile(r"^Images: again in \d+ s$"))).to_be_attached()
    details = await open_card(board, "Haibane Renmei")
    await expect(details.get_by_text(re.compile(r"^again in \d+ s$"))).to_be_visible()
    await expect(details.get_by_role("region", name="Parts")).to_contain_text("503")

    stack.standin.controls.clear()
    await expect(waiting.get_by_text("Images: loaded", exact=True)).to_be_attached()


async def test_two_pages_are_in_step(board: Page, stack: Stack, visits: Visits, session: StorageState) -> None:
    """What is added on one shows on the other, and so does its removal."""
    other = await (await visits(storage_state=session)).page()
    await other.goto("/")

    await add(board, link_to("kaiba"))
    await expect(card(other, "Kaiba")).to_contain_text("Complete")
    await expect(card(board, "Kaiba")).to_contain_text("Complete")

    details = await open_card(other, "Kaiba")
    await details.get_by_role("button", name="Remove…").click()
    await details.get_by_role("button", name="Remove, keep the files").click()
    await expect(other.get_by_role("dialog")).to_be_hidden()
    await expect(card(other, "Kaiba")).to_have_count(0)
    await expect(card(board, "Kaiba")).to_have_count(0)
    assert any(stack.library.glob("Kaiba (*)/poster.jpg"))


async def test_a_screen_reader_hears_what_ends_and_not_every_step(board: Page, stack: Stack) -> None:
    """A series has some twenty updates on its way; a sentence may tell of several that ended."""
    stack.standin.misbehave(Rule(behaviour="fail", kind="logo", title="Gurren", status=404))
    await board.evaluate(HEAR)
    names = ["Dorohedoro", "Mushi Hime", "Gurren"]

    for name in names:
        await stack.add(name)
    await stack.settled("dorohedoro", "mushi-hime", "gurren")

    async def heard() -> list[str]:
        said: list[str] = await board.evaluate("window.heard")
        assert all(any(name in one for one in said) for name in names), said
        return said

    sentences = await eventually(heard, within=60)
    assert len(sentences) <= len(names)
    assert any("failed" in one.lower() for one in sentences)
