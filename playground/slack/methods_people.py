"""auth, bots, team, users, usergroups."""

from collections.abc import Callable
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from playground.slack.arguments import SlackError
from playground.slack.lookup import known, page
from playground.slack.state import Json, Person
from playground.slack.workspace import Workspace


def user_object(ws: Workspace, person: Person) -> Json:
    """A person as the API shows her; the e-mail address only to tokens with users:read.email."""
    if person.deleted:  # Slack tells little of who has left
        return _left(ws, person)
    offset = datetime.fromtimestamp(ws.clock(), UTC).astimezone(ZoneInfo(person.tz)).utcoffset()
    return {
        "id": person.id, "team_id": person.team_id or ws.app.team_id, "name": person.name, "deleted": person.deleted,
        "color": "9f69e7", "real_name": person.real_name, "tz": person.tz, "tz_label": person.tz,
        "tz_offset": int(offset.total_seconds()) if offset else 0, "profile": profile_object(ws, person),
        "is_admin": person.is_admin, "is_owner": False, "is_primary_owner": False, "is_restricted": person.is_restricted,
        "is_ultra_restricted": person.is_ultra_restricted, "is_bot": person.is_bot, "is_app_user": False,
        "is_stranger": is_stranger(ws, person), "updated": 0, "is_email_confirmed": True, "locale": "en-US",
    }  # fmt: skip


def is_stranger(ws: Workspace, person: Person) -> bool:
    """Slack's meaning: of another company AND in none of the channels that the app sees. `team_id` tells of the company."""
    together = (c for c in ws.channels.values() if person.id in c.members)
    return bool(person.team_id) and not any(not c.is_private or ws.app.bot_user_id in c.members for c in together)


def _left(ws: Workspace, person: Person) -> Json:
    shown = {"id": person.id, "team_id": person.team_id or ws.app.team_id, "name": person.name, "deleted": True}
    return shown | {"profile": profile_object(ws, person), "is_bot": person.is_bot, "is_app_user": False, "updated": 0}


def profile_object(ws: Workspace, person: Person) -> Json:
    """A profile."""
    shown: Json = {
        "title": person.title, "phone": "", "real_name": person.real_name, "real_name_normalized": person.real_name,
        # Nobody has set one, as with most people: clients show the real name then.
        "display_name": "", "display_name_normalized": "", "status_text": "", "status_emoji": "",
        "first_name": person.real_name.split()[0], "last_name": person.real_name.split()[-1],
        "fields": None,  # users.profile.get alone tells them
        "team": person.team_id or ws.app.team_id,
    }  # fmt: skip
    if person.is_bot:
        shown |= {"api_app_id": ws.app.app_id, "bot_id": ws.app.bot_id}
    elif person.email and "users:read.email" in ws.app.scopes:
        shown["email"] = person.email
    return shown


def auth_test(ws: Workspace, _args: Json) -> Json:
    """auth.test."""
    app = ws.app
    who = {"user": app.bot_name, "user_id": app.bot_user_id, "bot_id": app.bot_id}
    return {
        "url": f"{app.origin}/",
        "team": app.team_name,
        "team_id": app.team_id,
        "is_enterprise_install": False,
    } | who


def api_test(_ws: Workspace, args: Json) -> Json:
    """api.test."""
    if args.get("error"):
        raise SlackError(args["error"], args=args)
    return {"args": args}


def bots_info(ws: Workspace, args: Json) -> Json:
    """bots.info."""
    app = ws.app
    if args.get("bot", app.bot_id) != app.bot_id:
        raise SlackError("bot_not_found")
    bot = {"id": app.bot_id, "deleted": False, "name": app.bot_real_name, "updated": 0, "app_id": app.app_id}
    return {"bot": bot | {"user_id": app.bot_user_id, "icons": {}}}


def team_info(ws: Workspace, args: Json) -> Json:
    """team.info."""
    if args.get("team", ws.app.team_id) != ws.app.team_id:
        raise SlackError("team_not_found")
    return {
        "team": {
            "id": ws.app.team_id,
            "name": ws.app.team_name,
            "domain": ws.app.team_domain,
            "email_domain": "",
            "icon": {},
        }
    }


def users_info(ws: Workspace, args: Json) -> Json:
    """users.info."""
    return {"user": user_object(ws, known(ws, args["user"]))}


def users_list(ws: Workspace, args: Json) -> Json:
    """users.list: everybody, also those who left and those of other companies who share a channel; all at once without a limit."""
    listed = [p for p in ws.people.values() if not is_stranger(ws, p)]
    part, metadata = page(listed, args, default=1000)
    return {"members": [user_object(ws, p) for p in part], "cache_ts": int(ws.clock())} | metadata


def users_lookup_by_email(ws: Workspace, args: Json) -> Json:
    """users.lookupByEmail."""
    wanted = args["email"].casefold()
    person = next((p for p in ws.people.values() if p.email.casefold() == wanted and not p.deleted), None)
    if person is None:
        raise SlackError("users_not_found")
    return {"user": user_object(ws, person)}


def users_profile_get(ws: Workspace, args: Json) -> Json:
    """users.profile.get: with the fields that this company has added to its people's profiles."""
    person = known(ws, args.get("user") or ws.app.bot_user_id)
    fields = _custom_fields(person, labelled=bool(args.get("include_labels")))
    return {"profile": profile_object(ws, person) | {"fields": fields}}


def _custom_fields(person: Person, *, labelled: bool) -> Json | list[Json]:
    """By id. A field of the type "user" holds a person's id. Who has none gets an empty array, where others get an object."""
    values = {} if person.is_bot else {("Xf00OFFICE", "Office"): person.tz.rpartition("/")[2].replace("_", " ")}
    if person.manager:
        values["Xf0MANAGER", "Manager"] = person.manager
    told = {id_: {"value": v, "alt": ""} | ({"label": label} if labelled else {}) for (id_, label), v in values.items()}
    return told or []


def usergroups_list(ws: Workspace, args: Json) -> Json:
    """usergroups.list."""
    shown = []
    for group in ws.usergroups.values():
        if group.get("date_delete") and not args.get("include_disabled"):
            continue
        users = {"users": group["users"]} if args.get("include_users") else {}
        count = {"user_count": len(group["users"])} if args.get("include_count") else {}
        base = {
            "id": group["id"],
            "team_id": ws.app.team_id,
            "is_usergroup": True,
            "name": group["name"],
            "handle": group["handle"],
        }
        shown.append(base | {"description": "", "date_delete": group.get("date_delete", 0)} | users | count)
    return {"usergroups": shown}


def usergroups_users_list(ws: Workspace, args: Json) -> Json:
    """usergroups.users.list."""
    if args["usergroup"] not in ws.usergroups:
        raise SlackError("no_such_subteam")
    return {"users": ws.usergroups[args["usergroup"]]["users"]}


METHODS: dict[str, Callable[[Workspace, Json], Json]] = {
    "api.test": api_test,
    "auth.test": auth_test,
    "bots.info": bots_info,
    "team.info": team_info,
    "users.info": users_info,
    "users.list": users_list,
    "users.lookupByEmail": users_lookup_by_email,
    "users.profile.get": users_profile_get,
    "usergroups.list": usergroups_list,
    "usergroups.users.list": usergroups_users_list,
}
