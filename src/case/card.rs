//! How a case looks at a desk: the card on top of its thread, and the customer's words in it.

use super::draft::Draft;
use super::effect::{Button, Card, Face, Note, Style, Tone};
use super::event::Mention;
use super::model::{Audience, Case, Priority, Status};
use super::record::{Key, Record};
use super::rich::{Rich, Theirs};
use super::terms::left;
use super::tone;

/// A button that asks these words about this case.
#[must_use]
pub fn button(label: &str, words: String, style: Style) -> Button {
    Button { label: label.to_owned(), words, style }
}

/// Who can read a post, in words.
#[must_use]
pub const fn audience(audience: Audience) -> &'static str {
    match audience {
        Audience::Direct => "private message",
        Audience::Followers => "followers only",
        Audience::Unlisted => "public, unlisted",
        Audience::Public => "public",
    }
}

/// The card as it should look now. `first` is the first mention of the case.
#[must_use]
pub fn card(draft: &Draft<'_>, case: &Case, first: &Mention) -> Card {
    let network = draft.abilities(&case.account).network;
    if case.plain {
        return plain(case, first, format!("{network} · {}", case.account));
    }
    Card {
        case: case.no,
        name: case.name.clone(),
        handle: case.handle.clone(),
        author_url: first.author_url.clone(),
        avatar: first.avatar.clone(),
        place: format!("{network} · {}", case.account),
        audience: audience(first.audience).to_owned(),
        warning: first.warning.clone(),
        text: first.text.clone(),
        media: first.media.clone(),
        url: first.url.clone(),
        written: first.written,
        facts: facts(draft, case, first),
        standing: standing(case, first),
        buttons: buttons(case, first),
        urgent: is_urgent(case),
    }
}

/// The card in words that no desk refuses: nobody's but ours, and a link of plain letters.
fn plain(case: &Case, first: &Mention, place: String) -> Card {
    let status = match case.status {
        Status::Open => "Open",
        Status::Answered => "Answered",
        Status::Closed => "Closed",
    };
    Card {
        case: case.no,
        name: Theirs::new("A customer"),
        handle: Theirs::new("customer"),
        author_url: None,
        avatar: None,
        place,
        audience: audience(first.audience).to_owned(),
        warning: None,
        text: Theirs::new("What the customer wrote could not be shown here."),
        media: Vec::new(),
        url: plain_link(first),
        written: first.written,
        facts: Vec::new(),
        standing: Rich::new().strong(status),
        buttons: buttons(case, first),
        urgent: is_urgent(case),
    }
}

fn plain_link(first: &Mention) -> Option<String> {
    let plain = |url: &String| {
        url.starts_with("http") && url.len() <= 300 && url.bytes().all(|b| b.is_ascii_graphic())
    };
    first.url.clone().filter(plain)
}

/// Said in the thread below a card without the customer's words.
#[must_use]
pub fn plain_note(first: &Mention) -> Rich {
    let words = Rich::of("The desk refused the card with the customer's words, so it stands ");
    match plain_link(first) {
        Some(url) => words.say("without them. ").link(&url, "Read them on the network"),
        None => words.say("without them. Please read them on the network."),
    }
}

/// Somebody was called, and nobody has taken it.
#[must_use]
pub fn is_urgent(case: &Case) -> bool {
    case.alert.as_ref().is_some_and(|alert| alert.taken.is_none())
}

/// The card once more, as a line of its thread: who, what he said last, how it stands, the buttons.
#[must_use]
pub fn low(draft: &Draft<'_>, case: &Case, first: &Mention) -> Note {
    let newest = case.recent.last().and_then(|heard| draft.mention(case.no, heard.line));
    let said = newest.map_or(first, |(mention, _, _)| mention);
    let words = Rich::new().strong(case.no.to_string()).say(" ").theirs(&case.name).say(" @");
    let words = words.theirs(&case.handle).quote(&said.text);
    let words = facts(draft, case, first)
        .into_iter()
        .fold(words, |words, (label, value)| words.strong(label).say(" ").then(value).say("  ·  "));
    let words = words.then(standing(case, first));
    Note { tone: Tone::Status, words, media: Vec::new(), url: None, buttons: buttons(case, first) }
}

