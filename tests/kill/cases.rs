//! Which story reaches which boundary. A boundary of the code that is not here fails the test.

use careline::sandbox::pair::Net;

/// How a boundary is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// By the story as it is.
    Story,
    /// By the story while both faces answer with errors for what they did.
    Confused,
    /// By erasing a customer after the story.
    Forget,
}

/// Name, way, and the occurrences at which the process is killed in the full sweep.
pub const CASES: &[(&str, Way, &[u32])] = &[
    ("desk.deliver.answer", Way::Story, &[1, 2, 3, 5, 8]),
    ("desk.deliver.call", Way::Story, &[1, 2, 3, 5, 8]),
    ("desk.look.answer", Way::Confused, &[1, 2, 3]),
    ("desk.look.call", Way::Confused, &[1, 2, 3]),
    ("discord.acknowledge", Way::Story, &[1, 2, 3, 5]),
    ("discord.read.answer", Way::Story, &[1, 2, 3, 5]),
    ("discord.read.call", Way::Story, &[1, 2, 3, 5]),
    ("discord.write.answer", Way::Story, &[1, 2, 3, 5, 8]),
    ("discord.write.call", Way::Story, &[1, 2, 3, 5, 8]),
    ("engine.alarm", Way::Story, &[1, 2, 3]),
    ("engine.taken", Way::Story, &[1, 2, 3, 5, 8, 13, 21]),
    ("net.read.answer", Way::Story, &[1, 2, 3, 5, 8]),
    ("net.read.call", Way::Story, &[1, 2, 3, 5, 8]),
    ("net.write.answer", Way::Story, &[1, 2, 3]),
    ("net.write.call", Way::Story, &[1, 2, 3]),
    ("network.deliver.answer", Way::Story, &[1, 2, 3]),
    ("network.deliver.call", Way::Story, &[1, 2, 3]),
    ("network.look.answer", Way::Confused, &[1, 2, 3]),
    ("network.look.call", Way::Confused, &[1, 2, 3]),
    ("slack.acknowledge", Way::Story, &[1, 2, 3, 5]),
    ("slack.get.answer", Way::Story, &[1, 2, 3]),
    ("slack.get.call", Way::Story, &[1, 2, 3]),
    ("slack.post.answer", Way::Story, &[1, 2, 3, 5, 8]),
    ("slack.post.call", Way::Story, &[1, 2, 3, 5, 8]),
    ("store.group.applied", Way::Story, &[1, 2, 3, 5, 8, 13, 21, 34]),
    ("store.group.decided", Way::Story, &[1, 2, 3, 5, 8, 13, 21, 34]),
    ("store.group.synced", Way::Story, &[1, 2, 3, 5, 8, 13, 21, 34]),
    ("store.open.made", Way::Story, &[1]),
    ("store.open.opened", Way::Story, &[1]),
    ("store.open.tidied", Way::Story, &[1]),
    ("store.swap.copied", Way::Forget, &[1]),
    ("store.swap.moved", Way::Forget, &[1]),
    ("store.swap.placed", Way::Forget, &[1]),
];

/// One case of each kind, for every run of the tests, and the network where its story happens.
pub const QUICK: &[(&str, u32, Net)] = &[
    ("store.group.applied", 5, Net::Mastodon),
    ("store.group.synced", 13, Net::X),
    ("desk.deliver.answer", 2, Net::Mastodon),
    ("network.deliver.call", 1, Net::Mastodon),
    ("network.deliver.answer", 1, Net::X),
    ("network.deliver.answer", 2, Net::Facebook),
    ("network.deliver.answer", 3, Net::Instagram),
    ("discord.acknowledge", 2, Net::Instagram),
    ("discord.write.answer", 2, Net::Bluesky),
    ("engine.alarm", 2, Net::Mastodon),
    ("slack.acknowledge", 2, Net::Facebook),
    ("store.swap.moved", 1, Net::X),
];
