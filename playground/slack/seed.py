"""The workspace a new playground starts with: Acme."""

from playground.slack.installation import Installation
from playground.slack.state import Person, make_id
from playground.slack.workspace import Workspace

_PEOPLE = (
    ("ana", "Ana Becker", "Europe/Berlin", "Head of Finance"),
    ("raj", "Raj Patel", "Asia/Kolkata", "Staff Engineer"),
    ("kim", "Kim Novak", "America/New_York", "Product Manager"),
    ("lee", "Lee Chen", "America/Los_Angeles", "Designer"),
    ("maria", "Maria García", "Europe/Madrid", "People Partner"),
    ("gus", "Gus Ortega", "Europe/Lisbon", "Contractor"),
    ("dana", "Dana Weiss", "Europe/Berlin", "Managing Director"),
)
# Ana is the head of finance. Who has no manager is a case of its own: the head of the company, and the contractor.
_MANAGERS = {"ana": "dana", "raj": "dana", "kim": "dana", "maria": "dana", "lee": "kim"}


def seed(ws: Workspace, app: Installation) -> None:
    """Fill an empty workspace."""
    for name, real_name, tz, title in _PEOPLE:
        person = Person(make_id("U", name), name, real_name, f"{name}@acme.example", tz, title)
        ws.add_person(person)
    for name, manager in _MANAGERS.items():
        ws.set_manager(name, manager)
    ws.person("ana").is_admin = True
    ws.person("gus").is_restricted = ws.person("gus").is_ultra_restricted = True
    bot = Person(app.bot_user_id, app.bot_name, app.bot_real_name, "", "America/Los_Angeles", is_bot=True)
    ws.add_person(bot)
    staff = ["ana", "raj", "kim", "lee", "maria", "dana"]
    for name in ("general", "random", "engineering"):
        ws.add_channel(name, [*staff, app.bot_user_id])
    ws.add_channel("guests-only", ["gus", "ana"])
    ws.add_channel("payroll", ["ana", "maria"], kind="group")
    ws.add_channel("leads", ["ana", "raj", "kim", app.bot_user_id], kind="group")
    group = {
        "id": "S0ENGINEERS",
        "handle": "engineers",
        "name": "Engineers",
        "users": [ws.person(p).id for p in ("raj", "lee")],
    }
    ws.usergroups[group["id"]] = group  # type: ignore[index]  # the id is a str
