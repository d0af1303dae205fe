// The page: where one is, what is shown, what one does.
import { Compose } from "./compose.js";
import { fill, h, node } from "./dom.js";
import { followed, named, pending } from "./links.js";
import { showIn } from "./modal.js";
import { heading, home, messages, note, people, samples, sidebar, welcome } from "./panes.js";
import { State, act } from "./state.js";

const $ = (id) => document.getElementById(id);
const place = { channel: "", view: "messages", thread: "" };
const unread = new Set();
let homeView;
let editing = null; // {channel, ts} while a message is rewritten
const state = new State((what, news) =>
  what === "all"
    ? shown()
    : what === "bot"
      ? showNote()
      : what === "home"
        ? showHome(state.home)
        : what === "modal"
          ? showModal()
          : heard(what, news),
);

const page = {
  open(channel, view = "messages") {
    Object.assign(place, { channel, view, thread: "" });
    unread.delete(channel);
    document.body.classList.remove("with-sidebar");
    stopEditing();
    show();
    if (view === "home") openHome();
    else main.box.focus();
  },
  thread(channel, ts) {
    Object.assign(place, { channel: channel.id, view: "messages", thread: ts });
    stopEditing();
    show();
    reply.box.focus();
  },
  async become(person) {
    $("people").hidden = true;
    localStorage.setItem("person", person);
    await state.become(person);
    main.box.focus();
  },
  sidebar: () => document.body.classList.toggle("with-sidebar"),
  say: (channel, text) => say(channel, text, [], "").catch((error) => failed(error.message)),
  sample: (channel, name) => does("sample", { channel: channel.id, name }),
  edit(channel, m) {
    editing = { channel: channel.id, ts: m.ts };
    const box = place.thread ? reply : main;
    box.form.classList.add("editing");
    box.put(plain(m.text));
  },
  remove: (channel, m) => window.confirm("Delete this message?") && does("delete", { channel: channel.id, ts: m.ts }),
  react: (channel, m, name) => does("react", { channel: channel.id, ts: m.ts, name }),
  press: (channel, m, action_id, value) => does("press", { channel: channel.id, ts: m.ts, action_id, value }),
  pressView: (view_id, action_id, value) => does("press", { view_id, action_id, value }),
  dropFile: (f) => window.confirm(`Delete ${f.name} everywhere?`) && does("delete_file", { file: f.id }),
  closeModal: (view) => does("close", { view_id: view.id }),
  submit(view, { values, files }) {
    const form = new FormData();
    Object.entries({ person: state.me.id, view_id: view.id, values: JSON.stringify(values) }).forEach((e) => form.set(...e));
    files.forEach(([block, action, file]) => form.append(`file ${block} ${action}`, file));
    act("submit", form).catch((error) => showModal({ "": error.message }));
  },
};

