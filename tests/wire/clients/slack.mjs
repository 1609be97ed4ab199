// Slack's own libraries on the Slack face: @slack/web-api with a person's token, and an app of
// @slack/bolt in Socket Mode, in place of careline.
//
//   node slack.mjs '<the line of `careline demo --json --no-daemon`>'
import bolt from "@slack/bolt";
import { WebClient } from "@slack/web-api";
import { strict as assert } from "node:assert";
import { control, done, step, told, within } from "./kit.mjs";

const { slack } = told().faces;
const slackApiUrl = `${slack.base}/`;
const quiet = { debug() {}, info() {}, warn() {}, error: console.error,
  setLevel() {}, getLevel: () => "warn", setName() {} };
const options = { slackApiUrl, logger: quiet };
const maria = new WebClient(slack.user_tokens.maria, options);
const channel = slack.channels.support;

const receiver = new bolt.SocketModeReceiver({
  appToken: slack.app_token, logger: quiet, clientPingTimeout: 1_000,
  installerOptions: { clientOptions: options },
});
const app = new bolt.App({
  token: slack.bot_token, receiver, clientOptions: options, logger: quiet,
});
const heard = [];
app.error(async (error) => {
  console.error(error);
  process.exit(1);
});
app.message(async ({ message }) => void heard.push(message));
app.event("app_mention", async ({ event }) => void heard.push(event));
const hear = (what, is) => within(what, () => heard.find(is));

await step("connect", () => app.start());

await step("who is who", async () => {
  const me = await app.client.auth.test();
  assert.equal(me.user_id, slack.bot);
  assert.equal(me.team_id, slack.team);
  const { user } = await app.client.users.info({ user: slack.users.maria.id });
  assert.equal(user.real_name, slack.users.maria.name);
  const { channel: place } = await app.client.conversations.info({ channel });
  assert.equal(place.is_member, true);
});

let root;
await step("a message is heard, and answered in its thread with blocks", async () => {
  const { ts } = await maria.chat.postMessage({ channel, text: "is the bridge awake?" });
  const message = await hear("the message", (m) => m.ts === ts && m.type === "message");
  assert.equal(message.user, slack.users.maria.id);
  assert.equal(message.channel_type, "channel");
  root = ts;
  const answer = await app.client.chat.postMessage({
    channel, thread_ts: root, text: "Awake.", unfurl_links: false,
    metadata: { event_type: "bridge", event_payload: { n: 1 } },
    blocks: [
      { type: "header", text: { type: "plain_text", text: "Awake" } },
      { type: "section", text: { type: "mrkdwn", text: "*Yes.*" } },
      { type: "actions", block_id: "acts", elements: [
        { type: "button", action_id: "open", value: "form-1",
          text: { type: "plain_text", text: "Open" } },
        { type: "button", action_id: "talk", value: "talk-1", style: "primary",
          text: { type: "plain_text", text: "Talk" } }] },
    ],
  });
  assert.equal(answer.message.thread_ts, root);
  assert.equal(answer.message.bot_id !== undefined, true);
});

await step("a person reads the thread, writes in it, edits, reacts and deletes", async () => {
  const { ts } = await maria.chat.postMessage({ channel, thread_ts: root, text: "a & b" });
  const message = await hear("the answer", (m) => m.ts === ts);
  assert.equal(message.thread_ts, root);
  assert.equal(message.parent_user_id, slack.users.maria.id);
  const { messages } = await maria.conversations.replies({ channel, ts: root });
  assert.equal(messages[0].ts, root);
  assert.equal(messages[0].reply_count, 2);
  assert.equal(messages.at(-1).ts, ts);
  await maria.chat.update({ channel, ts, text: "a and b" });
  const edit = await hear("the edit", (m) =>
    m.subtype === "message_changed" && m.message.ts === ts);
  assert.equal(edit.message.text, "a and b");
  assert.equal(edit.previous_message.ts, ts);
  await app.client.reactions.add({ channel, timestamp: ts, name: "eyes" });
  await maria.chat.delete({ channel, ts });
  await hear("the deletion", (m) => m.subtype === "message_deleted" && m.deleted_ts === ts);
});

await step("pages: the client's own walk through a thread", async () => {
  for (let n = 0; n < 5; n += 1)
    await maria.chat.postMessage({ channel, thread_ts: root, text: `no ${n}` });
  const seen = new Set();
  for await (const page of maria.paginate("conversations.replies", { channel, ts: root, limit: 2 }))
    for (const message of page.messages) seen.add(message.ts);
  assert.equal(seen.size, 7);
});

const answered = (await maria.conversations.replies({ channel, ts: root })).messages
  .find((m) => m.text === "Awake.");
const message = `${channel}/${answered.ts}`;
const presses = [];
app.action("talk", async ({ ack, body, respond, action }) => {
  await ack();
  presses.push({ body, action });
  await respond({ text: "only you see this", response_type: "ephemeral", replace_original: false });
});
await step("a button is pressed and answered by its response address", async () => {
  await control("agent/press", { who: "tom", message, value: "talk-1" });
  const { body, action } = await within("the press", () => presses[0]);
  assert.equal(action.value, "talk-1");
  assert.equal(action.block_id, "acts");
  assert.equal(body.user.id, slack.users.tom.id);
  assert.equal(body.message.ts, answered.ts);
  assert.equal(body.container.thread_ts, root);
  await within("the whisper", async () => {
    const { channels } = await control("state");
    const all = [...channels.flatMap((c) => c.messages)];
    return all.find((m) => m.only === slack.users.tom.id && m.text === "only you see this");
  });
});

