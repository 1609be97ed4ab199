"use strict";
// The page: asks for the state whenever the world changes, and draws only what is different.

const $ = (id) => document.getElementById(id);
const token = document.querySelector("meta[name=token]").content;
const look = { who: null, thread: null, me: null, context: null, touched: false, seen: {}, hold: null };
let state = null;
let dialog = null;

const post = async (path, body = {}) => {
  try {
    const answer = await fetch("/control/" + path, {
      method: "POST", body: JSON.stringify(body),
      headers: { "content-type": "application/json", "x-careline-token": token },
    });
    const said = await answer.json().catch(() => ({}));
    if (!answer.ok || said.error) return toast(said.error || "The demo refused that."), null;
    refresh();
    return said;
  } catch {
    return toast("The demo does not answer. Is it still running?"), null;
  }
};

let toastTimer = 0;
const toast = (text) => {
  $("toast").textContent = text;
  $("toast").hidden = false;
  clearTimeout(toastTimer);
  toastTimer = setTimeout(() => { $("toast").hidden = true; }, 6000);
};
const announce = (text) => { $("live").textContent = text; };

// Keeps nodes that did not change, so that focus, selection and scrolling stay where they are.
const sync = (parent, items, key, build) => {
  const old = new Map([...parent.children].map((el) => [el.dataset.key, el]));
  let at = parent.firstChild;
  for (const item of items) {
    const name = key(item);
    const print = JSON.stringify(item);
    let el = old.get(name);
    old.delete(name);
    if (!el || el.print !== print) {
      const fresh = build(item);
      fresh.dataset.key = name;
      fresh.print = print;
      if (el) {
        fresh.style.animation = "none";
        if (at === el) at = fresh;
        el.replaceWith(fresh);
      }
      el = fresh;
    }
    if (el === at) at = at.nextSibling;
    else parent.insertBefore(el, at);
  }
  for (const el of old.values()) el.remove();
};

const clock = (ms) => new Date(ms).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const short = (ms) => new Date(ms).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
const hue = (text) => [...String(text)].reduce((sum, c) => (sum * 31 + c.codePointAt(0)) % 360, 7);
const face = (name, kind = "") => {
  const el = h("span", { class: "face " + kind, "aria-hidden": "true" }, (name || "?").slice(0, 1).toUpperCase());
  el.style.setProperty("--hue", hue(name));
  return el;
};
const onDiscord = () => state.names.desk === "discord";
const staff = (id) => state.staff.find((m) => m.id === id);
const thread = () => state.threads.find((t) => t.id === look.thread) || null;
const life = () => state.lives.find((l) => l.thread === look.thread) || null;

// ---- left: the network ----
const drawPeople = () => {
  if (!look.who && state.people.length) look.who = state.people[0].id;
  sync($("people"), state.people.map((p) => ({ ...p, on: p.id === look.who })), (p) => p.id, (p) =>
    h("button", { type: "button", role: "radio", "aria-checked": p.on ? "true" : "false", tabindex: p.on ? "0" : "-1",
      onclick: () => choose(p.id) }, face(p.name), p.name.split(" ")[0]));
  const me = state.people.find((p) => p.id === look.who);
  $("post-label").textContent = me ? "Write a post as " + me.name : "Write a post";
  $("post").placeholder = me ? me.name.split(" ")[0] + " writes: " + state.brand.handle + " …" : "";
};
const choose = (id) => {
  look.who = id;
  look.context = null;
  follow(id);
  draw();
  $("people").querySelector("[aria-checked=true]").focus();
};
const follow = (who) => {
  const own = state.threads.filter((t) => t.who === who);
  if (own.length) look.thread = own[own.length - 1].id;
};

