//! Notices as Slack's blocks. Pure.
//!
//! Nothing of a customer's ever stands where Slack reads markup: his words are runs of rich text,
//! the fallback text is ours and constant, unfurling and name linking are off.

mod manifest;
pub(crate) mod rich;

pub(crate) use manifest::SCOPES;
pub use manifest::manifest;

use super::hear::asked::{FIELD, FORM, Kept};
use crate::case::effect::{Answer, Button, Card, Face, Form, Mark, Note, Notice, Style, Tone};
use crate::case::event::{Media, MediaKind};
use crate::case::id::{ChannelId, DeliveryId, MessageId};
use crate::case::rich::Rich;
use crate::desk::Outgoing;
use rich::{Parts, clean, line};
use serde_json::{Value, json};

/// The type of our metadata.
pub(crate) const EVENT: &str = "careline";
/// Blocks of one message (`[block-kit]`).
const BLOCKS: usize = 50;
/// Characters of a text that `chat.update` takes (`msg_too_long`), with room to spare.
const TEXT: usize = 3_900;

/// One notice's worth of a message: words, pictures below them, buttons last.
#[derive(Default)]
struct Piece {
    head: Vec<Value>,
    words: Vec<Value>,
    pictures: Vec<Value>,
    foot: Vec<Value>,
    buttons: Vec<Button>,
}

/// A call of Slack's: the method and its arguments.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Call {
    pub(crate) method: &'static str,
    pub(crate) body: Value,
}

/// The call that carries this notice out. `None` if its place is not known: a post without a
/// thread, a change without a message.
pub(crate) fn notice(out: &Outgoing) -> Option<Call> {
    match &out.notice {
        Notice::Open { channel, card } => {
            let text = format!("New mention, case {}", card.case);
            let blocks = marked(out, fold(vec![of_card(card)]));
            Some(post(channel, None, &text, blocks, out))
        }
        Notice::Post(note) => {
            let thread = out.thread.as_ref()?;
            let mut pieces = vec![of_note(note)];
            pieces.extend(out.merged.iter().filter_map(|(_, notice)| merged(notice)));
            let blocks = marked(out, fold(pieces));
            Some(post(&thread.channel, Some(&thread.root), fallback(note.tone), blocks, out))
        }
        Notice::Tell { channel, note } => {
            let blocks = marked(out, fold(vec![of_note(note)]));
            Some(post(channel, None, fallback(note.tone), blocks, out))
        }
        Notice::Amend { to, of } => {
            let message = out.message.as_ref()?;
            let (text, piece) = match &**to {
                Face::Card(card) => (format!("Mention, case {}", card.case), of_card(card)),
                Face::Note(note) => (fallback(note.tone).to_owned(), of_note(note)),
            };
            // What went out in one message is written anew as a whole, in its order.
            let whole: Vec<Piece> = out.merged.iter().filter_map(|(_, n)| merged(n)).collect();
            let mut blocks = fold(if whole.is_empty() { vec![piece] } else { whole });
            // It stays findable as the deliveries that posted it.
            let head = out.merged.first().map_or(of, |(id, _)| id);
            mark(&mut blocks, &format!("cl:{}:{head}", out.deployment));
            Some(update(message, &text, blocks, metadata(out, head)))
        }
        Notice::Mark { message, mark } => Some(react(message, *mark)),
    }
}

fn merged(notice: &Notice) -> Option<Piece> {
    match notice {
        Notice::Post(note) | Notice::Tell { note, .. } => Some(of_note(note)),
        Notice::Open { card, .. } => Some(of_card(card)),
        Notice::Amend { .. } | Notice::Mark { .. } => None,
    }
}

/// What devices show in notifications: never a customer's word.
const fn fallback(tone: Tone) -> &'static str {
    match tone {
        Tone::Customer => "The customer wrote",
        Tone::Status => "careline has news of this case",
        Tone::Warning => "careline needs somebody to look at this",
    }
}

fn mark(blocks: &mut [Value], id: &str) {
    if let Some(first) = blocks.first_mut() {
        first["block_id"] = id.into();
    }
}

fn marked(out: &Outgoing, mut blocks: Vec<Value>) -> Vec<Value> {
    mark(&mut blocks, &format!("cl:{}:{}", out.deployment, out.id));
    blocks
}

