// The parts of the page as trees: sidebar, channel, thread, Home.
import { blocks } from "./blocks.js";
import { h } from "./dom.js";
import { avatar, day, message } from "./message.js";

const PAUSE = 300; // seconds after which the same person's next message gets its name again
const SIGNS = { channel: "#", group: "🔒", im: "", mpim: "" };
export const TRIES = [
  ["👋", "@assist hello! What can you do?"],
  ["📊", "@assist show me a table"],
  ["🧠", "@assist remember that I prefer meetings in the morning"],
];

/** The workspace's channels and direct messages. `unread` holds ids of channels with news. */
export function sidebar(state, place, unread, page) {
  const row = (channel, sign, words, view = "messages") => {
    const here = place.channel === channel.id && place.view === view;
    return h(
      "button",
      {
        type: "button",
        class: `row ${here ? "here" : ""} ${unread.has(channel.id) && !here ? "unread" : ""}`,
        "aria-current": here ? "page" : false,
        onclick: () => page.open(channel.id, view),
      },
      h("span", { class: "sign", "aria-hidden": "true" }, sign),
      h("span", {}, words),
      channel.is_archived && h("small", {}, "archived"),
    );
  };
  const all = [...state.channels.values()];
  const named = all
    .filter((c) => c.kind === "channel" || c.kind === "group")
    .sort((a, b) => (b.name === "general") - (a.name === "general") || a.name.localeCompare(b.name));
  return [
    h("div", { class: "workspace" }, h("strong", {}, state.team), h("span", { class: "badge" }, "Playground")),
    h(
      "nav",
      { "aria-label": "Channels" },
      h("h2", {}, "Channels"),
      named.map((c) => row(c, c.kind === "group" ? h("span", { title: "private" }, "🔒") : "#", c.name)),
    ),
    h(
      "nav",
      { "aria-label": "Direct messages" },
      h("h2", {}, "Direct messages"),
      all
        .filter((c) => c.kind === "im" || c.kind === "mpim")
        .map((c) => row(c, avatar(state.people.get(state.bot), "small"), state.title(c))),
    ),
    h(
      "nav",
      { "aria-label": "Apps" },
      h("h2", {}, "Apps"),
      all.filter((c) => c.kind === "im").map((c) => row(c, "⌂", "CorporateAssist Home", "home")),
    ),
  ];
}

/** The menu of who one is. */
export function people(state, page) {
  return h(
    "ul",
    { role: "menu", "aria-label": "Be somebody else" },
    [...state.people.values()]
      .filter((p) => !p.is_bot)
      .map((p) =>
        h(
          "li",
          { role: "none" },
          h(
            "button",
            {
              type: "button",
              role: "menuitemradio",
              "aria-checked": String(p.id === state.me.id),
              onclick: () => page.become(p.id),
            },
            avatar(p, "small"),
            h(
              "span",
              {},
              h("strong", {}, p.real_name),
              h("small", {}, `${p.title}${p.is_guest ? ", guest" : ""} · ${localTime(p)}`),
            ),
          ),
        ),
      ),
  );
}

const localTime = (p) =>
  `${new Intl.DateTimeFormat("en", { timeZone: p.tz, hour: "numeric", minute: "2-digit" }).format(Date.now())} in ${p.tz.split("/").at(-1).replaceAll("_", " ")}`;

/** The note above everything: what this is, who answers, how the bot is. */
export function note(state) {
  const { bot, model, limits } = state.about;
  const how = !state.online
    ? "Connecting to the playground…"
    : bot === "connected"
      ? ""
      : bot === "starting"
        ? "The bot is starting…"
        : `The bot ${bot}`;
  return [
    h(
      "span",
      {},
      h("strong", {}, "Playground. "),
      h("span", { class: "more" }, "A Slack workspace on this computer; the bot is the real one. "),
      model
        ? `Answers come from OpenAI (${model}).`
        : "Answers come from a small rule-based model, not a language model: set OPENAI_API_KEY for the real one.",
      limits ? " Slack’s and OpenAI’s rate limits are on." : "",
    ),
    how && h("span", { class: "alert", role: "status" }, how),
  ];
}