const ordered = () => {
  const byId = new Map(state.posts.map((p) => [p.id, p]));
  const root = (p) => { let n = 0; while (p.to && byId.has(p.to) && n++ < 50) p = byId.get(p.to); return p; };
  const groups = new Map();
  for (const p of state.posts) {
    const top = root(p).id;
    if (!groups.has(top)) groups.set(top, []);
    groups.get(top).push(p);
  }
  const last = (list) => list[list.length - 1].at;
  return [...groups.values()].sort((a, b) => last(b) - last(a)).flatMap((list) => list.map((p, n) => ({ ...p, answer: n > 0 })));
};
const AUDIENCE = { direct: "only for us", followers: "followers", unlisted: "unlisted" };
const drawPost = (p) => h("li", { class: "post" + (p.answer ? " answer" : "") + (p.ours ? " ours" : "") + (p.deleted ? " gone" : "") },
  face(p.name, p.ours ? "ours" : ""),
  h("div", { class: "who" }, h("b", {}, p.name), h("span", {}, p.handle), h("time", {}, short(p.at))),
  (p.audience !== "public" || p.warning) && h("div", {},
    AUDIENCE[p.audience] && h("span", { class: "tag private" }, AUDIENCE[p.audience]), p.warning && h("span", { class: "tag" }, p.warning)),
  h("div", { class: "body" }, p.deleted ? "deleted by its author" : p.text, p.edited && !p.deleted && h("span", { class: "edited" }, " (edited)")),
  !p.deleted && (p.pictures || []).map((m) => h("img", { src: Blocks.source(m.src) || "", alt: m.alt || "a picture without description" })),
  h("div", { class: "deeds" }, !p.deleted && [
    !p.ours && state.names.edits && h("button", { type: "button", onclick: () => editPost(p) }, "Edit"),
    !p.ours && h("button", { type: "button", onclick: () => post("customer/delete", { who: p.who, post: p.id }) }, "Delete"),
    h("button", { type: "button", onclick: () => answerPost(p) }, "Answer"),
  ]));
const drawTimeline = () => {
  const posts = ordered();
  const items = posts.length ? posts : [{ id: "empty", empty: true }];
  sync($("timeline"), items, (p) => p.id, (p) => (p.empty
    ? h("li", { class: "empty" }, h("b", {}, "Nobody has said anything yet"),
      h("p", {}, "Choose a customer above and complain a little. Mention " + state.brand.handle + ", then watch the desk on the right."),
      h("button", { type: "button", onclick: sample }, "Write one for me"))
    : drawPost(p)));
};
const SAMPLES = [
  "my parcel says delivered since Tuesday. It is not here, and neither is the neighbour it was left with.",
  "the zip of my new tent gave up on night one. It rained. A lot.",
  "your shop charged me twice for one pair of boots!",
];
const sample = () => {
  $("post").value = state.brand.handle + " " + SAMPLES[state.posts.length % SAMPLES.length];
  $("post").focus();
};
const answerPost = (p) => {
  if (p.ours && state.posts.some((q) => q.id === p.to)) look.who = state.posts.find((q) => q.id === p.to).who;
  look.context = p.id;
  draw();
  $("post").focus();
};
const editPost = (p) => ask("Edit the post of " + p.name, "What it says now", p.text, 500,
  (text) => post("customer/edit", { who: p.who, post: p.id, text }));
const drawCompose = () => {
  const p = state.posts.find((q) => q.id === look.context);
  $("context").hidden = !p;
  if (p) $("context").firstElementChild.textContent = "Answers " + p.name + ": " + p.text;
};