fn post(
    channel: &ChannelId,
    thread: Option<&str>,
    text: &str,
    blocks: Vec<Value>,
    out: &Outgoing,
) -> Call {
    let mut body = json!({
        "channel": channel.channel, "text": text, "blocks": blocks, "mrkdwn": false,
        "parse": "none", "unfurl_links": false, "unfurl_media": false,
        "metadata": metadata(out, &out.id),
    });
    if let Some(thread) = thread {
        body["thread_ts"] = thread.into();
    }
    Call { method: "chat.postMessage", body }
}

/// Who speaks, and all deliveries that stand in this message; every value a text, as readers of
/// metadata expect.
fn metadata(out: &Outgoing, head: &DeliveryId) -> Value {
    let others = out.merged.iter().map(|(id, _)| id.as_str()).filter(|id| *id != head.as_str());
    json!({"event_type": EVENT, "event_payload": {
        "deployment": out.deployment.as_str(), "delivery": head.as_str(),
        "with": others.collect::<Vec<_>>().join(" "),
    }})
}

/// `[chat.update]`: text and blocks every time, or the missing one is gone.
fn update(message: &MessageId, text: &str, blocks: Vec<Value>, metadata: Value) -> Call {
    let body = json!({
        "channel": message.channel.channel, "ts": message.message, "text": text,
        "blocks": blocks, "parse": "none", "metadata": metadata,
    });
    Call { method: "chat.update", body }
}

/// The names under which Slack knows our marks.
fn react(message: &MessageId, mark: Mark) -> Call {
    let name = match mark {
        Mark::Sent => "white_check_mark",
        Mark::Failed => "x",
        Mark::Inside => "lock",
    };
    let body = json!({
        "channel": message.channel.channel, "timestamp": message.message, "name": name,
    });
    Call { method: "reactions.add", body }
}

/// The same call once more without blocks, after `invalid_blocks`: all words as escaped text.
pub(crate) fn bare(call: &Call) -> Call {
    let mut words = String::new();
    collect(&call.body["blocks"], &mut words);
    let mut body = call.body.clone();
    let words: String = escape(words.trim()).chars().take(TEXT).collect();
    // A cut through an escape would show half of it.
    let whole = words.rfind('&').filter(|at| !words[*at..].contains(';')).unwrap_or(words.len());
    body["text"] =
        format!("{}\n{}", body["text"].as_str().unwrap_or_default(), &words[..whole]).into();
    if let Some(body) = body.as_object_mut() {
        body.remove("blocks");
    }
    Call { method: call.method, body }
}

fn collect(value: &Value, out: &mut String) {
    match value {
        Value::Array(all) => all.iter().for_each(|value| collect(value, out)),
        Value::Object(map) => {
            if let Some(Value::String(text)) = map.get("text") {
                out.push_str(text);
            }
            if let Some(Value::String(url)) = map.get("url") {
                out.push_str(&format!(" ({url})"));
            }
            map.values().filter(|v| v.is_array() || v.is_object()).for_each(|v| collect(v, out));
            if map.get("type").and_then(Value::as_str).is_some_and(|t| t.starts_with("rich_text_"))
            {
                out.push('\n');
            }
        }
        _ => {}
    }
}

/// `[formatting]`: these three, and nothing else, need it.
pub(crate) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// Puts pieces into at most fifty blocks, losing no word: first each picture becomes a line,
/// then buttons of all but the last piece go, then words share blocks.
fn fold(mut pieces: Vec<Piece>) -> Vec<Value> {
    if count(&pieces) > BLOCKS {
        pieces.iter_mut().for_each(Piece::without_pictures);
    }
    if count(&pieces) > BLOCKS {
        let last = pieces.len() - 1;
        pieces[..last].iter_mut().for_each(|piece| piece.buttons.clear());
    }
    if count(&pieces) > BLOCKS {
        pieces = vec![pieces.into_iter().reduce(Piece::joined).unwrap_or_default()];
    }
    let mut blocks = Vec::new();
    let mut number = 0;
    for piece in pieces {
        piece.write(&mut blocks, &mut number);
    }
    blocks
}

fn count(pieces: &[Piece]) -> usize {
    pieces.iter().map(Piece::count).sum()
}