/** What a person typed, from the text that Slack stores. */
function plain(text) {
  const words = text
    .replace(/<@([^>|]+)[^>]*>/g, (_, id) => `@${state.names(id) ?? id}`)
    .replace(/<#([^>|]+)\|?([^>]*)>/g, (_, id, name) => `#${name || id}`);
  return words
    .replace(/<!(\w+)[^>]*>/g, "@$1")
    .replace(/<(?:mailto:)?([^>|]+)[^>]*>/g, "$1")
    .replaceAll("&lt;", "<")
    .replaceAll("&gt;", ">")
    .replaceAll("&amp;", "&");
}

const does = (name, body) => act(name, { person: state.me.id, ...body }).catch((error) => failed(error.message));

async function say(channel, text, files, thread) {
  if (editing) {
    await act("edit", { person: state.me.id, channel: editing.channel, ts: editing.ts, text });
    return stopEditing();
  }
  $(thread ? "replies" : "messages").dataset.what = ""; // whoever writes sees what they wrote, at the end
  let body = { person: state.me.id, channel: channel.id, text, thread_ts: thread || null };
  if (files.length) {
    const form = new FormData();
    Object.entries(body).forEach(([name, value]) => value && form.set(name, value));
    files.forEach((file) => form.append("file", file));
    body = form;
  }
  const { ts } = await act("say", body);
  // The answer grows in the thread: show it where there will be one.
  if (ts && !thread && channel.kind !== "im" && /(^|\s)@assist\b/.test(text) && channel.members.includes(state.bot))
    page.thread(channel, ts);
}

function stopEditing() {
  if (!editing) return;
  editing = null;
  for (const box of [main, reply]) if (box.form.classList.replace("editing", "idle")) box.put("");
}

let failing;
function failed(words) {
  fill($("failed"), words);
  $("failed").hidden = false;
  clearTimeout(failing);
  failing = setTimeout(() => {
    $("failed").hidden = true;
  }, 6000);
}

const mentionable = () => [state.people.get(state.bot), ...[...state.people.values()].filter((p) => !p.is_bot)];
const main = new Compose($("main-form"), {
  label: "Message",
  people: mentionable,
  commands: () => state.commands,
  failed,
  send: (text, files) => say(current(), text, files, ""),
});
const reply = new Compose($("thread-form"), {
  label: "Reply…",
  people: mentionable,
  failed,
  send: (text, files) => say(current(), text, files, place.thread),
});
const current = () => state.channels.get(place.channel);

/** Everything was loaded, at the start or for another person. */
function shown() {
  if (!current()) {
    const general =
      [...state.channels.values()].find((c) => c.name === "general") ??
      [...state.channels.values()].find((c) => c.kind === "channel") ??
      [...state.channels.values()][0];
    Object.assign(place, { channel: general.id, view: "messages", thread: "" });
  }
  if (place.thread && !current().messages.has(place.thread)) place.thread = "";
  if (place.view === "home") openHome();
  document.body.classList.add("loaded");
  show();
  showModal();
  const path = pending();
  if (path) follow(path);
}

/** Something happened in a channel. */
function heard(id, news) {
  if (id !== place.channel) {
    if (news.message && news.message.user !== state.me.id && !unread.has(id)) {
      unread.add(id);
      showSidebar();
    }
    return;
  }
  schedule();
}

let scheduled = false;
function schedule() {
  if (scheduled) return;
  scheduled = true;
  requestAnimationFrame(() => {
    scheduled = false;
    showChannel();
  });
}

function show() {
  showNote();
  showSidebar();
  showChannel();
}

const showNote = () => fill($("note"), note(state));
function showSidebar() {
  fill($("sidebar"), sidebar(state, place, unread, page));
  fill(
    $("me"),
    h("span", { class: "muted" }, "You are"),
    h("strong", {}, state.me.real_name),
    h("span", { "aria-hidden": "true" }, "▾"),
  );
  fill($("people"), people(state, page));
}

function showChannel() {
  const channel = current(),
    name = state.title(channel),
    isHome = place.view === "home";
  document.body.classList.toggle("with-thread", Boolean(place.thread));
  document.title = `${name} – CorporateAssist playground`;
  fill($("heading"), heading(state, channel, place, page));
  $("main-form").hidden = isHome || channel.is_archived;
  main.relabel(`Message ${channel.kind === "im" ? name : `#${name}`}`);
  showSamples(channel, isHome);
  $("thread").hidden = !place.thread;
  if (isHome) return void showHome(homeView);
  const top = state.top(channel);
  list(
    $("messages"),
    top.length
      ? messages(state, channel, top, page)
      : [{ key: "welcome", mark: `${channel.id} ${state.me.id}`, tree: () => welcome(state, channel, page) }],
    `${channel.id} ${state.me.id}`,
  );
  const statuses =
    channel.kind === "im"
      ? [...channel.statuses].filter(([ts]) => top.some((m) => m.ts === ts)).map(([, status]) => status)
      : [];
  fill($("main-status"), statuses.length ? `CorporateAssist ${statuses.at(-1)}` : "");
  if (!place.thread) return;
  fill($("thread-place"), channel.kind === "im" ? name : `#${name}`);
  list(
    $("replies"),
    messages(state, channel, state.thread(channel, place.thread), page, { threaded: true }),
    `${channel.id} ${place.thread}`,
  );
  fill(
    $("thread-status"),
    channel.statuses.has(place.thread) ? `CorporateAssist ${channel.statuses.get(place.thread)}` : "",
  );
}

/** The sample receipts stand where expenses are kept; made anew only when one goes elsewhere, as a list that is open would close. */
function showSamples(channel, isHome) {
  const where = channel.kind === "im" && !isHome ? channel.id : "";
  if ($("samples").dataset.where === where) return;
  $("samples").dataset.where = where;
  fill($("samples"), where && samples(state, channel, page));
}

/** Brings rows of {key, mark, tree()} to the screen, makes only what changed, and stays at the end if it was there. */
function list(element, rows, what) {
  const atEnd = element.dataset.what !== what || element.scrollHeight - element.scrollTop - element.clientHeight < 80;
  const kept = new Map([...element.children].map((child) => [child.dataset.key, child]));
  const made = rows.map((row) => {
    const old = kept.get(row.key);
    if (old && old.dataset.mark === row.mark) return old;
    const fresh = node(row.tree());
    fresh.dataset.key = row.key;
    fresh.dataset.mark = row.mark;
    return fresh;
  });
  element.replaceChildren(...made);
  element.dataset.what = what;
  element.dataset.end = atEnd ? "yes" : "";
  if (atEnd) element.scrollTop = element.scrollHeight;
}

/** A picture that has come makes its message taller: stay at the end all the same. */
function stay({ currentTarget: element }) {
  if (element.dataset.end) element.scrollTop = element.scrollHeight;
}
for (const id of ["messages", "replies"]) $(id).addEventListener("load", stay, true);

async function openHome() {
  homeView = undefined;
  showHome(homeView);
  try {
    showHome((await act("home", { person: state.me.id })).view);
  } catch (error) {
    failed(error.message);
  }
}

function showHome(view) {
  homeView = view;
  if (place.view !== "home") return;
  fill($("main-status"), "");
  $("messages").dataset.what = "home";
  fill($("messages"), home(view, state, page));
}

const showModal = (errors = state.errors) => showIn($("modal"), errors, state, page);

/** Opens what a permalink names. */
function follow(path) {
  const { channel, message, root } = named(path, state);
  if (!message) return failed("You cannot see what this link leads to.");
  page.open(channel.id);
  if (root) page.thread(channel, root);
  showChannel();
  const row = [...document.querySelectorAll("[data-key]")].findLast((r) => r.dataset.key === `${channel.id} ${message.ts}`);
  row?.scrollIntoView({ block: "center" });
  row?.classList.add("found");
  setTimeout(() => row?.classList.remove("found"), 3000);
}

$("modal").addEventListener("cancel", (event) => {
  event.preventDefault();
  if (state.modal) page.closeModal(state.modal);
});
$("close-thread").addEventListener("click", () => {
  place.thread = "";
  show();
  main.box.focus();
});
$("me").addEventListener("click", () => {
  $("people").hidden = !$("people").hidden;
  $("me").setAttribute("aria-expanded", String(!$("people").hidden));
});
document.addEventListener("click", (event) => {
  if (!event.target.closest("#people, #me")) $("people").hidden = true;
});
followed(follow);
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  if (!$("people").hidden) {
    $("people").hidden = true;
    $("me").focus();
  } else if (document.body.classList.contains("with-sidebar")) page.sidebar();
  else if (editing) stopEditing();
  else if (place.thread) $("close-thread").click();
});
state.become(localStorage.getItem("person") || "ana").then(() => main.box.focus());
