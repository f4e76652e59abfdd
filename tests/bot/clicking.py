"""What a click brings: the piece it shows, or the refusal that only the one who clicked can see."""

import re
from dataclasses import dataclass
from typing import Any

import discord
import simcord

from bot.composing.more import ENTRIES
from bot.composing.tune import Tuning
from bot.database.store import Opus, Store

BUTTONS = ("Again", "Vary", "Continue", "Share")
MENU = {str(entry.label): entry.action for entry in ENTRIES}
UNDER_A_PIECE = (*BUTTONS, *MENU)

Actor = simcord.MemberActor | simcord.UserHandle
Shown = discord.Message | simcord.ResponseMessage


def ids_of(message: Shown) -> list[str]:
    """Return the ids of the pieces that a message shows, in the order of its buttons."""
    found = re.findall(r"\b[a-z]+:([a-z0-9]{1,12})\b", " ".join(custom_ids(message)))
    return list(dict.fromkeys(found))


def custom_ids(message: Shown) -> list[str]:
    """Return the ids of a message's buttons and menus."""
    components = message.message.components if isinstance(message, simcord.ResponseMessage) else message.components
    rows = [row.to_dict() for row in components]
    return [item["custom_id"] for row in rows for item in row["components"]]  # type: ignore[typeddict-item]


async def opus_of(store: Store, message: Shown) -> Opus:
    """Return the piece that a message shows, by the id of its buttons."""
    return await store.get(ids_of(message)[0])


async def press(actor: Actor, message: Shown, label: str) -> simcord.InteractionResult:
    """Press a button under a piece, or choose in its menu, by the English name."""
    if label not in MENU:
        return await actor.click(message, label=label)
    [menu] = [each for each in custom_ids(message) if each.startswith("more:")]
    return await actor.select(message, [MENU[label]], custom_id=menu)


async def delete(actor: Actor, message: Shown) -> simcord.InteractionResult:
    """Delete a piece, or several takes, and say yes when asked."""
    in_menu = any(each.startswith("more:") for each in custom_ids(message))
    asked = await (press(actor, message, "Delete") if in_menu else actor.click(message, label="Delete"))
    return await confirm(actor, asked) if asked.followups else asked


async def confirm(actor: Actor, asked: simcord.InteractionResult) -> simcord.InteractionResult:
    """Say yes to what is asked before something is deleted."""
    question = next(each for each in (*asked.followups, asked.response) if each is not None and each.ephemeral)
    return await actor.click(question, label="Delete")


async def recipe_of(actor: Actor, message: Shown) -> dict[str, str]:
    """Return what the recipe of a piece says, by the names of its fields; its notation is among them."""
    answer = (await press(actor, message, "Recipe")).response
    assert answer is not None
    assert answer.ephemeral
    [embed] = answer.embeds
    fields = {str(field.name): str(field.value) for field in embed.fields}
    return {
        **fields,
        "Notation": fields["Notation"].strip("`\n"),
        "Id": str(embed.footer.text).split()[1].strip("."),
    }


async def opus_in(store: Store, result: simcord.InteractionResult) -> Opus:
    """Return the piece that a click brought, for all to see."""
    return await opus_of(store, response(result))


def model_of(message: discord.Message | simcord.ResponseMessage) -> str:
    """Return the name of the model that composed what a message shows."""
    return str(message.attachments[0].description).rpartition(" ")[2]


def response(result: simcord.InteractionResult) -> simcord.ResponseMessage:
    """Return the public answer."""
    assert result.acknowledged
    assert result.response is not None
    assert not result.response.ephemeral
    return result.response


def refusal(result: simcord.InteractionResult) -> str:
    """Return the private answer."""
    assert result.acknowledged
    answer = result.response or result.followups[0]
    assert answer.ephemeral
    return answer.content


async def files(message: discord.Message | simcord.ResponseMessage) -> dict[str, bytes]:
    """Return a message's files by their names."""
    return {attachment.filename: await attachment.read() for attachment in message.attachments}


def filled_in(form: simcord.InteractionResult, *answers: Any) -> dict[str, Any]:
    """Give each field of a form its answer."""
    assert form.acknowledged
    assert form.modal is not None
    ids = [label["component"]["custom_id"] for label in form.modal["components"]]
    return dict(zip(ids, answers, strict=True))


@dataclass(slots=True)
class Tuner:
    """Use the message with the fields of a recipe."""

    actor: Actor
    panel: simcord.ResponseMessage
    id: str

    @classmethod
    async def on(cls, actor: Actor, message: Shown) -> "Tuner":
        """Open it."""
        panel = (await press(actor, message, "Tune")).response
        assert panel is not None
        assert panel.ephemeral
        return cls(actor, panel, ids_of(message)[0])

    def shown(self) -> Tuning:
        """Return what is chosen and typed."""
        return Tuning.shown(self.panel.message)

    def text(self) -> str:
        """Return all that it says."""
        return "\n".join(str(each.get("content", "")) for each in self.panel.components)

    def offered(self, field: str) -> list[str]:
        """Return the values of a menu."""
        [menu] = [
            item
            for row in self.panel.components
            for item in row.get("components", ())
            if item["custom_id"] == f"tune-{field}:{self.id}"
        ]
        return [option["value"] for option in menu["options"]]

    async def choose(self, **choices: str) -> None:
        """Choose in menus."""
        for field, value in choices.items():
            done = await self.actor.select(self.panel, [value], custom_id=f"tune-{field}:{self.id}")
            assert done.acknowledged
            assert getattr(self.shown(), field) == value

    async def type(self, **typed: str) -> simcord.InteractionResult:
        """Fill in the form; what is left out stays as it is."""
        form = await self.actor.click(self.panel, custom_id=f"tune-edit:{self.id}")
        assert form.modal is not None
        fields = [label["component"] for label in form.modal["components"]]
        values = {field["custom_id"]: field.get("value", "") for field in fields}
        return await self.actor.submit_modal(form, {**values, **typed})

    async def compose(self) -> simcord.InteractionResult:
        """Compose."""
        return await self.actor.click(self.panel, custom_id=f"tune-compose:{self.id}")
