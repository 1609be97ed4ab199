//! Who is in the demo: customers, staff, the app and our account, with what each logs in with.

use super::Faces;
use super::pair::{
    AGENTS, DISCORD, DISCORD_APP, DISCORD_BOT, FORUM, GUILD, Net, Office as Desk, SKY, TEAM_TALK,
};
use crate::desk::discord::face as discord;
use crate::desk::slack::face as slack;
use crate::network::bluesky::face as bluesky;
use crate::world::office::{Kind, Office};
use crate::world::square::{Person, Square};
use crate::world::{Shared, World};
use serde_json::{Value, json};

/// The demo's account, as `bot-config` names it.
pub const ACCOUNT: &str = "acme";
/// The demo's desk, as `bot-config` names it.
pub const DESK: &str = "slack";
/// The channel of the demo's cases.
pub const CHANNEL: &str = "C0SUPPORT1";
/// The callback of the app's message shortcut.
pub const SHORTCUT: &str = "reply";
/// The slash command of the demo's app.
pub const COMMAND: &str = "/careline";

const TEAM: &str = "T0ACME0001";
const APP: &str = "A0CARELINE";
/// The app's own user at Slack.
pub const BOT: &str = "U0CARELINE";
/// Our account's number on all networks; Facebook's and Instagram's `page`.
pub const US: &str = "110000000000000001";

/// What the app may do: the scopes of its manifest.
const SCOPES: [&str; 18] = [
    "app_mentions:read",
    "channels:history",
    "channels:join",
    "channels:read",
    "chat:write",
    "chat:write.public",
    "commands",
    "emoji:read",
    "files:read",
    "files:write",
    "groups:history",
    "groups:read",
    "metadata.message:read",
    "reactions:read",
    "reactions:write",
    "team:read",
    "users:read",
    "users.profile:read",
];

/// What our account is called on Bluesky.
#[must_use]
pub fn did() -> String {
    bluesky::did(US)
}

/// What may be done by somebody at the desk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Speaks to customers.
    Agent,
    /// Works here, but not with customers.
    Colleague,
    /// A guest of the workspace.
    Guest,
}

impl Role {
    /// As the page says it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Agent => "agent",
            Self::Colleague => "colleague",
            Self::Guest => "guest",
        }
    }
}

/// Somebody who can act: a customer or a member of staff.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Player {
    /// His name in scripts.
    pub key: String,
    /// His id on his platform.
    pub id: String,
    /// The name people read.
    pub name: String,
    /// What he logs in with.
    pub token: String,
    /// His role at the desk; `None` for customers.
    pub role: Option<Role>,
}

/// All players, and what the program itself logs in with.
#[derive(Clone, Debug)]
pub struct Cast {
    /// Customers, in the order the page shows them.
    pub customers: Vec<Player>,
    /// Staff as Slack knows them, in the order the page shows them.
    pub staff: Vec<Player>,
    /// The same people as Discord knows them.
    pub discord_staff: Vec<Player>,
    /// Our account's token on Mastodon.
    pub us: String,
    /// Its app password on Bluesky.
    pub sky: String,
    /// Its token on X; with OAuth 1.0a also its secret, and both of the app.
    pub x: String,
    /// Our Page's token at Facebook, and the app's secret.
    pub facebook: String,
    /// Our account's token at Instagram, and the app's secret.
    pub instagram: String,
    /// The token of our bot at Slack.
    pub bot_token: String,
    /// The app's own token at Slack.
    pub app_token: String,
    /// The token of our bot at Discord.
    pub discord_token: String,
}

const CUSTOMERS: [(&str, &str); 8] = [
    ("anna", "Anna Lindqvist"),
    ("bilal", "Bilal Haddad"),
    ("chioma", "Chioma Eze"),
    ("diego", "Diego Prats"),
    ("elsa", "Elsa Brandt"),
    ("farah", "Farah Nazari"),
    ("goran", "Goran Ilić"),
    ("hana", "Hana Sato"),
];

const STAFF: [(&str, &str, &str, Role); 4] = [
    ("maria", "U0MARIA001", "Maria Okoye", Role::Agent),
    ("tom", "U0TOM00001", "Tom Berger", Role::Agent),
    ("nils", "U0NILS0001", "Nils Warehouse", Role::Colleague),
    ("gil", "U0GIL00001", "Gil Guest", Role::Guest),
];

/// Nobody can guess it, so that a page from elsewhere cannot use it either.
fn secret(prefix: &str) -> String {
    format!("{prefix}{:016x}{:016x}", fastrand::u64(..), fastrand::u64(..))
}

