// Discord's own JavaScript library on the Discord face, in place of careline: an app that logs in,
// answers commands, buttons and forms, and works with forums and threads.
//
//   node discord.mjs '<the line of `careline demo --json --no-daemon --desk discord`>'
import {
  ActionRowBuilder, ButtonBuilder, ButtonStyle, ChannelType, Client, Events, GatewayIntentBits,
  MessageFlags, ModalBuilder, REST, Routes, TextInputBuilder, TextInputStyle,
} from "discord.js";
import { strict as assert } from "node:assert";
import { control, done, step, told, within } from "./kit.mjs";

const { discord } = told().faces;
const api = discord.base.replace(/\/v10$/, "");
const client = new Client({
  intents: [GatewayIntentBits.Guilds, GatewayIntentBits.GuildMessages,
    GatewayIntentBits.MessageContent],
  rest: { api },
});
client.on(Events.Error, (error) => {
  console.error(error);
  process.exit(1);
});
const heard = [];
for (const name of [Events.MessageCreate, Events.MessageUpdate, Events.MessageDelete,
  Events.ThreadUpdate, Events.ThreadDelete, Events.ThreadCreate])
  client.on(name, (...data) => void heard.push({ name, data }));
const hear = (what, name, is) =>
  within(what, () => heard.find((event) => event.name === name && is(...event.data)));

/// A person's own client, without a gateway: the face takes a person's token as it stands.
const person = async (who, method, path, body) => {
  const answer = await fetch(`${discord.base}${path}`, {
    method, body: body && JSON.stringify(body),
    headers: { authorization: discord.user_tokens[who], "content-type": "application/json" },
  });
  if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
  return answer.status === 204 ? null : answer.json();
};

let guild;
await step("login", async () => {
  await client.login(discord.bot_token);
  await within("the server", () => client.isReady() && client.guilds.cache.get(discord.guild));
  guild = client.guilds.cache.get(discord.guild);
  assert.equal(client.user.id, discord.bot);
  assert.equal(client.application.id, discord.app);
});

await step("who is who", async () => {
  const member = await guild.members.fetch(discord.users.maria.id);
  assert.equal(member.displayName, discord.users.maria.name);
  assert.ok(member.roles.cache.has(discord.roles.agents));
  const forum = await client.channels.fetch(discord.channels.customers);
  assert.equal(forum.type, ChannelType.GuildForum);
});

await step("commands are registered", async () => {
  const options = [{ type: 3, name: "text", description: "What to do", autocomplete: true }];
  const set = await client.application.commands.set([
    { name: "careline", description: "Looks after customers", options },
    { name: "Reply to customer", type: 3 },
  ], discord.guild);
  assert.equal(set.size, 2);
  const fetched = await client.application.commands.fetch({ guildId: discord.guild });
  assert.deepEqual([...fetched.values()].map((c) => c.name).sort(),
    ["Reply to customer", "careline"]);
});

const asked = [];
client.on(Events.InteractionCreate, async (from) => {
  asked.push(from);
  if (from.isAutocomplete()) {
    await from.respond([{ name: `choose ${from.options.getFocused()}`, value: "list mine" }]);
  } else if (from.isChatInputCommand()) {
    await from.reply({ content: `you said ${from.options.getString("text")}`,
      flags: MessageFlags.Ephemeral });
  } else if (from.isMessageContextMenuCommand() || from.customId === "open") {
    const input = new TextInputBuilder().setCustomId("words").setLabel("To the customer")
      .setStyle(TextInputStyle.Paragraph).setMaxLength(300);
    await from.showModal(new ModalBuilder().setCustomId("form").setTitle("Answer")
      .addComponents(new ActionRowBuilder().addComponents(input)));
  } else if (from.isButton()) {
    await from.deferUpdate();
    await from.followUp({ content: "only you see this", flags: MessageFlags.Ephemeral });
  } else if (from.isModalSubmit()) {
    await from.deferReply({ flags: MessageFlags.Ephemeral });
    await from.editReply(`taken: ${from.fields.getTextInputValue("words")}`);
  }
});
const whisper = (who, text) => within(text, async () => {
  const { threads, channels } = await control("state");
  const all = [...threads, ...channels].flatMap((place) => place.messages);
  return all.find((m) => m.only === discord.users[who].id && m.text.includes(text));
});

await step("a slash command in a channel is answered to one person", async () => {
  await control("agent/slash", { who: "maria", text: "list" });
  const from = await within("the command", () => asked.find((i) => i.isChatInputCommand()));
  assert.equal(from.user.id, discord.users.maria.id);
  assert.equal(from.channelId, discord.channels.team);
  assert.ok(from.member.roles.cache.has(discord.roles.agents));
  await whisper("maria", "you said list");
});

await step("what is typed is completed", async () => {
  await control("agent/type", { who: "maria", value: "careline text", text: "li" });
  const from = await within("the beginning", () => asked.find((i) => i.isAutocomplete()));
  assert.equal(from.options.getFocused(), "li");
  await within("the choices", () => from.responded);
});

const buttons = () => new ActionRowBuilder().addComponents(
  new ButtonBuilder().setCustomId("talk").setLabel("Talk").setStyle(ButtonStyle.Primary),
  new ButtonBuilder().setCustomId("open").setLabel("Open").setStyle(ButtonStyle.Secondary));
