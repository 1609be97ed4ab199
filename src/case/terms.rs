//! A network's own terms for an answer: what it costs, and where only a person may give it.

use super::card::button;
use super::draft::{Draft, note};
use super::effect::{Style, Tone};
use super::gate::{Passed, PublicText, Rule};
use super::model::{Case, Target};
use super::rich::Rich;
use super::time::Timestamp;

/// What these parts cost, if a link makes them dear.
pub(super) fn price(draft: &Draft<'_>, case: &Case, parts: &[PublicText]) -> Option<u32> {
    let price = draft.abilities(&case.account).price?;
    price.of_links(parts.iter().map(PublicText::as_str))
}

/// Until when the network takes an answer to this, if not for ever.
pub(super) fn until(draft: &Draft<'_>, target: &Target) -> Option<Timestamp> {
    let abilities = draft.abilities(&target.account);
    match target.private_reply {
        true => abilities.until_private(target.written),
        false => abilities.until(target.audience, target.written),
    }
}

/// Is it too late to answer this?
pub(super) fn is_over(draft: &Draft<'_>, target: &Target) -> bool {
    until(draft, target).is_some_and(|until| until <= draft.at)
}

/// Until when the newest of the customer's private messages can be answered, for the card.
pub(super) fn left(draft: &Draft<'_>, case: &Case) -> Option<Rich> {
    let abilities = draft.abilities(&case.account);
    let ends = case.recent.iter().filter_map(|h| abilities.until(h.audience, h.written)).max()?;
    Some(match ends > draft.at {
        true => Rich::of("until ").when(ends),
        false => Rich::of("no more; he has to write again"),
    })
}

/// The network takes no answer to this post from us. Where it has a form that can be opened with
/// the words filled in, they are prepared for a person to post by hand.
pub(super) fn assist(
    draft: &mut Draft<'_>,
    case: &mut Case,
    passed: &Passed,
    target: &Target,
) -> Rule {
    let abilities = draft.abilities(&case.account);
    let Some(form) = abilities.form(target.post.as_str(), passed.as_str()) else {
        return Rule::NoReply;
    };
    let words = Rich::of("✍ Prepared, not sent: ")
        .say(format!("{} takes this answer only by hand. ", abilities.network))
        .link(&form, "Open it with your words filled in")
        .say(". What you post there is found and shown here.");
    let done = button("Answered by hand", format!("answered {}", case.no), Style::Primary);
    draft.post(case, None, note(Tone::Status, words, vec![done]));
    draft.put_case(case.clone());
    Rule::ByHand
}