impl Cast {
    /// Fresh tokens for everybody.
    #[must_use]
    pub fn new() -> Self {
        let customers = CUSTOMERS.iter().enumerate().map(|(n, (key, name))| Player {
            key: (*key).to_owned(),
            id: format!("11000000000000010{n}"),
            name: (*name).to_owned(),
            token: secret("demo-customer-"),
            role: None,
        });
        let staff = STAFF.iter().map(|(key, id, name, role)| Player {
            key: (*key).to_owned(),
            id: (*id).to_owned(),
            name: (*name).to_owned(),
            token: secret("xoxp-demo-"),
            role: Some(*role),
        });
        let discord_staff = STAFF.iter().enumerate().map(|(n, (key, _, name, role))| Player {
            key: (*key).to_owned(),
            id: format!("40000000000000010{n}"),
            name: (*name).to_owned(),
            token: secret("demo-discord-"),
            role: Some(*role),
        });
        Self {
            customers: customers.collect(),
            staff: staff.collect(),
            discord_staff: discord_staff.collect(),
            us: secret("demo-account-"),
            sky: secret("demo-sky-"),
            x: secret("demo-x-"),
            facebook: secret("demo-facebook-"),
            instagram: secret("demo-instagram-"),
            bot_token: secret("xoxb-demo-"),
            app_token: secret("xapp-demo-"),
            discord_token: secret("demo-discord-bot-"),
        }
    }

    /// Brings everybody into the world.
    pub fn enter(&self, shared: &Shared) {
        shared.change(crate::engine::clock::now(), |world| self.settle(world));
    }

    fn settle(&self, world: &mut World) {
        for net in Net::ALL {
            let square = world.square(net.account());
            let us = person(US, "acme", "Acme Outdoor", self.ours(net));
            square.join(Person { is_us: true, ..us });
            for player in &self.customers {
                self.admit(square, player);
            }
        }
        self.furnish_slack(world.office(DESK));
        self.furnish_discord(world.office(DISCORD));
    }

    /// What our account on this network logs in with.
    #[must_use]
    pub fn ours(&self, net: Net) -> &str {
        match net {
            Net::Mastodon => &self.us,
            Net::Bluesky => &self.sky,
            Net::X => &self.x,
            Net::Facebook => &self.facebook,
            Net::Instagram => &self.instagram,
        }
    }

    fn admit(&self, square: &mut Square, player: &Player) {
        square.join(person(&player.id, &player.key, &player.name, &player.token));
    }

    fn furnish_slack(&self, office: &mut Office) {
        office.team = TEAM.to_owned();
        hire(office, &self.staff);
        let ids: Vec<&str> = self.staff.iter().map(|player| player.id.as_str()).collect();
        slack::install(office, &self.app());
        let members: Vec<&str> = ids.into_iter().chain([BOT]).collect();
        office.found(CHANNEL, "support", &members);
    }

    fn furnish_discord(&self, office: &mut Office) {
        office.team = GUILD.to_owned();
        hire(office, &self.discord_staff);
        let app = discord::App {
            id: DISCORD_APP.to_owned(),
            user: DISCORD_BOT.to_owned(),
            name: "careline".to_owned(),
            token: self.discord_token.clone(),
            content: true,
            lacks: Vec::new(),
        };
        discord::install(office, &app);
        discord::role(office, AGENTS, "agents");
        for player in self.discord_staff.iter().filter(|p| p.role == Some(Role::Agent)) {
            discord::grant(office, &player.id, &[AGENTS]);
        }
        let ids = self.discord_staff.iter().map(|player| player.id.as_str());
        let members: Vec<&str> = ids.chain([DISCORD_BOT]).collect();
        discord::forum(office, FORUM, "customers", &members);
        office.found(TEAM_TALK, "team", &members);
    }

    fn app(&self) -> slack::App {
        slack::App {
            id: APP.to_owned(),
            bot: "B0CARELINE".to_owned(),
            user: BOT.to_owned(),
            name: "careline".to_owned(),
            bot_token: self.bot_token.clone(),
            app_token: self.app_token.clone(),
            signing_secret: secret(""),
            request_url: None,
            scopes: SCOPES.iter().map(|&scope| scope.to_owned()).collect(),
            command: COMMAND.to_owned(),
        }
    }

    /// A customer by his name in scripts or his id.
    #[must_use]
    pub fn customer(&self, who: &str) -> Option<&Player> {
        self.customers.iter().find(|player| player.key == who || player.id == who)
    }

    /// A member of staff by his name in scripts or his id at any desk.
    #[must_use]
    pub fn member(&self, who: &str) -> Option<&Player> {
        let mut all = self.staff.iter().chain(&self.discord_staff);
        all.find(|player| player.key == who || player.id == who)
    }

    /// Staff as this desk knows them.
    #[must_use]
    pub fn staff_of(&self, desk: Desk) -> &[Player] {
        match desk {
            Desk::Slack => &self.staff,
            Desk::Discord => &self.discord_staff,
        }
    }

