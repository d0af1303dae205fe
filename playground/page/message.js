// One message as a tree.
import { blocks } from "./blocks.js";
import { h, link } from "./dom.js";
import { emoji } from "./inline.js";
import { mrkdwn } from "./mrkdwn.js";

/** Hours and minutes of a Slack ts, in a time zone. */
export const time = (ts, tz) =>
  new Intl.DateTimeFormat("en", { timeZone: tz, hour: "numeric", minute: "2-digit" }).format(ts * 1000);

/** The day of a Slack ts, in a time zone, as words. */
export function day(ts, tz) {
  const words = (at) =>
    new Intl.DateTimeFormat("en", { timeZone: tz, weekday: "long", day: "numeric", month: "long" }).format(at);
  const said = words(ts * 1000);
  return said === words(Date.now()) ? "Today" : said === words(Date.now() - 86_400_000) ? "Yesterday" : said;
}

/** A person's picture: initials on a colour that follows from the id. */
export function avatar(person, size = "") {
  if (!person || person.is_bot) return h("span", { class: `avatar bot ${size}`, "aria-hidden": "true" }, "✦");
  const initials = person.real_name
    .split(/\s+/)
    .map((w) => w[0])
    .slice(0, 2)
    .join("");
  const hue = [...person.id].reduce((sum, c) => (sum * 31 + c.charCodeAt(0)) % 360, 7);
  return h("span", { class: `avatar ${size}`, hue: String(hue), "aria-hidden": "true" }, initials);
}

/** A message. `follows`: the same person has just spoken. `page` does things: thread, edit, remove, react, press, dropFile. */
export function message(m, state, channel, page, { follows = false, threaded = false } = {}) {
  if (m.subtype === "tombstone") return h("article", { class: "message gone" }, m.text);
  const who = state.people.get(m.user),
    tz = state.me.tz,
    own = m.user === state.me.id && !m.to;
  const look = { names: state.names, press: (action, value) => page.press(channel, m, action, value) };
  const name = who?.real_name ?? (m.user === "USLACKBOT" ? "Slackbot" : m.user);
  const body =
    m.subtype === "channel_join"
      ? h("em", {}, mrkdwn(m.text, state.names))
      : m.blocks?.length
        ? blocks(m.blocks, look)
        : h("div", {}, mrkdwn(m.text || "", state.names));
  const at = h("time", { title: `${day(m.ts, tz)} ${time(m.ts, tz)} (${tz})` }, time(m.ts, tz));
  return h(
    "article",
    {
      class: `message ${follows ? "follows" : ""} ${m.to ? "whisper" : ""}`,
      "aria-label": `${name}, ${time(m.ts, tz)}`,
    },
    follows ? h("span", { class: "gutter" }, at) : avatar(who),
    h(
      "div",
      { class: "body" },
      m.to && h("div", { class: "context" }, "👁 Only visible to you"),
      !follows &&
        h("div", { class: "head" }, h("strong", {}, name), who?.is_bot && h("span", { class: "badge" }, "APP"), at),
      body,
      m.edited && h("span", { class: "edited" }, "(edited)"),
      (m.files || []).map((f) => file(f, state, page)),
      m.reactions && reactions(m, state, channel, page),
      !threaded && replies(m, state, channel, page),
    ),
    !m.to && tools(m, own, channel, page, threaded),
  );
}

function file(f, state, page) {
  if (f.mode === "tombstone" || f.mode === "hidden_by_limit" || !f.name)
    return h("div", { class: "file gone" }, f.mode === "tombstone" ? "This file was deleted." : "This file is not shown.");
  const address = `/playground/files/${encodeURIComponent(f.id)}?person=${state.me.id}`;
  const may = f.user === state.me.id || state.me.is_admin;
  const card = f.is_external
    ? link(f.url_private, `${f.title} ↗`)
    : h(
        "a",
        { class: "file-link", href: address, download: f.name },
        PICTURES.includes(f.mimetype)
          ? h("img", { class: "picture", src: `${address}&inline`, alt: f.alt_txt || f.title || f.name })
          : h("span", { class: "file-kind" }, f.pretty_type || "FILE"),
        h("span", {}, h("strong", {}, f.title || f.name), h("small", {}, size(f.size))),
      );
  return h(
    "div",
    { class: "file" },
    card,
    f.transcription?.preview && h("small", {}, `“${f.transcription.preview.content}”`),
    may &&
      h(
        "button",
        { type: "button", class: "drop", title: "Delete file", "aria-label": `Delete ${f.name}`, onclick: () => page.dropFile(f) },
        "🗑",
      ),
  );
}

const PICTURES = ["image/png", "image/jpeg", "image/gif", "image/webp"];

const size = (bytes) =>
  bytes < 1024
    ? `${bytes} B`
    : bytes < 1_048_576
      ? `${Math.round(bytes / 1024)} KB`
      : `${(bytes / 1_048_576).toFixed(1)} MB`;

function reactions(m, state, channel, page) {
  return h(
    "div",
    { class: "reactions" },
    m.reactions.map((r) => {
      const names = r.users.map((u) => state.people.get(u)?.real_name ?? u).join(", ");
      const mine = r.users.includes(state.me.id);
      return h(
        "button",
        {
          type: "button",
          class: `reaction ${mine ? "mine" : ""}`,
          "aria-pressed": String(mine),
          title: `${names} reacted with :${r.name}:`,
          onclick: () => page.react(channel, m, r.name),
        },
        `${emoji(r.name)} ${r.count}`,
      );
    }),
  );
}

function replies(m, state, channel, page) {
  const status = state.channels.get(channel.id).statuses.get(m.ts);
  if (!m.reply_count) return status && h("div", { class: "context working" }, `CorporateAssist ${status}`);
  return h(
    "button",
    { type: "button", class: "replies", onclick: () => page.thread(channel, m.ts) },
    (m.reply_users || []).map((u) => avatar(state.people.get(u), "small")),
    h("strong", {}, `${m.reply_count} ${m.reply_count === 1 ? "reply" : "replies"}`),
    status
      ? h("span", { class: "working" }, `CorporateAssist ${status}`)
      : h("span", { class: "muted" }, `Last at ${time(m.latest_reply, state.me.tz)}`),
  );
}

function tools(m, own, channel, page, threaded) {
  const tool = (sign, words, does) =>
    h("button", { type: "button", title: words, "aria-label": words, onclick: does }, sign);
  return h(
    "div",
    { class: "tools" },
    tool("👍", "React with thumbs up", () => page.react(channel, m, "thumbsup")),
    !threaded && tool("💬", "Reply in thread", () => page.thread(channel, m.thread_ts || m.ts)),
    own && tool("✎", "Edit message", () => page.edit(channel, m)),
    own && tool("🗑", "Delete message", () => page.remove(channel, m)),
  );
}