const reactions = [];
app.event("reaction_added", async ({ event }) => void reactions.push(event));
await step("a person's reaction is heard with the message it is on", async () => {
  await maria.reactions.add({ channel, timestamp: answered.ts, name: "eyes" });
  const event = await within("the reaction", () =>
    reactions.find((r) => r.user === slack.users.maria.id && r.reaction === "eyes"));
  assert.deepEqual(event.item, { type: "message", channel, ts: answered.ts });
});

app.event("app_home_opened", async ({ event, client }) => {
  assert.equal(event.tab, "home");
  await client.views.publish({ user_id: event.user, view: { type: "home", blocks: [
    { type: "actions", block_id: "page", elements: [
      { type: "button", action_id: "next", value: "next",
        text: { type: "plain_text", text: "Next" } }] }] } });
});
const onPage = [];
app.action("next", async ({ ack, body }) => {
  await ack();
  onPage.push(body);
});
await step("the app's page is opened, published and pressed", async () => {
  await control("agent/home", { who: "tom" });
  await within("the page", async () =>
    (await control("state")).homes.find((h) => h.who === slack.users.tom.id));
  await control("agent/home", { who: "tom", value: "next" });
  const body = await within("the press", () => onPage[0]);
  assert.equal(body.view.type, "home");
  assert.equal(body.user.id, slack.users.tom.id);
});

const sent = [];
app.action("open", async ({ ack, body, client }) => {
  await ack();
  await client.views.open({ trigger_id: body.trigger_id, view: modal("from a button") });
});
const modal = (label) => ({
  type: "modal", callback_id: "form", private_metadata: JSON.stringify({ root }),
  title: { type: "plain_text", text: "Answer" },
  submit: { type: "plain_text", text: "Send" }, close: { type: "plain_text", text: "Leave" },
  blocks: [{ type: "input", block_id: "words", label: { type: "plain_text", text: label },
    element: { type: "plain_text_input", action_id: "words", multiline: true } }],
});
app.view("form", async ({ ack, body, view }) => {
  const text = view.state.values.words.words.value;
  if (!text || text.length < 5)
    return ack({ response_action: "errors", errors: { words: "a little more, please" } });
  sent.push({ body, view, text });
  return ack();
});
const opened = async (label) => within(label, async () =>
  (await control("state")).forms.find((form) => JSON.stringify(form).includes(label)));
await step("a form: opened, refused with a reason, sent", async () => {
  await control("agent/press", { who: "tom", message, value: "form-1" });
  const form = await opened("from a button");
  await control("agent/submit", { who: "tom", view: form.id, text: "no" });
  await opened("a little more, please");
  await control("agent/submit", { who: "tom", view: form.id, text: "here you are" });
  const { body, view, text } = await within("the form", () => sent[0]);
  assert.equal(text, "here you are");
  assert.equal(JSON.parse(view.private_metadata).root, root);
  assert.equal(body.user.id, slack.users.tom.id);
  await within("the form is closed", async () => (await control("state")).forms.length === 0);
});

const reply = { type: "message_action", callback_id: "reply" };
app.shortcut(reply, async ({ ack, shortcut, client }) => {
  await ack();
  assert.equal(shortcut.message.ts, answered.ts);
  await client.views.open({ trigger_id: shortcut.trigger_id, view: modal("from a shortcut") });
});
await step("a shortcut opens a form", async () => {
  await control("agent/shortcut", { who: "maria", message, callback: "reply" });
  const form = await opened("from a shortcut");
  await control("agent/dismiss", { who: "maria", view: form.id });
});

const commands = [];
app.command(slack.command, async ({ ack, command }) => {
  commands.push(command);
  await ack(`you said ${command.text}`);
});
await step("a slash command is answered in its acknowledgement", async () => {
  await control("agent/slash", { who: "maria", text: "list mine" });
  const command = await within("the command", () => commands[0]);
  assert.equal(command.text, "list mine");
  assert.equal(command.user_id, slack.users.maria.id);
  assert.equal(command.channel_id, channel);
  await within("its answer", async () => {
    const { channels } = await control("state");
    return channels.flatMap((c) => c.messages).find((m) =>
      m.only === slack.users.maria.id && m.text === "you said list mine");
  });
});

for (const how of ["refresh_requested", "cut"]) {
  await step(`a new connection after ${how}`, async () => {
    let connected = 0;
    const socket = receiver.client;
    socket.on("connected", () => void (connected += 1));
    await control("desk/hang_up", { how });
    await within("a new connection", () => connected > 0);
    const { ts } = await maria.chat.postMessage({ channel, thread_ts: root, text: `after ${how}` });
    await hear("a message afterwards", (m) => m.ts === ts && !m.subtype);
    assert.equal(heard.filter((m) => m.ts === ts && !m.subtype).length, 1);
  });
}

await step("refusals are errors to the client", async () => {
  const code = (call) => call.then(() => "done", (error) => error.data.error);
  assert.equal(await code(new WebClient("xoxp-nobody", options).auth.test()), "invalid_auth");
  const nowhere = maria.chat.postMessage({ channel: "C0NOWHERE", text: "x" });
  assert.equal(await code(nowhere), "channel_not_found");
  assert.equal(await code(maria.chat.postMessage({ channel, text: "" })), "no_text");
  const not_ours = app.client.chat.update({ channel, ts: root, text: "x" });
  assert.equal(await code(not_ours), "cant_update_message");
});

await step("the client waits when it is told to", async () => {
  await control("fault", { face: "slack", call: "chat.postMessage", skip: 0, times: 1,
    kind: "status", status: 429, retry_after: "1" });
  const began = Date.now();
  const { ok } = await maria.chat.postMessage({ channel, thread_ts: root, text: "patience" });
  assert.equal(ok, true);
  assert.ok(Date.now() - began >= 900, "it did not wait");
  await hear("what came late", (m) => m.text === "patience");
});

await step("goodbye", () => app.stop());
done("slack");