fn facts(draft: &Draft<'_>, case: &Case, first: &Mention) -> Vec<(String, Rich)> {
    let mut facts = Vec::new();
    if let Some(alert) = case.alert.as_ref().filter(|_| is_urgent(case)) {
        facts.push(("Urgent".to_owned(), Rich::of(alert.why.join("; "))));
    }
    if let Some(rule) = &first.overheard {
        facts.push(("Overheard by".to_owned(), Rich::of(format!("rule {rule}"))));
    }
    if let Some(odd) = case.odd {
        facts.push(("Look out".to_owned(), Rich::of(odd.words())));
    }
    if let Some(since) = case.waits {
        facts.push(("Waits since".to_owned(), Rich::new().when(since)));
    }
    if let Some(left) = left(draft, case).filter(|_| case.status != Status::Closed) {
        facts.push(("Can be answered".to_owned(), left));
    }
    if case.wrote > 1 {
        facts.push(("Wrote".to_owned(), Rich::of(format!("{} times", case.wrote))));
    }
    if let Some(score) = tone::fact(case) {
        facts.push(("Score".to_owned(), score));
    }
    if case.thanks > 0 {
        facts.push(("Thanked".to_owned(), Rich::of(format!("{} times", case.thanks))));
    }
    match case.priority {
        Priority::High => facts.push(("Priority".to_owned(), Rich::of("high"))),
        Priority::Low => facts.push(("Priority".to_owned(), Rich::of("low"))),
        Priority::Normal => {}
    }
    if let Some(knew) = case.knew.as_ref().filter(|_| case.claimer.is_none()) {
        facts.push(("Knows him".to_owned(), Rich::new().agent(&knew.name)));
    }
    if let Some(language) = foreign(draft, first) {
        facts.push(("Language".to_owned(), Rich::new().theirs(&Theirs::new(language.clone()))));
    }
    facts.extend(contact_facts(draft, case));
    if !case.tags.is_empty() {
        facts.push(("Tags".to_owned(), Rich::of(case.tags.join(", "))));
    }
    if let Some(snooze) = &case.snoozed {
        let until = match snooze.until {
            Some(at) => Rich::of("until ").when(at),
            None => Rich::of("until the customer writes"),
        };
        facts.push(("Snoozed".to_owned(), until));
    }
    if let Some(earlier) = case.follows {
        facts.push(("Earlier case".to_owned(), Rich::of(earlier.to_string())));
    }
    if !case.linked.is_empty() {
        let linked: Vec<String> = case.linked.iter().map(ToString::to_string).collect();
        facts.push(("Same conversation".to_owned(), Rich::of(linked.join(", "))));
    }
    facts
}

/// His language, if it is none of the team's.
fn foreign<'m>(draft: &Draft<'_>, first: &'m Mention) -> Option<&'m String> {
    let known = |language: &str| {
        let short = language.split('-').next().unwrap_or_default();
        draft.policy.languages.iter().any(|known| known.eq_ignore_ascii_case(short))
    };
    first.language.as_ref().filter(|language| !known(language))
}

/// What is known of the customer beyond this case.
fn contact_facts(draft: &Draft<'_>, case: &Case) -> Vec<(String, Rich)> {
    let mut facts = Vec::new();
    if !case.same.is_empty() {
        let same = case.same.iter().map(|id| id.account.to_string()).collect::<Vec<_>>();
        facts.push(("Also writes to".to_owned(), Rich::of(same.join(", "))));
    }
    let Some(Record::Contact(contact)) = draft.get(&Key::Contact(case.contact.clone())) else {
        return facts;
    };
    if contact.noise > 0 {
        let times = format!("{} times", contact.noise);
        facts.push(("Was not ours before".to_owned(), Rich::of(times)));
    }
    if let Some(profile) = &contact.profile {
        facts.push(("About this customer".to_owned(), profile.said()));
    }
    facts
}

