//! Notices as Discord's messages. Pure, built with serenity's builders.
//!
//! Every body that leaves for Discord with words in it is made by [`sealed`]: it calls nobody but
//! those a notice names, unfolds no link, and carries our marks. There is no other way to make a
//! [`Sealed`], and nothing else is sent as a message.

mod commands;
pub(crate) mod show;

pub use commands::commands;
pub(crate) use commands::{CASE, COMMAND, SHORTCUT, changed, wanted};

use crate::case::clean;
use crate::case::effect::{Button, Card, Choice, Face, Form, Mark, Note, Notice, Style, Tone};
use crate::case::event::{Media, MediaKind};
use crate::case::id::{DeliveryId, Deployment};
use crate::case::rich::{Piece, Rich};
use crate::desk::Outgoing;
use serde_json::{Value, json};
use serenity::all::{
    ButtonStyle, CreateActionRow, CreateAllowedMentions, CreateButton, CreateInputText,
    CreateInteractionResponse, CreateInteractionResponseMessage, CreateMessage, CreateModal,
    EditMessage, InputTextStyle, InteractionResponseFlags, MessageFlags, Nonce, UserId,
};
use sha2::{Digest, Sha256};
use show::{Text, escape, line};

/// What our last line begins with.
const FOOTER: &str = "-# careline · ";
/// Characters of a button's `custom_id`, of its label, of a thread's name.
/// Source: <https://docs.discord.com/developers/components/reference#button>.
const CUSTOM_ID: usize = 100;
const LABEL: usize = 80;
const NAME: usize = 100;

/// A message's body as it leaves.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Sealed(Value);

impl Sealed {
    pub(crate) fn into_value(self) -> Value {
        self.0
    }

    /// What it says.
    pub(crate) fn content(&self) -> &str {
        self.0["content"].as_str().unwrap_or_default()
    }
}

/// The marks of a delivery.
#[derive(Clone, Debug)]
pub(crate) struct Key {
    pub(crate) deployment: Deployment,
    pub(crate) delivery: DeliveryId,
}

impl Key {
    pub(crate) fn of(out: &Outgoing) -> Self {
        Self { deployment: out.deployment.clone(), delivery: out.id.clone() }
    }

    fn marks(&self) -> String {
        format!("{}:{}", self.deployment, self.delivery)
    }

    /// Discord takes 25 characters and, with `enforce_nonce`, answers a repeat within minutes with
    /// the first message. Both names go in, so that a new store never meets an old one's.
    pub(crate) fn nonce(&self) -> String {
        let marks = self.marks();
        if marks.len() <= 25 && marks.is_ascii() {
            return marks;
        }
        hex::encode(&Sha256::digest(marks.as_bytes())[..12])
    }
}

/// What a message says and offers.
#[derive(Default)]
pub(crate) struct Said {
    pub(crate) text: Text,
    pub(crate) buttons: Vec<Button>,
}