// ---- middle: the life of the case ----
const ICON = { heard: "1", shown: "2", claimed: "3", held: "4", sent: "5", seen: "6" };
const drawLife = () => {
  const l = life();
  $("case-sub").textContent = l ? "#" + l.case + " · " + l.status : "";
  look.hold = l && l.hold ? l.hold : null;
  if (!l) {
    sync($("rail"), [{ id: "empty" }], (i) => i.id, () => h("div", { class: "empty" },
      h("b", {}, "Every word's way, step by step"),
      h("p", {}, "Heard, written to disk, shown in a thread, claimed, held for a moment, sent, seen. Nothing is sent that was not written down first.")));
    return;
  }
  const steps = { id: "steps", steps: l.steps, hold: l.hold };
  sync($("rail"), [steps, { id: "notes", notes: l.notes }], (i) => i.id, (i) => (i.steps ? drawSteps(i) : drawNotes(i)));
};
const drawSteps = (i) => h("ol", { class: "steps", "aria-label": "The newest words' way" }, i.steps.map((s) => {
  const dot = h("span", { class: "dot" }, s.state === "done" ? "✓" : s.state === "bad" ? "!" : ICON[s.key] || "·");
  if (s.key === "held" && i.hold) {
    dot.classList.add("holding");
    const ns = "http://www.w3.org/2000/svg";
    const ring = document.createElementNS(ns, "svg");
    ring.setAttribute("viewBox", "0 0 40 40");
    ring.setAttribute("class", "ring");
    const circle = document.createElementNS(ns, "circle");
    for (const [k, v] of [["cx", 20], ["cy", 20], ["r", 18]]) circle.setAttribute(k, v);
    ring.append(circle);
    dot.replaceChildren(h("span", { class: "count" }), ring);
  }
  return h("li", { class: "step " + s.state }, dot, h("div", {}, h("b", {}, s.title), h("small", {}, s.note || "\u00a0")));
}));
const drawNotes = (i) => h("div", { class: "notes" }, h("h3", {}, "Written down"), h("ol", {}, i.notes.map((n) =>
  h("li", {}, h("time", {}, clock(n.at)), h("span", {}, n.text)))));
const tick = () => {
  const dot = document.querySelector(".holding");
  if (dot && look.hold) {
    const now = Date.now() + (state.skew || 0);
    const left = Math.max(0, look.hold.until - now);
    const whole = Math.max(1, look.hold.until - look.hold.from);
    dot.querySelector(".count").textContent = String(Math.ceil(left / 1000));
    dot.querySelector("circle").style.setProperty("--off", String(113 * (1 - left / whole)));
  }
  requestAnimationFrame(tick);
};

// ---- which network, which desk ----
const drawPair = () => {
  const { names, choices } = state;
  for (const [id, list, on] of [["net", choices.networks, names.on], ["office", choices.desks, names.desk]]) {
    sync($(id), list, (c) => c.name, (c) => h("option", { value: c.name }, c.title));
    if ($(id).value !== on) $(id).value = on;
  }
  for (const [id, can] of [["audience-label", names.private], ["cw-label", names.warns], ["pic-label", names.pictures]]) $(id).hidden = !can;
};
const choosePair = async () => {
  for (const id of ["net", "office"]) $(id).disabled = true;
  await post("pair", { network: $("net").value, desk: $("office").value });
  for (const id of ["net", "office"]) $(id).disabled = false;
  look.thread = look.context = null;
  look.touched = false;
  refresh();
};