/// Rich text parts that share one block.
const SHARED: usize = 100;

impl Piece {
    fn count(&self) -> usize {
        let words = self.words.len().div_ceil(SHARED) + self.foot.len().div_ceil(SHARED);
        self.head.len() + words + self.pictures.len() + self.buttons.len().div_ceil(25)
    }

    fn without_pictures(&mut self) {
        for picture in self.pictures.drain(..) {
            let mut parts = Parts::default();
            let url = picture["image_url"].as_str().unwrap_or_default();
            parts.link(url, "picture");
            self.words.extend(parts.done());
        }
    }

    fn joined(mut self, other: Self) -> Self {
        self.words.append(&mut self.foot);
        self.words.extend(other.words);
        self.foot = other.foot;
        self.buttons = other.buttons;
        self
    }

    fn write(self, blocks: &mut Vec<Value>, number: &mut usize) {
        blocks.extend(self.head);
        let rich = |parts: &[Value]| json!({"type": "rich_text", "elements": parts});
        blocks.extend(self.words.chunks(SHARED).map(rich));
        blocks.extend(self.pictures);
        blocks.extend(self.foot.chunks(SHARED).map(rich));
        for row in self.buttons.chunks(25) {
            let row: Vec<Value> = row.iter().map(|b| button(b, number)).collect();
            blocks.push(json!({"type": "actions", "elements": row}));
        }
    }
}

/// `[button]`: 75 characters of label, 2,000 of value, an id of its own.
fn button(from: &Button, number: &mut usize) -> Value {
    *number += 1;
    let label: String = from.label.chars().take(75).collect();
    let value: String = from.words.chars().take(2_000).collect();
    let mut out = json!({
        "type": "button", "action_id": format!("careline:{number}"), "value": value,
        "text": {"type": "plain_text", "text": label, "emoji": false},
    });
    match from.style {
        Style::Plain => {}
        Style::Primary => out["style"] = "primary".into(),
        Style::Danger => out["style"] = "danger".into(),
    }
    out
}

/// The card: who and where, what they said, what they showed, what is known, what can be done.
fn of_card(card: &Card) -> Piece {
    let mut words = Parts::default();
    words.text(&line(&card.name), true);
    words.text(&format!("  @{}", line(&card.handle)), false);
    words.text(&format!("  ·  {}  ·  {}", card.place, card.audience), false);
    if let Some(warning) = card.warning.as_ref().filter(|warning| !warning.is_empty()) {
        words.text("\nBehind a content warning: ", true);
        words.text(&line(warning), false);
    }
    words.quote(&card.text);
    let open = !is_private(&card.audience) && card.warning.is_none();
    let pictures = pictures(&card.media, open, &mut words);
    let mut foot = Parts::default();
    facts(card, &mut foot);
    let foot = foot.rich(&card.standing);
    let buttons = card.buttons.clone();
    Piece { words: words.done(), pictures, foot: foot.done(), buttons, ..Piece::default() }
}

/// Audiences are told in words; these are the narrow ones. What few may see is not handed to
/// Slack's picture servers.
fn is_private(audience: &str) -> bool {
    let words = audience.to_lowercase();
    ["direct", "private", "follower"].iter().any(|word| words.contains(word))
}

/// Facts and links on one line, with a dot between each two of them.
fn facts(card: &Card, foot: &mut Parts) {
    let mut between = "";
    for (label, value) in &card.facts {
        foot.text(between, false);
        foot.text(&format!("{label} "), true);
        *foot = std::mem::take(foot).rich(value);
        between = "  ·  ";
    }
    let links = [("original", &card.url), ("profile", &card.author_url)];
    for (label, url) in links.iter().filter_map(|(label, url)| Some((label, url.as_ref()?))) {
        foot.text(between, false);
        foot.link(url, label);
        between = "  ·  ";
    }
    foot.close();
}

fn of_note(note: &Note) -> Piece {
    let lead = if note.tone == Tone::Warning { "⚠ " } else { "" };
    let mut words = Parts::default();
    words.text(lead, false);
    let mut words = words.rich(&note.words);
    if let Some(url) = &note.url {
        words.text("  ", false);
        words.link(url, "original");
    }
    // Nobody told who may see these: they are named, not shown.
    let pictures = pictures(&note.media, false, &mut words);
    let mut words = words.done();
    if words.is_empty() {
        words.push(
            json!({"type": "rich_text_section", "elements": [{"type": "text", "text": "…"}]}),
        );
    }
    Piece { words, pictures, buttons: note.buttons.clone(), ..Piece::default() }
}