/// How a message leaves.
#[derive(Clone, Copy)]
pub(crate) enum As<'a> {
    /// A new message of a delivery.
    New(&'a Key),
    /// The first message of a new post in a forum, which takes no nonce.
    First(&'a Key),
    /// A new look for a message of a delivery.
    Edit(&'a Key),
    /// A passing word in answer to a message.
    Answer { to: Option<&'a str> },
    /// An answer that only whoever asked sees.
    Private,
}

/// Makes the body. See the module.
pub(crate) fn sealed(said: &Said, how: As<'_>) -> Sealed {
    let key = match how {
        As::New(key) | As::First(key) | As::Edit(key) => Some(key),
        As::Answer { .. } | As::Private => None,
    };
    let footer =
        key.map_or_else(|| "-# careline".to_owned(), |key| FOOTER.to_owned() + &key.marks());
    let content = said.text.fit(&footer);
    let users = said.text.called.iter().filter_map(|id| id.parse::<u64>().ok());
    let users: Vec<UserId> = users.filter(|id| *id > 0).map(UserId::new).take(100).collect();
    let mentions = CreateAllowedMentions::new().users(users).replied_user(false);
    let rows = rows(&said.buttons, key);
    let flags = MessageFlags::SUPPRESS_EMBEDS;
    let value = match how {
        As::New(key) => json(
            &CreateMessage::new()
                .content(content)
                .components(rows)
                .flags(flags)
                .allowed_mentions(mentions)
                .nonce(Nonce::String(key.nonce()))
                .enforce_nonce(true),
        ),
        As::First(_) => {
            let message = CreateMessage::new().content(content).components(rows);
            json(&message.flags(flags).allowed_mentions(mentions))
        }
        As::Edit(_) => json(
            &EditMessage::new()
                .content(content)
                .components(rows)
                .flags(flags)
                .allowed_mentions(mentions),
        ),
        As::Answer { to } => {
            let message = CreateMessage::new().content(content).components(rows);
            let mut value = json(&message.flags(flags).allowed_mentions(mentions));
            if let Some(to) = to {
                value["message_reference"] = json!({"message_id": to, "fail_if_not_exists": false});
            }
            value
        }
        As::Private => json(
            &CreateInteractionResponseMessage::new()
                .content(content)
                .components(rows)
                .flags(
                    InteractionResponseFlags::SUPPRESS_EMBEDS | InteractionResponseFlags::EPHEMERAL,
                )
                .allowed_mentions(mentions),
        ),
    };
    Sealed(value)
}

/// Serenity's builders hold nothing that JSON cannot; without empty lists, which mean nothing.
fn json(builder: &impl serde::Serialize) -> Value {
    let mut value = serde_json::to_value(builder).unwrap_or_default();
    if let Some(fields) = value.as_object_mut() {
        let idle = ["embeds", "sticker_ids", "attachments", "tts", "enforce_nonce"];
        let empty = |v: &Value| *v == json!([]) || *v == json!(false);
        fields.retain(|key, v| !idle.contains(&key.as_str()) || !empty(v));
    }
    value
}

/// Buttons in rows of five; what does not fit Discord's limits is left out.
fn rows(buttons: &[Button], key: Option<&Key>) -> Vec<CreateActionRow> {
    let mut ids = std::collections::BTreeSet::new();
    let fitting: Vec<CreateButton> = buttons
        .iter()
        .map(|button| (custom_id(&button.words, key), button))
        .filter(|(id, _)| show::length(id) <= CUSTOM_ID && ids.insert(id.clone()))
        .map(|(id, button)| {
            let style = match button.style {
                Style::Plain => ButtonStyle::Secondary,
                Style::Primary => ButtonStyle::Primary,
                Style::Danger => ButtonStyle::Danger,
            };
            CreateButton::new(id).label(short(&button.label, LABEL)).style(style)
        })
        .take(25)
        .collect();
    fitting.chunks(5).map(|row| CreateActionRow::Buttons(row.to_vec())).collect()
}

/// The words, and our marks behind them where there is room.
fn custom_id(words: &str, key: Option<&Key>) -> String {
    let marked = key.map(|key| format!("{words}|{}", key.marks()));
    marked.filter(|id| show::length(id) <= CUSTOM_ID).unwrap_or_else(|| words.to_owned())
}

/// A button's words, and the marks behind them.
pub(crate) fn split(custom_id: &str) -> (&str, Option<(&str, &str)>) {
    let marks = |tail: &'_ str| !tail.contains(char::is_whitespace) && tail.contains(':');
    match custom_id.rsplit_once('|') {
        Some((words, tail)) if marks(tail) => (words, tail.split_once(':')),
        _ => (custom_id, None),
    }
}

/// The marks of a last line of ours.
pub(crate) fn unfooted(line: &str) -> Option<(&str, &str)> {
    line.strip_prefix(FOOTER)?.trim().split_once(':')
}

fn short(text: &str, limit: usize) -> String {
    let mut used = 0;
    let mut fits = |c: &char| {
        used += c.len_utf16();
        used <= limit
    };
    text.chars().take_while(|c| fits(c)).collect()
}

/// What a notice says; `None` for a mark, which says nothing. An edit of a message that carries
/// several writes all of them anew: they stand in `merged`, the changed one among them.
pub(crate) fn said(out: &Outgoing) -> Option<Said> {
    let whole = matches!(out.notice, Notice::Amend { .. }) && !out.merged.is_empty();
    let own = (!whole).then_some(&out.notice);
    let mut notices = own.into_iter().chain(out.merged.iter().map(|(_, notice)| notice));
    let mut all = one(notices.next()?)?;
    for more in notices.filter_map(one) {
        all.text.append(more.text);
        all.buttons.extend(more.buttons);
    }
    Some(all)
}

fn one(notice: &Notice) -> Option<Said> {
    match notice {
        Notice::Open { card, .. } => Some(of_card(card)),
        Notice::Post(note) | Notice::Tell { note, .. } => Some(of_note(note)),
        Notice::Amend { to, .. } => Some(match &**to {
            Face::Card(card) => of_card(card),
            Face::Note(note) => of_note(note),
        }),
        Notice::Mark { .. } => None,
    }
}

/// The card: who and where, what they said, what they showed, what is known, what can be done.
fn of_card(card: &Card) -> Said {
    let mut text = Text::default();
    text.raw(&format!("**{}**  \\@{}", line(&card.name), line(&card.handle)));
    text.say(&format!("  ·  {}  ·  {}", card.place, card.audience));
    if let Some(warning) = card.warning.as_ref().filter(|warning| !warning.is_empty()) {
        text.raw(&format!("\n**Behind a content warning:** {}", line(warning)));
    }
    text.quote(&card.text);
    media(&mut text, &card.media);
    for (label, value) in &card.facts {
        text.raw(&format!("**{}** ", escape(label)));
        text.rich(value);
        text.raw("  ·  ");
    }
    let links = [("original", &card.url), ("profile", &card.author_url)];
    for (n, (label, url)) in links.iter().filter_map(|(l, u)| Some((l, u.as_ref()?))).enumerate() {
        text.raw(if n == 0 { "" } else { "  ·  " });
        text.link(url, label);
    }
    text.fresh_line();
    text.rich(&card.standing);
    Said { text, buttons: card.buttons.clone() }
}

fn of_note(note: &Note) -> Said {
    let mut text = Text::default();
    if note.tone == Tone::Warning {
        text.raw("⚠ ");
    }
    text.rich(&note.words);
    if let Some(url) = &note.url {
        text.fresh_or_space();
        text.link(url, "original");
    }
    media(&mut text, &note.media);
    if text.is_empty() {
        text.raw("…");
    }
    Said { text, buttons: note.buttons.clone() }
}

/// A passing answer.
pub(crate) fn of_answer(words: &Rich, buttons: &[Button]) -> Said {
    let mut text = Text::default();
    text.rich(words);
    if text.is_empty() {
        text.raw("Done.");
    }
    Said { text, buttons: buttons.to_vec() }
}

/// Pictures are named, never unfolded: their servers are not told who looks at a case.
fn media(text: &mut Text, all: &[Media]) {
    text.fresh_line();
    for item in all {
        let (sign, kind) = match item.kind {
            MediaKind::Picture => ("🖼 ", "picture"),
            MediaKind::Film => ("🎞 ", "film"),
            MediaKind::Sound => ("🔊 ", "sound"),
            MediaKind::Other => ("📎 ", "file"),
        };
        text.raw(sign);
        text.link(&item.url, kind);
        if !item.alt.is_empty() {
            text.raw(&format!(": {}", short(&line(&item.alt), 300)));
        }
        text.raw("\n");
    }
}

/// A thread's name: the case, the customer, his first words. Names are shown to the letter.
/// Source: <https://docs.discord.com/developers/resources/channel#channel-object>.
pub(crate) fn name(card: &Card) -> String {
    let handle = clean::line(card.handle.raw());
    let name = clean::line(card.name.raw());
    let who = if name.is_empty() { handle } else { name };
    let words = match &card.warning {
        Some(warning) if !warning.is_empty() => clean::line(warning.raw()),
        _ => clean::line(card.text.raw()),
    };
    let front = format!("{} {}", card.case, short(&who, 40));
    let whole = if words.is_empty() { front } else { format!("{front}: {words}") };
    if show::length(&whole) <= NAME { whole } else { short(&whole, NAME - 1) + "…" }
}

/// The tag of a case that calls for somebody.
const URGENT: &str = "Urgent";
/// The tag of a case that is closed.
pub(crate) const CLOSED: &str = "Closed";
/// Tags that only careline sets; of others' a post keeps what people gave it.
pub(crate) const STANDINGS: [&str; 4] = ["Open", "Answered", CLOSED, URGENT];

/// The tags that a card asks for: where the case stands, its network, and whether it is urgent.
pub(crate) fn tags(card: &Card) -> Vec<String> {
    let standing = card.standing.0.iter().find_map(|piece| match piece {
        Piece::Strong(word) => Some(short(word, 20)),
        _ => None,
    });
    let network = card.place.split(" · ").next().unwrap_or_default();
    let network = Some(short(network, 20)).filter(|network| !network.trim().is_empty());
    let urgent = card.urgent.then(|| URGENT.to_owned());
    standing.into_iter().chain(urgent).chain(network).collect()
}

/// Is the case closed, by its card?
pub(crate) fn is_closed(card: &Card) -> bool {
    matches!(card.standing.0.first(), Some(Piece::Strong(word)) if word == CLOSED)
}

/// Our marks as emoji.
pub(crate) const fn emoji(mark: Mark) -> &'static str {
    match mark {
        Mark::Sent => "✅",
        Mark::Failed => "❌",
        Mark::Inside => "🔒",
    }
}

/// What could stand where somebody types; `numbers` where a number is wanted.
/// Source: <https://docs.discord.com/developers/interactions/receiving-and-responding>,
/// autocomplete: 25 choices of 100 characters.
pub(crate) fn choices(all: &[Choice], numbers: bool) -> Value {
    let value = |text: &str| match text.parse::<u64>() {
        Ok(number) if numbers => json!(number),
        _ => json!(short(text, 100)),
    };
    let one = |choice: &Choice| {
        let name = short(&clean::line(&choice.label), 100);
        json!({"name": name, "value": value(&choice.value)})
    };
    let sound = all.iter().filter(|choice| !choice.label.trim().is_empty());
    let shown: Vec<Value> = sound.take(25).map(one).collect();
    json!({"type": 8, "data": {"choices": shown}})
}

/// A form, in the older shape, whose answers every client sends.
/// Source: <https://docs.discord.com/developers/interactions/receiving-and-responding>, modals:
/// 45 characters of title and label, 100 of placeholder, 4,000 of text.
pub(crate) fn modal(form: &Form) -> Value {
    let max = u16::try_from(form.max.min(4_000)).unwrap_or(4_000);
    let input = CreateInputText::new(InputTextStyle::Paragraph, short(&form.label, 45), "text")
        .placeholder(short(&form.hint, 100))
        .max_length(max)
        .required(true);
    let text = short(&form.text, usize::from(max));
    let input = if text.is_empty() { input } else { input.value(text) };
    let rows = vec![CreateActionRow::InputText(input)];
    let modal = CreateModal::new(short(&form.words, CUSTOM_ID), short(&form.title, 45));
    json(&CreateInteractionResponse::Modal(modal.components(rows)))
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