fn standing(case: &Case, first: &Mention) -> Rich {
    let owner = |rich: Rich| match &case.claimer {
        Some(agent) => rich.say(" · ").agent(&agent.name).say(" looks after it"),
        None => rich.say(" · nobody has claimed it"),
    };
    match case.status {
        Status::Open | Status::Answered if case.unasked => {
            let words = match case.answered {
                None => " · read only until somebody answers with `reply`",
                Some(_) => " · answered once; the next word is his",
            };
            owner(Rich::new().strong("Not addressed to us").say(words))
        }
        Status::Closed => {
            let rich = Rich::new().strong("Closed");
            case.cause.iter().fold(rich, |rich, cause| rich.say(format!(": {cause}")))
        }
        Status::Answered => owner(Rich::new().strong("Answered")),
        Status::Open => match &first.no_reply {
            Some(why) => owner(Rich::new().strong("Open")).say(format!(" · {why}")),
            None => owner(Rich::new().strong("Open")),
        },
    }
}

fn buttons(case: &Case, first: &Mention) -> Vec<Button> {
    let no = case.no;
    if case.status == Status::Closed {
        return vec![button("Reopen", format!("reopen {no}"), Style::Plain)];
    }
    let mut all = Vec::new();
    if case.claimer.is_none() {
        all.push(button("Claim", format!("claim {no}"), Style::Primary));
    }
    match &first.no_reply {
        None => all.push(button("Reply", format!("reply {no}"), Style::Plain)),
        Some(_) => all.push(button("Answered by hand", format!("answered {no}"), Style::Plain)),
    }
    all.push(button("Note", format!("note {no}"), Style::Plain));
    if case.claimer.is_some() {
        all.push(button("Release", format!("release {no}"), Style::Plain));
    }
    all.push(button("Close", format!("close {no}"), Style::Plain));
    all
}

/// A later mention as a message in the thread.
#[must_use]
pub fn customer_note(mention: &Mention, edits: u32, withdrawn: bool) -> Note {
    let mut words = Rich::new().theirs(&mention.name).say(" @").theirs(&mention.handle);
    if mention.audience < Audience::Unlisted {
        words = words.say(format!(" · {}", audience(mention.audience)));
    }
    if let Some(rule) = mention.overheard.as_ref().filter(|_| !withdrawn) {
        words = words.say(format!(" · not addressed to us (rule {rule})"));
    }
    if let Some(why) = mention.no_reply.as_ref().filter(|_| !withdrawn) {
        words = words.say(format!(" · cannot be answered: {why}"));
    }
    if edits > 0 && !withdrawn {
        words = words.say(" · changed by the customer");
    }
    words = match (&mention.warning, withdrawn) {
        (_, true) => words.say(" deleted this post."),
        (Some(warning), _) => {
            words.line().say("Content warning: ").theirs(warning).quote(&mention.text)
        }
        (None, _) => words.quote(&mention.text),
    };
    let url = mention.url.clone().filter(|_| !withdrawn);
    Note { tone: Tone::Customer, words, media: mention.media.clone(), url, buttons: Vec::new() }
}

/// Brings the card up to date. Needs the case's first line and the card's deliveries to be read.
pub fn refresh(draft: &mut Draft<'_>, case: &mut Case) {
    let Some((first, _, _)) = draft.mention(case.no, 0) else { return };
    let first = first.clone();
    let face = Face::Card(Box::new(card(draft, case, &first)));
    let mut shown = case.card.clone();
    draft.amend(case, Some(0), &mut shown, face);
    case.card = shown;
    if let Some(mut copy) = case.low.take() {
        let face = Face::Note(Box::new(low(draft, case, &first)));
        draft.amend(case, None, &mut copy, face);
        case.low = Some(copy);
    }
}
