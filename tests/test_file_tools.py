"""The tools that read and list files: only what access allows, noted before it is told."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import pytest

from bot.access import Access, Place, Searchable
from bot.drawn import Drawn
from bot.errors import ToolRefused
from bot.files.library import EVERYONE, KNOWLEDGE, WORKSPACE, Library, Record
from bot.models import Person, SharedFile, ThreadKey
from bot.reading import Reading
from bot.sources import Sources
from bot.tools.list_files import ListFiles, list_files
from bot.tools.read_file import PAGE, ReadFile, read_file
from bot.tools.tool import Asking
from tests.asking import NO_OFFICE, NO_SCHEDULING, asking
from tests.library_world import World, png, world

__all__ = ["world"]


class Allowing(Access):
    """An access that allows some places, whoever asks. What the real one allows is shown in its own tests."""

    def __init__(self, *channels: str, workspace: bool = False) -> None:
        self.channels, self.workspace = channels, workspace

    async def place(self, wanted: str, asker: str, destination: ThreadKey) -> Place:  # noqa: ARG002  # the base's arguments
        if wanted not in self.channels:
            raise ToolRefused("There is no such place.")
        return Place(wanted, "somewhere", "channel")

    async def searchable(self, asker: str, destination: ThreadKey, stored: Sequence[str]) -> Searchable:  # noqa: ARG002  # likewise
        return Searchable(tuple(sorted(set(stored) & set(self.channels))), self.workspace)


class Notes(list[tuple[str, str]]):
    """The footer's lines."""

    def note(self, text: str, instead_of: str) -> None:
        self[:] = [n for n in self if not n[0].startswith(instead_of)] + [(text, instead_of)]


def asked(world: World, library: Library, *places: str, workspace: bool = False) -> tuple[Asking, Notes]:
    """A question in #general, by Raj."""
    notes = Notes()
    sources = Sources(
        access=Allowing(*places, workspace=workspace),
        reading=cast("Reading", None),
        library=library,
        drawn=Drawn(world.database, world.team, "conv_1"),
        office=NO_OFFICE,
        scheduling=NO_SCHEDULING,
        spend=lambda _: None,
        note=notes.note,
    )
    raj = Person(world.server.workspace.person("raj").id, "Raj", "Asia/Kolkata")
    return asking(world.database, raj, world.thread(), sources=sources), notes


async def read(asking: Asking, file: str, from_character: int | None = None) -> dict[str, Any]:
    return cast("dict[str, Any]", await read_file.run(ReadFile(file=file, from_character=from_character), asking))


async def listed(asking: Asking, name: str | None = None) -> dict[str, Any]:
    return cast("dict[str, Any]", await list_files.run(ListFiles(name=name), asking))


async def taken(world: World, library: Library, name: str, content: bytes, channel: str = "general") -> Record:
    return await library.take(world.share(name, content, channel), world.thread(channel))


async def test_a_file_is_read_by_name_id_or_link(world: World) -> None:
    library = world.library()
    record = await taken(world, library, "Policy.md", b"The limit is 180.")
    question, notes = asked(world, library, record.channel)
    link = f"https://acme.slack.com/files/U1/{record.slack_file}/policy.md"
    for wanted in ("policy.md", "olic", record.slack_file, link, f"<{link}|policy.md>"):
        got = await read(question, wanted)
        assert (got["text"], got["file"], got["next"]) == ("The limit is 180.", "Policy.md", None)
        assert got["link"] == record.permalink
    assert [n[0] for n in notes] == ["Read Policy.md."]
    assert await question.sources.drawn.all() == (f"file:{record.search_file}",)


async def test_a_long_file_is_read_page_by_page_and_the_footer_says_how_far(world: World) -> None:
    library = world.library()
    text = "\n".join(f"line {n}" for n in range(3000))
    record = await taken(world, library, "<long>.txt", text.encode())
    question, notes = asked(world, library, record.channel)
    pieces: list[str] = []
    at: int | None = 0
    while at is not None:
        got = await read(question, record.slack_file, at)
        assert len(got["text"]) <= PAGE
        pieces.append(got["text"])
        at = got["next"]
        if len(pieces) == 1:
            assert notes[0][0] == f"Read &lt;long&gt;.txt up to character 12,000 of {len(text):,}."
    assert "".join(pieces) == text
    assert [n[0] for n in notes] == ["Read &lt;long&gt;.txt."]
    with pytest.raises(ToolRefused, match="only"):
        await read(question, record.slack_file, len(text))


