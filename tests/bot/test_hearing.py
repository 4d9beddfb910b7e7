"""Files that never came: the platform told of them and did not give them out."""

from __future__ import annotations

from bot.events import HandedOver, Received, Understood
from bot.types import Attachment, Outcome
from tests.bot.rig import Rig
from tests.bot.test_turn import rig

__all__ = ["rig"]  # a fixture


def unfetched(media_type: str = "audio/ogg") -> Attachment:
    return Attachment(blob="", media_type=media_type, size=4_000)


async def test_a_file_that_never_came_is_said_and_its_place_in_the_conversation_kept(rig: Rig) -> None:
    result = await rig.say(attachments=[unfetched()])
    assert (result.outcome, [reply.template for reply in result.replies]) == (Outcome.ASKED, ["utter_file_unfetched"])
    assert rig.media.calls == 0
    bodies = [event.body for event in await rig.store.events(rig.conversation)]
    (received,) = (body for body in bodies if isinstance(body, Received))
    assert (received.attachments[0].kind, received.attachments[0].size) == ("audio", 4_000)
    (understood,) = (body for body in bodies if isinstance(body, Understood))
    assert understood.note == "utter_file_unfetched"


async def test_words_beside_a_file_that_never_came_are_answered(rig: Rig) -> None:
    result = await rig.say("Where is my parcel?", attachments=[unfetched("image/jpeg")])
    assert [reply.template for reply in result.replies] == ["utter_file_unfetched", None]
    assert rig.answerer.asked == ["Where is my parcel?"]


async def test_it_is_said_while_people_own_the_conversation_too(rig: Rig) -> None:
    await rig.say("hello")
    await rig.write(HandedOver(reason="asked"))
    result = await rig.say("see here", attachments=[unfetched("image/jpeg")])
    assert (result.outcome, [reply.template for reply in result.replies]) == (Outcome.SILENT, ["utter_file_unfetched"])