let post;
let card;
await step("a forum post with tags and buttons", async () => {
  const forum = await client.channels.fetch(discord.channels.customers);
  await forum.setAvailableTags([{ name: "Open" }, { name: "Mastodon" }]);
  const tags = forum.availableTags.map((tag) => tag.id);
  assert.equal(tags.length, 2);
  post = await forum.threads.create({ name: "#1 Anna: the zip", appliedTags: tags,
    message: { content: "The zip of my tent is torn.", components: [buttons()] } });
  assert.deepEqual(post.appliedTags, tags);
  card = await post.fetchStarterMessage();
  assert.equal(card.id, post.id);
  assert.equal(card.author.id, discord.bot);
});

await step("a person writes in the thread, edits and deletes", async () => {
  const path = `/channels/${post.id}/messages`;
  const { id } = await person("maria", "POST", path, { content: "we sew it" });
  const { data: [message] } = await hear("the words", Events.MessageCreate, (m) => m.id === id);
  assert.equal(message.content, "we sew it");
  assert.equal(message.channel.parentId, discord.channels.customers);
  assert.equal(message.member.id, discord.users.maria.id);
  await message.react("✅");
  await message.reply({ content: "noted", allowedMentions: { parse: [] } });
  await person("maria", "PATCH", `${path}/${id}`, { content: "we sew it for you" });
  await hear("the edit", Events.MessageUpdate, (_, now) =>
    now.id === id && now.content === "we sew it for you");
  await person("maria", "DELETE", `${path}/${id}`);
  await hear("the deletion", Events.MessageDelete, (m) => m.id === id);
});

await step("pages: what came after a message", async () => {
  for (let n = 0; n < 5; n += 1) await post.send(`no ${n}`);
  const first = await post.messages.fetch({ after: post.id, limit: 3 });
  const rest = await post.messages.fetch({ after: first.firstKey(), limit: 100 });
  assert.equal(first.size, 3);
  assert.ok(rest.size >= 3);
  const { threads } = await guild.channels.fetchActiveThreads();
  assert.ok(threads.has(post.id));
});

const place = () => ({ message: `${post.id}/${card.id}` });
await step("a button is pressed and followed up", async () => {
  await control("agent/press", { who: "tom", ...place(), value: "talk" });
  const from = await within("the press", () => asked.find((i) => i.isButton()));
  assert.equal(from.customId, "talk");
  assert.equal(from.message.id, card.id);
  assert.equal(from.channel.isThread(), true);
  await whisper("tom", "only you see this");
});

await step("a form is opened by a button and by a message's menu, and sent", async () => {
  const form = () => within("the form", async () => (await control("state")).forms[0]);
  await control("agent/press", { who: "tom", ...place(), value: "open" });
  await control("agent/submit", { who: "tom", view: (await form()).id, text: "here you are" });
  await whisper("tom", "taken: here you are");
  await within("it is closed", async () => (await control("state")).forms.length === 0);
  await control("agent/shortcut", { who: "maria", ...place() });
  const from = await within("the menu", () => asked.find((i) => i.isMessageContextMenuCommand()));
  assert.equal(from.targetMessage.content, "The zip of my tent is torn.");
  await control("agent/dismiss", { who: "maria", view: (await form()).id });
});

await step("a post is tagged anew, archived, and opened by a message", async () => {
  await post.setAppliedTags([post.appliedTags[0]]);
  await post.setArchived(true);
  await hear("the archiving", Events.ThreadUpdate, (_, now) => now.id === post.id && now.archived);
  await post.send("good morning");
  await hear("the opening", Events.ThreadUpdate, (before, now) =>
    now.id === post.id && before.archived && !now.archived);
  const talk = await client.channels.fetch(discord.channels.team);
  const message = await talk.send("a card");
  const thread = await message.startThread({ name: "below it", autoArchiveDuration: 10080 });
  assert.equal(thread.id, message.id);
  await thread.send("in it");
});

await step("a new connection: resumed, with what was missed", async () => {
  let resumed = 0;
  client.on(Events.ShardResume, () => void (resumed += 1));
  await control("desk/hang_up", { how: "refresh_requested" });
  await within("a resume", () => resumed > 0);
  const { id } = await person("maria", "POST", `/channels/${post.id}/messages`,
    { content: "are you back?" });
  await hear("a message afterwards", Events.MessageCreate, (m) => m.id === id);
});

await step("refusals and waiting are what the client expects", async () => {
  const nobody = new REST({ api, version: "10" }).setToken("nobody");
  await assert.rejects(nobody.get(Routes.user()), (error) => error.status === 401);
  await assert.rejects(post.send(" "), (error) => error.code === 50006);
  await assert.rejects(client.channels.fetch("299999999999999999"), (e) => e.code === 10003);
  await control("fault", { face: "discord", call: `POST /channels/${post.id}/messages`,
    skip: 0, times: 1, kind: "status", status: 429, retry_after: "1" });
  const began = Date.now();
  await post.send("patience");
  assert.ok(Date.now() - began >= 900, "it did not wait");
});

await client.destroy();
done("discord");