async def test_of_two_files_of_one_name_the_newest_is_read_and_the_other_told_of(world: World) -> None:
    library = world.library()
    old = await taken(world, library, "plan.md", b"old plan")
    await taken(world, library, "plan.md", b"new plan")
    question, _ = asked(world, library, old.channel)
    got = await read(question, "plan.md")
    assert got["text"] == "new plan"
    assert old.slack_file in got["hint"]


async def test_a_file_of_a_place_that_may_not_be_read_is_not_there(world: World) -> None:
    """Byte for byte the same words as for a file that does not exist."""
    library = world.library()
    record = await taken(world, library, "payroll.md", b"Salaries", "leads")
    unread = world.share("unread.md", b"Secret", "leads")
    question, notes = asked(world, library, world.thread().channel)
    said = set()
    for wanted in ("payroll.md", record.slack_file, unread.id, "unread.md", "F0NOTTHERE", "nothing.md"):
        with pytest.raises(ToolRefused) as refused:
            await read(question, wanted)
        said.add(str(refused.value))
    assert len(said) == 1
    assert not notes
    assert await question.sources.drawn.all() == ()
    assert await listed(question) == {"files": [], "more": 0}
    assert len(await world.files()) == 1, "nothing was taken in"


async def test_a_file_that_was_never_taken_in_is_read_where_its_channel_may_be(world: World) -> None:
    library = world.library()
    shared = world.share("minutes.md", b"We decided.", "engineering")
    place = world.thread("engineering").channel
    question, _ = asked(world, library, place)
    assert (await read(question, shared.id))["text"] == "We decided."
    assert [a["channel"] for a in (await world.attached()).values()] == [place]
    assert f"channel:{place}" in await question.sources.drawn.all()


async def test_what_another_place_says_is_noted_also_when_it_is_only_a_name(world: World) -> None:
    library = world.library()
    record = await taken(world, library, "all.zip", b"PK\x03\x04 content", "engineering")
    question, _ = asked(world, library, record.channel)
    with pytest.raises(ToolRefused, match=r"^all\.zip cannot be read: .*archive"):
        await read(question, "all.zip")
    assert await question.sources.drawn.all() == (f"channel:{record.channel}",)


async def test_an_image_has_no_text(world: World) -> None:
    library = world.library()
    record = await taken(world, library, "logo.png", png())
    with pytest.raises(ToolRefused, match="has no text"):
        await read(asked(world, library, record.channel)[0], "logo.png")


async def test_the_list_tells_name_kind_time_person_and_link(world: World) -> None:
    library = world.library()
    await taken(world, library, "policy.md", b"The limit")
    await taken(world, library, "empty.txt", b"")
    place = (await taken(world, library, "logo.png", png())).channel
    question, _ = asked(world, library, place)
    files = (await listed(question))["files"]
    assert [f["name"] for f in files] == ["logo.png", "empty.txt", "policy.md"]
    assert (files[2]["kind"], files[2]["by"]) == ("text", "Ana Becker")
    assert files[2]["link"].startswith("http")
    assert "empty" in files[1]["cannot be read"]
    assert [f["name"] for f in (await listed(question, "POL"))["files"]] == ["policy.md"]
    assert await question.sources.drawn.all() == ()


@pytest.mark.parametrize(("visibility", "sources"), [(WORKSPACE, ("workspace",)), (EVERYONE, ())])
async def test_knowledge_is_listed_and_noted_by_who_may_know_it(
    world: World, visibility: str, sources: tuple[str, ...]
) -> None:
    library = world.library()
    shared: SharedFile = world.share("handbook.md", b"Be kind.")
    record = await library.take(shared, ThreadKey(world.team, KNOWLEDGE, ""), visibility=visibility)
    question, _ = asked(world, library, workspace=True)
    (told,) = (await listed(question))["files"]
    assert (told["by"], "link" in told) == ("given to the assistant by an admin", False), "nobody else could open it"
    assert await question.sources.drawn.all() == sources
    assert (await read(question, "handbook.md"))["text"] == "Be kind."
    assert await question.sources.drawn.all() == tuple(sorted((*sources, f"file:{record.search_file}")))


@pytest.mark.parametrize("tool", [read_file, list_files])
def test_the_schema_is_strict(tool: Any) -> None:
    schema = tool.schema()
    assert schema["strict"]
    assert set(schema["parameters"]["required"]) == set(schema["parameters"]["properties"])
