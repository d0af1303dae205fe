"""The app as it is installed in the workspace."""

from dataclasses import dataclass, field

SCOPES = (
    "app_mentions:read assistant:write chat:write commands channels:history groups:history im:history mpim:history "
    "channels:read groups:read im:read mpim:read im:write users:read users:read.email files:read files:write "
    "reactions:write usergroups:read users.profile:read search:read.public search:read.files search:read.users"
)
SUBSCRIPTIONS = (
    "app_mention message.channels message.groups message.im message.mpim app_home_opened agent_session_stopped "
    "file_deleted member_joined_channel member_left_channel channel_left group_left"
)


@dataclass(slots=True)
class Installation:
    """Ids, tokens, scopes and event subscriptions of the one installed app.

    `scopes` and `subscriptions` may be changed at any time, as an admin may reinstall an app with others. `commands` are
    its slash commands, each with the manifest's `should_escape`.
    `origin` is where the workspace is served, e.g. "http://127.0.0.1:8080"; empty until it is known.
    """

    team_id: str = "T0PLAYGRND"
    team_name: str = "Acme"
    team_domain: str = "acme"
    app_id: str = "A0ASSISTANT"
    bot_id: str = "B0ASSISTANT"
    bot_user_id: str = "U000ASSIST"
    bot_name: str = "assist"
    bot_real_name: str = "CorporateAssist"
    bot_token: str = "xoxb-playground-bot"
    app_token: str = "xapp-playground-app"
    signing_secret: str = "playground-signing-secret"
    verification_token: str = "playground-verification"
    scopes: set[str] = field(default_factory=lambda: set(SCOPES.split()))
    subscriptions: set[str] = field(default_factory=lambda: set(SUBSCRIPTIONS.split()))
    commands: dict[str, bool] = field(default_factory=lambda: {"/expenses": True, "/meet": True})
    origin: str = ""