/** The heading of a channel. */
export function heading(state, channel, place, page) {
  const tab = (view, words) =>
    h(
      "button",
      {
        type: "button",
        class: place.view === view ? "tab here" : "tab",
        "aria-current": place.view === view ? "page" : false,
        onclick: () => page.open(channel.id, view),
      },
      words,
    );
  const people = channel.members.filter((id) => !state.people.get(id)?.is_bot).length;
  const there = channel.members.includes(state.bot);
  return [
    h("button", { type: "button", class: "menu", "aria-label": "Show channels", onclick: page.sidebar }, "☰"),
    h("h1", {}, h("span", { class: "sign", "aria-hidden": "true" }, SIGNS[channel.kind]), state.title(channel)),
    channel.kind === "im"
      ? h("div", { class: "tabs" }, tab("home", "Home"), tab("messages", "Messages"))
      : h(
          "span",
          { class: "muted" },
          `${people} people${there ? " and CorporateAssist" : "; CorporateAssist is not in it"}`,
        ),
  ];
}

/** Rows for messages in order, with a line at each new day: {key, mark, tree()}; a row whose mark is the same looks the same. */
export function messages(state, channel, list, page, options = {}) {
  const out = [];
  let before = null;
  for (const m of list) {
    const newDay = !before || day(before.ts, state.me.tz) !== day(m.ts, state.me.tz);
    if (newDay && !options.threaded)
      out.push({
        key: `day ${m.ts}`,
        mark: day(m.ts, state.me.tz),
        tree: () => h("div", { class: "day" }, h("span", {}, day(m.ts, state.me.tz))),
      });
    const follows =
      !newDay &&
      before.user === m.user &&
      !m.subtype &&
      !before.subtype &&
      !before.to &&
      !m.to &&
      m.ts - before.ts < PAUSE &&
      !before.reply_count;
    out.push({
      key: `${channel.id} ${m.ts}`,
      mark: JSON.stringify([m, follows, state.me.id, channel.statuses.get(m.ts)]),
      tree: () => message(m, state, channel, page, { ...options, follows }),
    });
    before = m;
  }
  return out;
}

/** What stands in an empty channel. */
export function welcome(state, channel, page) {
  const dm = channel.kind === "im";
  const usable = channel.members.includes(state.bot);
  return h(
    "div",
    { class: "welcome" },
    h("h2", {}, dm ? "You and CorporateAssist" : `Welcome to ${SIGNS[channel.kind]}${channel.name}`),
    h(
      "p",
      {},
      usable
        ? `${dm ? "Write to the assistant: this is one running conversation." : "Mention @assist, and it answers in a thread, where it remembers what was said."} Try one:`
        : "CorporateAssist is not a member here: it reads and answers nothing.",
    ),
    usable &&
      h(
        "div",
        { class: "tries" },
        TRIES.map(([sign, words]) => {
          const said = dm ? words.replace("@assist ", "") : words;
          return h(
            "button",
            { type: "button", onclick: () => page.say(channel, said) },
            h("span", { "aria-hidden": "true" }, sign),
            said,
          );
        }),
      ),
  );
}

/** Receipts to share by one click, beside the write box of the direct messages with the bot. */
export function samples(state, channel, page) {
  return h(
    "select",
    {
      "aria-label": "Share a sample receipt",
      onchange: ({ target }) => {
        if (target.value) page.sample(channel, target.value);
        target.value = "";
      },
    },
    h("option", { value: "" }, "Share a sample receipt…"),
    state.samples.map((s) => h("option", { value: s.name }, s.title)),
  );
}

/** The app's Home tab. */
export function home(view, state, page) {
  if (view === undefined) return h("p", { class: "muted" }, "Opening…");
  if (!view) return h("p", { class: "muted" }, "The bot has shown nothing here yet. Is it running?");
  return h(
    "div",
    { class: "home" },
    blocks(view.blocks, { names: state.names, press: (action, value) => page.pressView(view.id, action, value) }),
  );
}
