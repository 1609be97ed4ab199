// @atproto/api, the client library of Bluesky's own app, on the Bluesky face. It checks every
// answer against the network's lexicons, so a face that invents a shape fails here.
//
//   node atproto.mjs '{"base": "http://127.0.0.1:…", "people": {"us": {…}, "ann": {…}}}'
import { AtpAgent, RichText } from "@atproto/api";
import { strict as assert } from "node:assert";
import { told, within, done, step } from "./kit.mjs";

const { base, people } = told();
const agent = () => new AtpAgent({ service: base });
const us = agent();
const ann = agent();

await step("log in, and be refused", async () => {
  await us.login({ identifier: people.us.handle, password: people.us.password });
  await ann.login({ identifier: people.ann.handle, password: people.ann.password });
  assert.match(us.session.did, /^did:plc:[a-z2-7]{24}$/);
  await assert.rejects(
    agent().login({ identifier: people.ann.handle, password: "wrong" }),
    (error) => error.status === 401 && error.error === "AuthenticationRequired",
  );
});

await step("a session is kept and renewed", async () => {
  const again = agent();
  await again.resumeSession(ann.session);
  assert.equal(again.session.did, ann.session.did);
  const old = again.session.accessJwt;
  await again.sessionManager.refreshSession();
  assert.notEqual(again.session.accessJwt, old);
});

await step("profiles, one and several", async () => {
  const { data } = await ann.getProfile({ actor: people.us.handle });
  assert.equal(data.did, us.session.did);
  const many = await ann.getProfiles({ actors: [us.session.did, ann.session.did] });
  assert.equal(many.data.profiles.length, 2);
  const { data: found } = await ann.resolveHandle({ handle: people.us.handle });
  assert.equal(found.did, us.session.did);
});

let mention;
await step("a mention with its facets", async () => {
  const text = new RichText({ text: `@${people.us.handle} ✨ my tent leaks, see https://x.example/a?b=ü` });
  await text.detectFacets(ann);
  assert.equal(text.facets.length, 2);
  mention = await ann.post({ text: text.text, facets: text.facets, langs: ["en"] });
  assert.match(mention.uri, /^at:\/\/did:plc:[a-z2-7]+\/app\.bsky\.feed\.post\/[2-7a-z]{13}$/);
});

await step("it is notified", async () => {
  const notice = await within("the notification", async () => {
    const { data } = await us.listNotifications({ limit: 10 });
    return data.notifications.find((one) => one.uri === mention.uri);
  });
  assert.equal(notice.reason, "mention");
  assert.equal(notice.author.did, ann.session.did);
  assert.equal(notice.record.facets.length, 2);
});

let reply;
await step("a reply stands in the thread", async () => {
  const refs = { root: mention, parent: mention };
  reply = await us.post({ text: "Sorry to hear that!", reply: refs });
  const { data } = await ann.getPostThread({ uri: mention.uri });
  assert.equal(data.thread.replies.length, 1);
  assert.equal(data.thread.replies[0].post.uri, reply.uri);
  assert.equal(data.thread.replies[0].post.record.reply.root.uri, mention.uri);
  const { data: list } = await ann.listNotifications({ limit: 10 });
  assert.equal(list.notifications.find((one) => one.uri === reply.uri)?.reason, "reply");
});

await step("a quotation and a picture", async () => {
  const png = Uint8Array.from(atob("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="), (c) => c.charCodeAt(0));
  const { data } = await ann.uploadBlob(png, { encoding: "image/png" });
  const images = [{ image: data.blob, alt: "the leak" }];
  const picture = await ann.post({ text: "look", embed: { $type: "app.bsky.embed.images", images } });
  const { data: shown } = await us.getPosts({ uris: [picture.uri] });
  assert.equal(shown.posts[0].embed.images[0].alt, "the leak");
  const quote = await ann.post({ text: "this", embed: { $type: "app.bsky.embed.record", record: reply } });
  const { data: list } = await us.listNotifications({ limit: 10 });
  assert.equal(list.notifications.find((one) => one.uri === quote.uri)?.reason, "quote");
});

await step("what is too long is refused, what is deleted is gone", async () => {
  await assert.rejects(ann.post({ text: "x".repeat(301) }), (error) => error.status === 400);
  await ann.deletePost(mention.uri);
  const { data } = await us.listNotifications({ limit: 10 });
  assert.ok(!data.notifications.some((one) => one.uri === mention.uri));
  const { data: shown } = await us.getPosts({ uris: [mention.uri, reply.uri] });
  assert.deepEqual(shown.posts.map((post) => post.uri), [reply.uri]);
});

await step("the own feed and the kept records", async () => {
  const { data } = await ann.getAuthorFeed({ actor: us.session.did, limit: 5 });
  assert.deepEqual(data.feed.map((one) => one.post.uri), [reply.uri]);
  const kept = await us.com.atproto.repo.listRecords({
    repo: us.session.did, collection: "app.bsky.feed.post", limit: 5,
  });
  assert.deepEqual(kept.data.records.map((one) => one.uri), [reply.uri]);
});

done("atproto");