    /// A member of staff as this desk knows him, by his name in scripts or any id of his.
    #[must_use]
    pub fn member_of(&self, desk: Desk, who: &str) -> Option<&Player> {
        let key = &self.member(who)?.key;
        self.staff_of(desk).iter().find(|player| player.key == *key)
    }

    /// All that a client needs to act as anybody, by face.
    #[must_use]
    pub fn told(&self, at: Faces) -> Value {
        json!({
            "mastodon": self.told_mastodon(at), "bluesky": self.told_bluesky(at),
            "x": self.told_x(at), "facebook": self.told_meta(at, Net::Facebook),
            "instagram": self.told_meta(at, Net::Instagram),
            "slack": self.told_slack(at), "discord": self.told_discord(at),
        })
    }

    fn told_mastodon(&self, at: Faces) -> Value {
        json!({
            "base": at.mastodon.to_string(), "tokens": tokens(&self.customers),
            "accounts": self.accounts(), "account": self.account(Net::Mastodon),
        })
    }

    fn told_x(&self, at: Faces) -> Value {
        json!({
            "base": at.x.to_string(), "tokens": tokens(&self.customers),
            "accounts": self.accounts(), "account": self.account(Net::X),
        })
    }

    /// Customers have no API here; they write by the control address.
    fn told_meta(&self, at: Faces, net: Net) -> Value {
        let mut account = self.account(net);
        account["app_secret"] = self.ours(net).into();
        json!({ "base": at.of(net).to_string(), "accounts": self.accounts(), "account": account })
    }

    fn accounts(&self) -> serde_json::Map<String, Value> {
        all(&self.customers, |p| json!({"id": p.id, "name": p.name, "handle": p.key}))
    }

    fn account(&self, net: Net) -> Value {
        json!({"id": US, "name": net.account(), "handle": "acme", "token": self.ours(net)})
    }

    /// Tokens are app passwords here: a session is opened with handle and password.
    fn told_bluesky(&self, at: Faces) -> Value {
        let about = |p: &Player| {
            let (did, handle) = (bluesky::did(&p.id), format!("{}.test", p.key));
            json!({"did": did, "name": p.name, "handle": handle})
        };
        let stream = at.bluesky.to_string().replacen("http", "ws", 1);
        json!({
            "base": at.bluesky.to_string(), "jetstream": stream,
            "passwords": tokens(&self.customers), "accounts": all(&self.customers, about),
            "account": {"did": did(), "name": SKY, "handle": "acme.test",
                "password": self.sky},
        })
    }

    fn told_slack(&self, at: Faces) -> Value {
        json!({
            "base": format!("{}/api", at.slack), "team": TEAM, "desk": DESK, "app": APP,
            "bot": BOT, "bot_token": self.bot_token, "app_token": self.app_token,
            "user_tokens": tokens(&self.staff), "users": users(&self.staff),
            "channels": {"support": CHANNEL}, "command": COMMAND,
        })
    }

    fn told_discord(&self, at: Faces) -> Value {
        json!({
            "base": format!("{}/api/v10", at.discord), "guild": GUILD, "desk": DISCORD,
            "app": DISCORD_APP, "bot": DISCORD_BOT, "bot_token": self.discord_token,
            "user_tokens": tokens(&self.discord_staff), "users": users(&self.discord_staff),
            "channels": {"customers": FORUM, "team": TEAM_TALK}, "roles": {"agents": AGENTS},
        })
    }
}

fn hire(office: &mut Office, staff: &[Player]) {
    for player in staff {
        let kind = if player.role == Some(Role::Guest) { Kind::Guest } else { Kind::Full };
        office.hire(&player.id, &player.name, kind, &[&player.token]);
    }
}

fn tokens(players: &[Player]) -> serde_json::Map<String, Value> {
    all(players, |player| player.token.clone().into())
}

fn users(players: &[Player]) -> serde_json::Map<String, Value> {
    all(players, |p| json!({"id": p.id, "name": p.name, "role": p.role.map_or("", Role::name)}))
}

impl Default for Cast {
    fn default() -> Self {
        Self::new()
    }
}

fn all(players: &[Player], of: impl Fn(&Player) -> Value) -> serde_json::Map<String, Value> {
    players.iter().map(|player| (player.key.clone(), of(player))).collect()
}

fn person(id: &str, handle: &str, name: &str, token: &str) -> Person {
    Person {
        id: id.to_owned(),
        handle: handle.to_owned(),
        name: name.to_owned(),
        token: Some(token.to_owned()),
        // Loud and quiet ones, so that the report has something to compare.
        followers: 3_u64.saturating_pow(u32::try_from(handle.len()).unwrap_or(1)),
        ..Person::default()
    }
}
