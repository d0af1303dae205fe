// The workspace as the chosen person sees it, kept up to date by the server's feed.

const RECONNECT = [300, 1000, 2000, 5000]; // milliseconds

export class State {
  constructor(changed) {
    this.changed = changed; // called with what changed: "all", "bot", "home", "modal", or a channel's id
    this.people = new Map();
    this.channels = new Map();
    this.commands = []; // the bot's slash commands
    this.samples = []; // receipts to try expenses out with
    this.me = null;
    this.about = { bot: "starting", model: "" };
    this.online = false;
    this.home = null;
    this.modal = null;
    this.errors = {}; // of the modal, by block
    this.tries = 0;
    this.serial = 0; // an answer that comes after the person was switched is too late
  }

  /** Loads everything as `person` sees it and follows what happens from then on. */
  async become(person) {
    const serial = ++this.serial;
    this.socket?.close();
    this.home = null;
    const socket = new WebSocket(
      `${location.origin.replace("http", "ws")}/playground/live?person=${encodeURIComponent(person)}`,
    );
    this.socket = socket;
    const early = []; // news that come before the state they belong to
    let ready = false;
    socket.onmessage = ({ data }) => (ready ? this.apply(JSON.parse(data)) : early.push(JSON.parse(data)));
    socket.onclose = () => serial === this.serial && this.lost(person);
    await new Promise((resolve) => {
      socket.onopen = resolve;
      socket.onerror = resolve;
    });
    if (serial !== this.serial || socket.readyState !== WebSocket.OPEN) return;
    try {
      const answer = await fetch(`/playground/state?person=${encodeURIComponent(person)}`);
      const all = await answer.json();
      if (serial !== this.serial) return;
      this.take(all);
    } catch {
      socket.close();
      return;
    }
    ready = true;
    this.online = true;
    this.tries = 0;
    early.forEach((news) => this.apply(news));
    this.changed("all");
  }

  lost(person) {
    this.online = false;
    this.changed("bot");
    setTimeout(() => this.become(person), RECONNECT[Math.min(this.tries++, RECONNECT.length - 1)]);
  }

  take(all) {
    this.team = all.team;
    this.bot = all.bot_user_id;
    this.about = all.about;
    this.commands = all.commands;
    this.samples = all.samples;
    this.modal = all.modal;
    this.errors = all.errors;
    this.people = new Map(all.people.map((p) => [p.id, p]));
    this.me = this.people.get(all.me);
    this.channels = new Map(
      all.channels.map((c) => [
        c.id,
        { ...c, statuses: new Map(Object.entries(c.statuses)), messages: new Map(c.messages.map((m) => [m.ts, m])) },
      ]),
    );
    for (const whisper of all.whispers) this.channels.get(whisper.channel)?.messages.set(whisper.ts, whisper);
  }

  apply(news) {
    if (news.reload) return void this.become(this.me.id);
    if (news.bot) {
      this.about.bot = news.bot;
      return this.changed("bot");
    }
    if (news.home) {
      this.home = news.home;
      return this.changed("home");
    }
    if (news.modal !== undefined) {
      this.modal = news.modal;
      this.errors = news.errors;
      return this.changed("modal");
    }
    const channel = this.channels.get(news.channel);
    if (!channel) return void this.become(this.me.id); // one that was just made
    if (news.message) channel.messages.set(news.message.ts, news.message);
    if (news.deleted) channel.messages.delete(news.deleted);
    if (news.thread_ts) {
      if (news.status) channel.statuses.set(news.thread_ts, news.status);
      else channel.statuses.delete(news.thread_ts);
    }
    this.changed(news.channel, news);
  }

  /** The channel's top level, oldest first. */
  top(channel) {
    return sorted(
      [...channel.messages.values()].filter(
        (m) => !m.thread_ts || m.thread_ts === m.ts || m.subtype === "thread_broadcast",
      ),
    );
  }

  /** A thread, its root first. */
  thread(channel, root) {
    return sorted([...channel.messages.values()].filter((m) => m.ts === root || m.thread_ts === root));
  }

  /** The name for an id of a person or a channel; for "me" the reader's own id, for "tz" their time zone. */
  names = (id) => {
    if (id === "me") return this.me?.id;
    if (id === "tz") return this.me?.tz;
    return this.people.get(id)?.name ?? this.channels.get(id)?.name;
  };

  /** What the person sees as a channel's name. */
  title(channel) {
    return channel.kind === "im"
      ? (this.people.get(channel.members.find((id) => id !== this.me.id))?.real_name ?? "You")
      : channel.name;
  }
}

const sorted = (messages) => messages.sort((a, b) => (a.ts < b.ts ? -1 : 1));

/** Asks the server to do something for a person; the answer, or an Error whose message may be shown. */
export async function act(name, body) {
  const form = body instanceof FormData;
  let answer;
  try {
    answer = await fetch(`/playground/${name}`, {
      method: "POST",
      body: form ? body : JSON.stringify(body),
      headers: form ? {} : { "Content-Type": "application/json" },
    });
  } catch {
    throw new Error("The playground does not answer. Is it still running?");
  }
  const said = await answer.json().catch(() => ({ error: `The playground answered ${answer.status}.` }));
  if (!answer.ok) throw new Error(said.error || `The playground answered ${answer.status}.`);
  return said;
}
