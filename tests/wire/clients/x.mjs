// twitter-api-v2, a client library of many X apps, on the X face: OAuth 1.0a (its own signatures) and
// a bearer token. A customer posts, the account reads its mentions, answers and deletes.
//
//   node x.mjs '<a line with base, us, ann>'
import https from "node:https";
import http from "node:http";
import { strict as assert } from "node:assert";
import { told, done, step } from "./kit.mjs";

// The library speaks https only; the face stands on this machine.
https.request = (url, options, then) => http.request(url, options, then);
const { TwitterApi } = await import("twitter-api-v2");

const { base, us: token, ann: customer } = told();
const at = (client) => {
  client.v2.setPrefix(`${base}/2/`);
  return client.v2;
};
const keys = { appKey: token, appSecret: token, accessToken: token, accessSecret: token };
const us = at(new TwitterApi(keys));
const ann = at(new TwitterApi(customer));

let me;
await step("who am I, signed", async () => {
  me = (await us.me({ "user.fields": ["name", "protected"] })).data;
  assert.equal(me.username, "acme");
});

await step("a wrong secret is refused", async () => {
  const bad = at(new TwitterApi({ ...keys, accessSecret: "wrong" }));
  await assert.rejects(bad.me(), (error) => error.code === 401);
});

let first;
await step("mentions come in pages, with what they refer to", async () => {
  for (let n = 0; n < 12; n += 1) {
    const { data } = await ann.tweet(`@acme 3 < 4 & https://shop.example/${n}`);
    first ??= data.id;
  }
  const list = await us.userMentionTimeline(me.id, {
    max_results: 5,
    "tweet.fields": ["author_id", "created_at", "entities", "conversation_id"],
    expansions: ["author_id"],
  });
  await list.fetchLast(100);
  assert.equal(list.tweets.length, 12);
  assert.equal(new Set(list.tweets.map((tweet) => tweet.id)).size, 12);
  assert.ok(list.tweets[0].text.includes("&lt; 4 &amp; https://t.co/"));
  assert.equal(list.includes.author(list.tweets[0]).username, "ann");
  const newer = await us.userMentionTimeline(me.id, { since_id: list.tweets[1].id });
  assert.equal(newer.tweets.length, 1);
});

await step("an answer, once, and not to whom did not call", async () => {
  const { data } = await us.reply("Sorry about that", first);
  const own = await us.userTimeline(me.id, { "tweet.fields": ["referenced_tweets"] });
  assert.deepEqual(own.tweets[0].referenced_tweets, [{ type: "replied_to", id: first }]);
  assert.ok(own.tweets[0].text.startsWith("@ann "));
  await assert.rejects(us.reply("Sorry about that", first), (error) =>
    error.code === 403 && /duplicate/.test(error.data.detail));
  const other = await ann.tweet("talking to myself");
  await assert.rejects(us.reply("May I?", other.data.id), (error) => error.code === 403);
  assert.equal((await us.deleteTweet(data.id)).data.deleted, true);
});

await step("what is gone is told with status 200", async () => {
  await ann.deleteTweet(first);
  const some = await us.tweets([first]);
  assert.equal(some.data, undefined);
  assert.equal(some.errors[0].resource_id, first);
});

await step("direct messages, after the customer wrote", async () => {
  await assert.rejects(us.sendDmToParticipant("902", { text: "hello" }), (e) => e.code === 403);
  await ann.sendDmToParticipant(me.id, { text: "psst" });
  const list = await us.listDmEvents({
    "dm_event.fields": ["sender_id", "dm_conversation_id"],
    event_types: ["MessageCreate"],
  });
  assert.equal(list.events[0].text, "psst");
  await us.sendDmToParticipant(list.events[0].sender_id, { text: "yes?" });
});

await step("a picture in pieces, with a description", async () => {
  const picture = Buffer.alloc(3_000_000, 7);
  const id = await us.uploadMedia(picture, { media_type: "image/png" }, 400_000);
  await us.createMediaMetadata(id, { alt_text: { text: "seven" } });
  const seen = await ann.tweet("@acme with a picture?");
  await us.reply("Here", seen.data.id, { media: { media_ids: [id] } });
});

done("x");
