// masto, the client library of many Mastodon apps, on the Mastodon face. A customer posts, the
// account hears it by streaming and reads it by REST, answers, edits and deletes.
//
//   node masto.mjs '<the line of `careline demo --json --no-daemon`>'
import { createRestAPIClient, createStreamingAPIClient } from "masto";
import { strict as assert } from "node:assert";
import { told, within, done, step } from "./kit.mjs";

const { mastodon } = told().faces;
const url = mastodon.base;
const client = (accessToken) => createRestAPIClient({ url, accessToken });
const anna = client(mastodon.tokens.anna);
const us = client(mastodon.account.token);

await step("who am I, and which server is this", async () => {
  const me = await us.v1.accounts.verifyCredentials();
  assert.equal(me.id, mastodon.account.id);
  assert.equal(me.acct, mastodon.account.handle);
  const server = await us.v2.instance.fetch();
  assert.ok(server.configuration.statuses.maxCharacters > 0);
  assert.ok(server.configuration.urls.streaming.startsWith("ws"));
});

const stream = createStreamingAPIClient({
  streamingApiUrl: url.replace(/^http/, "ws"),
  accessToken: mastodon.account.token,
});
const heard = [];
const feed = stream.user.notification.subscribe();
const home = stream.user.subscribe();
for (const from of [feed, home]) (async () => {
  for await (const event of from) heard.push(event);
})();
const event = (what, is) =>
  within(what, () => heard.find((one) => is(one)));

// Streams tell nothing of what was before them: wait until they are really open.
await step("the stream is open", async () => {
  let n = 0;
  await within("a first event", async () => {
    n += 1;
    await anna.v1.statuses.create({ status: `@acme is anybody there? ${n}` });
    await new Promise((go) => setTimeout(go, 200));
    const told = (name) => heard.some((e) => e.stream.includes(name));
    return ["user", "user:notification"].every(told);
  });
});

let mention;
await step("a mention is streamed and listed", async () => {
  mention = await anna.v1.statuses.create({
    status: "@acme my tent leaks <b>badly</b> & I leave tomorrow",
    visibility: "public",
    spoilerText: "wet",
    language: "en",
  });
  const streamed = await event("the mention", (e) =>
    e.event === "notification" && e.payload.status?.id === mention.id);
  assert.equal(streamed.payload.type, "mention");
  assert.equal(streamed.payload.account.id, mastodon.accounts.anna.id);
  assert.equal(streamed.payload.status.spoilerText, "wet");
  assert.match(streamed.payload.status.content, /&lt;b&gt;badly&lt;\/b&gt; &amp; I leave/);
  const page = await us.v1.notifications.list({ types: ["mention"], limit: 5 });
  assert.ok(page.length <= 5);
  const listed = page.find((one) => one.status.id === mention.id);
  assert.ok(listed, "the mention is not in the list");
  assert.equal((await us.v1.notifications.$select(listed.id).fetch()).id, listed.id);
});

await step("lists have pages, and the client finds its way", async () => {
  const seen = [];
  for await (const page of us.v1.notifications.list({ types: ["mention"], limit: 1 })) {
    seen.push(...page.map((one) => one.id));
    if (seen.length > 50) break;
  }
  assert.equal(new Set(seen).size, seen.length, "no notification comes twice");
  assert.ok(seen.length >= 2);
});

let reply;
await step("an answer with an idempotency key is made once", async () => {
  const send = () =>
    us.v1.statuses.create(
      { status: "@anna we send a new one today", inReplyToId: mention.id, visibility: "unlisted" },
      { requestInit: { headers: { "Idempotency-Key": "key-of-the-first-answer" } } },
    );
  reply = await send();
  assert.equal((await send()).id, reply.id);
  assert.equal(reply.inReplyToId, mention.id);
  assert.equal(reply.inReplyToAccountId, mastodon.accounts.anna.id);
  assert.equal(reply.visibility, "unlisted");
  assert.deepEqual(reply.mentions.map((m) => m.id), [mastodon.accounts.anna.id]);
  const context = await anna.v1.statuses.$select(mention.id).context.fetch();
  assert.deepEqual(context.descendants.map((s) => s.id), [reply.id]);
  await event("our own post", (e) => e.event === "update" && e.payload.id === reply.id);
});

await step("a picture goes up and is shown", async () => {
  const dot = Buffer.from(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9" +
      "awAAAABJRU5ErkJggg==",
    "base64");
  const media = await us.v2.media.create({
    file: new File([dot], "dot.png", { type: "image/png" }), description: "a dot" });
  const shown = await us.v1.statuses.create({
    status: "@anna like this", inReplyToId: mention.id, mediaIds: [media.id] });
  assert.equal(shown.mediaAttachments[0].description, "a dot");
});

await step("an edit", async () => {
  const edited = await us.v1.statuses.$select(reply.id)
    .update({ status: "@anna we send a new one tomorrow" });
  assert.ok(edited.editedAt);
  const source = await us.v1.statuses.$select(reply.id).source.fetch();
  assert.equal(source.text, "@anna we send a new one tomorrow");
  await anna.v1.statuses.$select(mention.id).update({ status: "@acme it is dry again" });
  await event("the customer's edit", (e) =>
    e.event === "status.update" && e.payload.id === mention.id);
});

await step("a deletion", async () => {
  await us.v1.statuses.$select(reply.id).remove();
  const gone = await us.v1.statuses.$select(reply.id).fetch().catch((error) => error);
  assert.equal(gone.statusCode, 404);
  await event("the deletion", (e) => e.event === "delete" && e.payload === reply.id);
});

await step("refusals are errors to the client", async () => {
  const stranger = await client("nobody").v1.accounts.verifyCredentials().catch((e) => e);
  assert.equal(stranger.statusCode, 401);
  const long = await us.v1.statuses.create({ status: "x".repeat(501) }).catch((e) => e);
  assert.equal(long.statusCode, 422);
});

feed.unsubscribe();
home.unsubscribe();
stream.close();
done("masto");
