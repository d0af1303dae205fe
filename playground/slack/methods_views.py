"""views.*."""

from collections.abc import Callable

from playground.slack.arguments import SlackError
from playground.slack.blocks import check_view
from playground.slack.lookup import known
from playground.slack.state import Json
from playground.slack.views import Trigger
from playground.slack.workspace import Workspace

MAX_STACK = 3  # a modal and two pushed above it


def views_open(ws: Workspace, args: Json) -> Json:
    """views.open."""
    check_view(args["view"], "modal")
    trigger = _trigger(ws, args)
    view = ws.store_view(args["view"])
    ws.modals[trigger.user] = [view["id"]]
    ws.show_modal(trigger.user)
    return {"view": view}


def views_push(ws: Workspace, args: Json) -> Json:
    """views.push: above the modal in which the person acted."""
    check_view(args["view"], "modal")
    trigger = _trigger(ws, args)
    stack = ws.modals.get(trigger.user, [])
    if not stack or trigger.view_id not in stack:
        raise SlackError("not_found")
    if len(stack) >= MAX_STACK:
        raise SlackError("push_limit_reached")
    view = ws.store_view(args["view"], root=stack[0], previous=stack[-1])
    stack.append(view["id"])
    ws.show_modal(trigger.user)
    return {"view": view}


def views_update(ws: Workspace, args: Json) -> Json:
    """views.update: by view_id or external_id."""
    by_external = (v for v in ws.views.values() if v["external_id"] and v["external_id"] == args.get("external_id"))
    old = ws.views.get(args["view_id"]) if args.get("view_id") else next(by_external, None)
    if old is None:
        raise SlackError("not_found")
    check_view(args["view"], old["type"])
    _check_hash(old, args)
    return {"view": ws.store_view(args["view"], view_id=old["id"])}


def views_publish(ws: Workspace, args: Json) -> Json:
    """views.publish: a person's Home tab."""
    check_view(args["view"], "home")
    user = known(ws, args["user_id"])
    view_id = ws.homes.get(user.id, "")
    if view_id:
        _check_hash(ws.views[view_id], args)
    view = ws.store_view(args["view"], view_id=view_id)
    ws.homes[user.id] = view["id"]
    return {"view": view}


def _check_hash(old: Json, args: Json) -> None:
    if args.get("hash") and args["hash"] != old["hash"]:
        raise SlackError("hash_conflict")


def _trigger(ws: Workspace, args: Json) -> Trigger:
    trigger = ws.triggers.get(args.get("trigger_id") or args.get("interactivity_pointer") or "")
    if trigger is None:
        raise SlackError("invalid_trigger_id")
    if trigger.used:
        raise SlackError("exchanged_trigger_id")
    if ws.clock() > trigger.expires:
        raise SlackError("expired_trigger_id")
    trigger.used = True
    return trigger


METHODS: dict[str, Callable[[Workspace, Json], Json]] = {
    "views.open": views_open,
    "views.push": views_push,
    "views.update": views_update,
    "views.publish": views_publish,
}
