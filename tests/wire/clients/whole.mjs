// Both clients, with careline itself between them: a customer's mention by masto is read and
// answered in its thread by @slack/web-api, and the answer is read by masto.
//
//   node whole.mjs '<the line of `careline demo --json`>'
import { WebClient } from "@slack/web-api";
import { createRestAPIClient } from "masto";
import { strict as assert } from "node:assert";
import { done, step, told, within } from "./kit.mjs";

const { mastodon, slack } = told().faces;
const anna = createRestAPIClient({ url: mastodon.base, accessToken: mastodon.tokens.anna });
const hana = createRestAPIClient({ url: mastodon.base, accessToken: mastodon.tokens.hana });
const maria = new WebClient(slack.user_tokens.maria, { slackApiUrl: `${slack.base}/` });
const channel = slack.channels.support;
const say = (thread_ts, text) => maria.chat.postMessage({ channel, thread_ts, text });

let mention;
let root;
// The first start begins at the network's first answer; what was written before is not read.
await step("careline listens", () => within("a first thread", async () => {
  await hana.v1.statuses.create({ status: "@acme is anybody there?" });
  await new Promise((go) => setTimeout(go, 300));
  const { messages } = await maria.conversations.history({ channel });
  return messages.length > 0;
}));

await step("a mention becomes one thread", async () => {
  mention = await anna.v1.statuses.create({ status: "@acme the zip of my tent is torn" });
  root = await within("the thread", async () => {
    const { messages } = await maria.conversations.history({ channel });
    const shown = messages.filter((m) => JSON.stringify(m).includes("the zip of my tent is torn"));
    assert.ok(shown.length <= 1);
    return shown[0]?.ts;
  });
});

await step("the answer in the thread reaches the customer, once", async () => {
  await say(root, `<@${slack.bot}> claim`);
  await within("the claim", async () => {
    const { messages } = await maria.conversations.replies({ channel, ts: root });
    return JSON.stringify(messages[0]).includes("looks after it");
  });
  await say(root, "we sew it for you");
  const answers = await within("the answer", async () => {
    const { descendants } = await anna.v1.statuses.$select(mention.id).context.fetch();
    return descendants.length > 0 && descendants;
  });
  assert.equal(answers.length, 1);
  assert.match(answers[0].content, /we sew it for you/);
  assert.equal(answers[0].account.id, mastodon.account.id);
  await within("the receipt", async () => {
    const { messages } = await maria.conversations.replies({ channel, ts: root });
    return JSON.stringify(messages).includes("Sent to");
  });
});

await step("a note stays inside", async () => {
  await say(root, "note: this one always complains");
  await say(root, "anything else?");
  const { descendants } = await within("the second answer", async () => {
    const context = await anna.v1.statuses.$select(mention.id).context.fetch();
    return context.descendants.length > 1 && context;
  });
  assert.ok(!JSON.stringify(descendants).includes("always complains"));
});

done("whole");