// ---- right: the desk ----
const drawMe = () => {
  const people = state.staff.filter((m) => m.role !== "bot");
  // The same person has another id at another desk.
  if (!people.some((m) => m.id === look.me) && people.length) look.me = (people.find((m) => m.name === look.name) || people[0]).id;
  look.name = (people.find((m) => m.id === look.me) || {}).name;
  sync($("me"), people, (m) => m.id, (m) => h("option", { value: m.id }, m.name + ", " + m.role));
  if ($("me").value !== look.me) $("me").value = look.me;
};
const summary = (t) => {
  const l = state.lives.find((x) => x.thread === t.id);
  return { id: t.id, title: t.title, count: t.messages.length, unseen: Math.max(0, t.messages.length - (look.seen[t.id] || 0)),
    on: t.id === look.thread, note: l ? (l.claimer ? l.claimer.split(" ")[0] + " · " : "") + l.status : "" };
};
const drawCases = () => {
  const rows = [...state.channels.map((c) => ({ id: c.id, channel: true, title: "# " + c.name, on: look.thread === c.id, note: onDiscord() ? "commands" : "commands, all cards", unseen: 0 })),
    ...state.threads.map(summary).reverse()];
  sync($("cases"), rows, (r) => r.id, (r) => h("button", { type: "button", "aria-current": r.on ? "true" : "false", class: r.unseen && !r.on ? "new" : "",
    onclick: () => { look.thread = r.id; look.touched = true; draw(); } },
    h("b", {}, r.title), r.unseen > 0 && !r.on && h("span", { class: "badge", "aria-label": r.unseen + " new" }, String(r.unseen)), h("small", {}, r.note || "\u00a0")));
  const unread = rows.filter((r) => r.unseen && !r.on).length;
  $("unread").hidden = !unread;
  $("unread").textContent = String(unread);
};
const press = (message) => (el) => post("agent/press", { who: look.me, channel: message.channel, message: message.id, value: el.value || "", action_id: el.action_id });
const drawMessage = (m) => {
  const author = staff(m.who) || { name: m.name, role: m.bot ? "bot" : "" };
  const own = m.who === look.me && !m.deleted && !m.only;
  const drawn = onDiscord() ? [Markdown.draw(m.text), Markdown.rows(m.blocks, press(m))]
    : m.blocks && m.blocks.length ? Blocks.draw(m.blocks, press(m)) : Blocks.mrkdwn(m.text);
  return h("li", { class: "message" + (m.only ? " private" : "") }, face(author.name, m.bot ? "bot" : ""),
    h("div", { class: "who" }, h("b", {}, author.name), m.bot && h("span", { class: "app" }, "APP"),
      m.only && h("span", { class: "eyes" }, "Only visible to you"), h("time", {}, short(m.at))),
    m.deleted ? h("div", { class: "gone" }, "This message was deleted.") : h("div", { class: "text" }, drawn, m.edited && h("span", { class: "edited" }, " (edited)")),
    (m.files || []).map((f) => h("span", { class: "no-picture" }, f.name)),
    m.marks.length > 0 && h("div", { class: "marks" }, m.marks.map((r) => h("span", { title: r }, Blocks.emoji(r)))),
    own && h("div", { class: "deeds" },
      h("button", { type: "button", onclick: () => editMessage(m) }, "Edit"),
      h("button", { type: "button", onclick: () => post("agent/delete", { who: look.me, channel: m.channel, message: m.id }) }, "Delete"),
      h("button", { type: "button", onclick: () => post("agent/shortcut", { who: look.me, channel: m.channel, message: m.id }) }, "Reply to customer")));
};
const editMessage = (m) => ask("Edit your message", "What it says now", m.text, 3000,
  (text) => post("agent/edit", { who: look.me, channel: m.channel, message: m.id, text }));
const messages = () => {
  const t = thread();
  const channel = state.channels.find((c) => c.id === look.thread);
  const list = t ? t.messages : channel ? channel.messages : [];
  return list.filter((m) => !m.only || m.only === look.me).map((m) => ({ ...m, own: m.who === look.me, whoami: look.me }));
};
const drawThread = () => {
  const box = $("thread");
  const end = box.scrollHeight - box.scrollTop - box.clientHeight < 70 || box.dataset.of !== look.thread;
  const list = messages();
  const items = list.length ? list : [{ id: "empty", empty: true }];
  sync(box, items, (m) => m.channel + m.id, (m) => (m.empty
    ? h("li", { class: "empty" }, h("b", {}, "It is quiet here"), h("p", {}, state.threads.length
      ? "Choose a case on the left." : "The first mention on the network opens a thread here within a second."))
    : drawMessage(m)));
  if (end) box.scrollTop = box.dataset.of === look.thread || list.length > 3 ? box.scrollHeight : 0;
  if (look.thread) look.seen[look.thread] = (thread() || { messages: [] }).messages.length;
  box.dataset.of = look.thread || "";
  drawHint();
};
const drawHint = () => {
  const l = life();
  const me = staff(look.me);
  const channel = state.channels.some((c) => c.id === look.thread);
  let text = "@careline help says what can be done here.";
  if (!look.thread) text = "";
  else if (channel) text = "/careline list, /careline help: only you see the answers.";
  else if (l && me && l.claimer === me.name) text = "You look after this case: what you write goes to the customer, after " + state.daemon.undo_ms / 1000 + " s. Begin with “note” to stay inside.";
  else if (l && l.claimer) text = l.claimer + " looks after this case: what you write stays inside.";
  else text = "Nobody has claimed this case: what you write stays inside until you say so.";
  $("hint").textContent = text;
  $("hint").title = text;
  $("say").placeholder = channel ? "/careline list" : "Write in the thread as " + (me ? me.name : "…");
  for (const el of $("talk").elements) el.disabled = !look.thread;
};