/// Pictures that may be shown, as blocks; all else as a line with kind, description and link.
fn pictures(media: &[Media], open: bool, words: &mut Parts) -> Vec<Value> {
    let mut shown = Vec::new();
    for item in media {
        let address = item.preview.as_deref().unwrap_or(&item.url);
        let web = address.starts_with("https://") && address.len() <= 3_000;
        let alt: String = line(&item.alt).chars().take(1_900).collect();
        if open && web && item.kind == MediaKind::Picture {
            let alt =
                if alt.is_empty() { "A picture without a description".to_owned() } else { alt };
            shown.push(json!({"type": "image", "image_url": address, "alt_text": alt}));
            continue;
        }
        let kind = kind(item.kind);
        words.close();
        words.link(&item.url, kind);
        let told =
            if alt.is_empty() { "  without a description".to_owned() } else { format!("  {alt}") };
        words.text(&told, false);
    }
    shown
}

const fn kind(kind: MediaKind) -> &'static str {
    match kind {
        MediaKind::Picture => "Picture",
        MediaKind::Film => "Film",
        MediaKind::Sound => "Sound",
        MediaKind::Other => "Attachment",
    }
}

/// Words with buttons that only one person sees, as text and blocks.
pub(crate) fn aside(words: &Rich, buttons: &[Button]) -> Value {
    let words = Parts::default().rich(words).done();
    let piece = Piece { words, buttons: buttons.to_vec(), ..Piece::default() };
    json!({"text": "careline answers", "blocks": fold(vec![piece])})
}

/// Our page for one person (`[views]`, type `home`): what came of his press, then the page.
pub(crate) fn home(done: Option<&Rich>, words: &Rich, buttons: &[Button]) -> Value {
    let piece = |words: &Rich, buttons: &[Button]| Piece {
        words: Parts::default().rich(words).done(),
        buttons: buttons.to_vec(),
        ..Piece::default()
    };
    let head = done.map(|words| piece(words, &[]));
    let pieces = head.into_iter().chain([piece(words, buttons)]).collect();
    json!({"type": "home", "callback_id": HOME, "blocks": fold(pieces)})
}

/// Our page.
pub(crate) const HOME: &str = "careline_home";

/// The words of an answer, where it has some.
pub(crate) fn answer(answer: &Answer) -> Option<Value> {
    match answer {
        Answer::Say { words, buttons } => Some(aside(words, buttons)),
        Answer::Refuse(why) => Some(aside(&Rich::of(why.as_str()), &[])),
        Answer::Form(_) | Answer::Choices(_) => None,
    }
}

fn short(text: &str, most: usize) -> Value {
    let text: String = text.chars().take(most).collect();
    let text = if text.is_empty() { "…".to_owned() } else { text };
    json!({"type": "plain_text", "text": text, "emoji": false})
}

/// A form as a modal (`[views]`: title 24, label and hint 2,000, field 3,000 characters).
pub(crate) fn form(form: &Form, channel: &str, thread: &str) -> Value {
    let kept =
        Kept { words: form.words.clone(), channel: channel.to_owned(), thread: thread.to_owned() };
    let most = form.max.clamp(1, 3_000);
    let mut element = json!({
        "type": "plain_text_input", "action_id": FIELD, "multiline": true, "max_length": most,
    });
    let text: String = clean(&form.text).chars().take(most).collect();
    if !text.is_empty() {
        element["initial_value"] = text.into();
    }
    let mut input = json!({
        "type": "input", "block_id": FIELD, "label": short(&form.label, 2_000), "element": element,
    });
    if !form.hint.is_empty() {
        input["hint"] = short(&form.hint, 2_000);
    }
    json!({
        "type": "modal", "callback_id": FORM, "title": short(&form.title, 24),
        "submit": short("Send", 24), "close": short("Cancel", 24),
        "private_metadata": serde_json::to_string(&kept).unwrap_or_default(),
        "blocks": [input],
    })
}