// ---- forms ----
const ask = (title, label, text, max, done) => openForm("ask", title, [
  { id: "text", label, text, max, hint: "", error: "" }], "Save", (values) => { done(values.text); closeForm(); }, () => {});
const openForm = (id, title, fields, submit, done, cancel) => {
  const body = $("form-body");
  dialog = { id, done, cancel };
  body.replaceChildren(h("h2", { id: "form-h" }, title), ...fields.map((f) => f.words
    ? h("div", { class: "text" }, f.words)
    : h("label", {}, f.label, (() => { const el = h("textarea", { rows: 5, name: f.id, maxlength: f.max }); el.value = f.text; return el; })(),
      h("span", { class: "error", role: "alert" }, f.error), h("span", { class: "hint" }, f.hint))),
    h("p", { class: "end" }, h("button", { type: "button", onclick: () => { cancel(); closeForm(); } }, "Cancel"), h("button", { class: "primary", type: "submit" }, submit)));
  if (!$("form").open) $("form").showModal();
  const first = body.querySelector("textarea");
  if (first) first.focus();
};
const closeForm = () => { dialog = null; if ($("form").open) $("form").close(); };
const plain = (object) => (object && object.text) || "";
const drawForms = () => {
  const open = state.forms.find((f) => f.who === look.me);
  if (!open) {
    if (dialog && dialog.id !== "ask") closeForm();
    return;
  }
  const print = open.id + JSON.stringify(open.errors);
  if (dialog && (dialog.id === print || dialog.id === "ask")) return;
  const kept = dialog ? Object.fromEntries([...new FormData($("form-body"))]) : {};
  const inputs = (open.view.components || []).flatMap((row) => row.components || []).map((c) => ({ id: c.custom_id, label: c.label,
    hint: c.placeholder || "", error: "", text: kept[c.custom_id] ?? c.value ?? "", max: c.max_length || 3000 }));
  const fields = onDiscord() ? inputs : (open.view.blocks || []).map((b) => (b.type === "input"
    ? { id: b.block_id, label: plain(b.label), hint: plain(b.hint), error: open.errors[b.block_id] || "",
      text: kept[b.block_id] ?? b.element.initial_value ?? "", max: b.element.max_length || 3000 }
    : { words: Blocks.draw([b], () => {}) }));
  openForm(print, onDiscord() ? open.view.title : plain(open.view.title), fields, plain(open.view.submit) || "Send",
    (values) => post("agent/submit", { who: look.me, view: open.id, text: Object.values(values)[0] || "" }), () => post("agent/dismiss", { who: look.me, view: open.id }));
};
$("form").addEventListener("cancel", (e) => { e.preventDefault(); if (dialog) dialog.cancel(); closeForm(); });
$("form-body").addEventListener("submit", (e) => {
  e.preventDefault();
  if (dialog) dialog.done(Object.fromEntries([...new FormData($("form-body"))]));
});

// ---- above and below ----
const TROUBLE = [
  { name: "The network answers 503, twice", note: "The reply waits and goes out later, once.", fault: { face: "{network}", call: "{post}", times: 2, kind: "status", status: 503, retry_after: null } },
  { name: "The network posts, then says nothing", note: "Nobody knows whether it arrived: it is looked up, not repeated.", fault: { face: "{network}", call: "{post}", times: 1, kind: "done_then_cut" } },
  { name: "The desk says 429", note: "It asks for a pause of two seconds.", fault: { face: "{desk}", call: "{say}", times: 1, kind: "status", status: 429, retry_after: "2" } },
  { name: "The desk posts, then hangs up", note: "The thread is read back before anything is repeated.", fault: { face: "{desk}", call: "{say}", times: 1, kind: "done_then_cut" } },
  { name: "The stream goes silent", note: "Polling still finds every post.", fault: { face: "{network}", call: "", times: 0, kind: "silence" } },
];
const drawTop = () => {
  const s = state.story;
  $("day-label").textContent = s && s.playing ? "Stop the day" : "Play a day";
  $("day").firstElementChild.textContent = s && s.playing ? "■" : "▶";
  $("caption").hidden = !(s && s.caption);
  if (s && s.caption && $("caption").dataset.said !== s.caption) {
    $("caption").dataset.said = s.caption;
    $("caption").replaceChildren(h("span", {}, s.caption), h("span", { class: "bar", "aria-hidden": "true" }, h("i")));
  }
  if (s && s.of) $("caption").style.setProperty("--done", Math.round((100 * s.done) / s.of) + "%");
  $("plug").classList.toggle("down", !state.daemon.up);
  $("plug").lastElementChild.textContent = state.daemon.up ? "Pull the plug" : "Starting again…";
  $("fault-count").hidden = !state.faults;
  $("fault-count").textContent = String(state.faults);
};
const drawLedger = () => {
  const l = state.ledger;
  const rows = [["posts customers wrote", l.wrote, ""], ["in threads", l.shown, l.shown === l.wrote ? "good" : ""],
    ["lost", l.lost, l.lost ? "wrong" : "good"], ["doubled", l.doubled, l.doubled ? "wrong" : "good"],
    ["answers sent", l.sent, ""], ["sent twice", l.sent_twice, l.sent_twice ? "wrong" : "good"],
    ["inside words outside", l.outside, l.outside ? "wrong" : "good"]];
  sync($("ledger"), [...rows.map(([name, n, cls]) => ({ name, n, cls })), { name: "why" }], (r) => r.name, (r) => (r.name === "why"
    ? h("span", { class: "why" }, "counted on both platforms, not by careline itself")
    : h("span", { class: r.cls }, h("b", {}, String(r.n)), " " + r.name)));
};
const drawTabs = () => { for (const b of document.querySelectorAll(".tabs button")) b.setAttribute("aria-current", b.dataset.go === document.body.dataset.tab ? "true" : "false"); };

const notice = (before) => {
  if (!before || before.threads.length > state.threads.length) return;
  const fresh = state.threads.filter((t) => !before.threads.some((b) => b.id === t.id));
  if (fresh.length && (!look.touched || (state.story && state.story.playing))) look.thread = fresh[fresh.length - 1].id;
  if (fresh.length) announce("A new case at the desk: " + fresh[0].title);
  const ours = state.posts.filter((p) => p.ours && !before.posts.some((b) => b.id === p.id));
  if (ours.length) announce("The customer was answered: " + ours[0].text);
  if (state.story && state.story.focus && (!before.story || before.story.focus !== state.story.focus)) {
    look.who = state.story.focus;
    follow(look.who);
  }
};
const draw = () => {
  if (!state) return;
  Blocks.know(Object.fromEntries(state.staff.map((m) => [m.id, m.name])), Object.fromEntries(state.channels.map((c) => [c.id, c.name])), state.bases);
  Markdown.know(Object.fromEntries(state.staff.map((m) => [m.id, m.name])));
  if (!look.thread && state.channels.length) look.thread = state.threads.length ? state.threads[0].id : state.channels[0].id;
  for (const part of [drawPair, drawPeople, drawTimeline, drawCompose, drawLife, drawMe, drawCases, drawThread, drawForms, drawTop, drawLedger, drawTabs]) part();
};

let busy = false;
let again = false;
const refresh = async () => {
  if (busy) { again = true; return; }
  busy = true;
  let fresh = null;
  try {
    fresh = await (await fetch("/control/state", { cache: "no-store" })).json();
  } catch { /* the stream below reports that nobody answers */ }
  busy = false;
  if (again) { again = false; setTimeout(refresh, 60); }
  if (!fresh) return;
  fresh.skew = fresh.now - Date.now();
  const before = state;
  state = fresh;
  notice(before);
  draw();
};
const stream = new EventSource("/control/events");
stream.addEventListener("change", refresh);
stream.addEventListener("open", refresh);
stream.addEventListener("error", () => toast("The demo has ended, or is being restarted."));

// ---- what the visitor does ----
$("compose").addEventListener("submit", async (e) => {
  e.preventDefault();
  const text = $("post").value.trim();
  if (!text) return $("post").focus();
  const done = await post("customer/post", { who: look.who, text, direct: state.names.private && $("audience").value === "direct",
    warning: state.names.warns && $("cw").checked ? $("warning").value || "Careful" : null, media: state.names.pictures && $("pic").checked, reply_to: look.context });
  if (!done) return;
  $("post").value = "";
  $("cw").checked = $("pic").checked = false;
  $("warning").hidden = true;
  look.context = null;
  look.touched = false;
  draw();
});
$("post").addEventListener("keydown", (e) => { if (e.key === "Enter" && (e.ctrlKey || e.metaKey)) { e.preventDefault(); $("compose").requestSubmit(); } });
$("cw").addEventListener("change", () => { $("warning").hidden = !$("cw").checked; if ($("cw").checked) $("warning").focus(); });
$("uncontext").addEventListener("click", () => { look.context = null; draw(); });
$("people").addEventListener("keydown", (e) => {
  const step = { ArrowRight: 1, ArrowLeft: -1 }[e.key];
  if (!step) return;
  e.preventDefault();
  const at = state.people.findIndex((p) => p.id === look.who);
  choose(state.people[(at + step + state.people.length) % state.people.length].id);
});
$("talk").addEventListener("submit", async (e) => {
  e.preventDefault();
  const text = $("say").value.trim();
  if (!text || !look.thread) return;
  const t = thread();
  const slash = /^\/careline\b\s*(.*)$/s.exec(text);
  if (slash && t && !onDiscord()) return toast("Slash commands do not work inside threads, on Slack as here. Write @careline " + (slash[1] || "help") + " instead.");
  const done = slash ? await post("agent/slash", { who: look.me, channel: t ? t.channel : look.thread, text: slash[1] })
    : await post("agent/say", { who: look.me, thread: look.thread, text });
  if (done) $("say").value = "";
});
$("say").addEventListener("keydown", (e) => { if (e.key === "Enter" && !e.shiftKey && !e.isComposing) { e.preventDefault(); $("talk").requestSubmit(); } });
for (const id of ["net", "office"]) $(id).addEventListener("change", choosePair);
$("me").addEventListener("change", () => { look.me = $("me").value; draw(); });
$("day").addEventListener("click", () => post(state && state.story && state.story.playing ? "day/stop" : "day"));
$("plug").addEventListener("click", () => post("restart"));
$("keys").addEventListener("click", () => $("help").showModal());
for (const t of TROUBLE) {
  $("fault-list").append(h("button", { type: "button", onclick: () => {
    const face = t.fault.face.replace("{network}", state.names.network).replace("{desk}", state.names.desk);
    const call = t.fault.call.replace("{post}", state.names.network_post).replace("{say}", state.names.desk_post);
    post("fault", { ...t.fault, face, call });
    $("faults").open = false;
  } }, t.name, h("small", {}, t.note)));
}
$("fault-list").append(h("button", { type: "button", onclick: () => { post("fault/clear"); $("faults").open = false; } }, "All is well again", h("small", {}, "Takes every trouble back.")));
for (const b of document.querySelectorAll(".tabs button")) b.addEventListener("click", () => { document.body.dataset.tab = b.dataset.go; draw(); });
const step = (by) => {
  const rows = [...$("cases").children];
  const at = rows.findIndex((r) => r.dataset.key === look.thread);
  const next = rows[Math.min(rows.length - 1, Math.max(0, at + by))];
  if (next) { look.thread = next.dataset.key; look.touched = true; draw(); }
};
document.addEventListener("keydown", (e) => {
  if (e.key === "Escape" && $("faults").open) { $("faults").open = false; return; }
  if (e.ctrlKey || e.metaKey || e.altKey || e.target.closest("input, textarea, select, dialog")) return;
  const go = { c: () => { document.body.dataset.tab = "square"; draw(); $("post").focus(); }, r: () => { document.body.dataset.tab = "desk"; draw(); $("say").focus(); },
    j: () => step(1), k: () => step(-1), d: () => $("day").click(), "?": () => $("help").showModal() }[e.key];
  if (go) { e.preventDefault(); go(); }
});
document.addEventListener("click", (e) => { if ($("faults").open && !e.target.closest("#faults")) $("faults").open = false; });
requestAnimationFrame(tick);
refresh();
