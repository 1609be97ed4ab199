//! Who is in the demo: customers, staff, the app and our account, with what each logs in with.

use super::loopback::Loopback;
use crate::desk::slack::face as slack;
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
const BOT: &str = "U0CARELINE";
const US: &str = "110000000000000001";

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
    /// Staff, in the order the page shows them.
    pub staff: Vec<Player>,
    /// Our account's token.
    pub us: String,
    /// The token of a colleague who uses our account in the network's own app.
    pub bot_token: String,
    /// The app's own token.
    pub app_token: String,
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
        Self {
            customers: customers.collect(),
            staff: staff.collect(),
            us: secret("demo-account-"),
            bot_token: secret("xoxb-demo-"),
            app_token: secret("xapp-demo-"),
        }
    }

    /// Brings everybody into the world.
    pub fn enter(&self, shared: &Shared) {
        shared.change(crate::engine::clock::now(), |world| self.settle(world));
    }

    fn settle(&self, world: &mut World) {
        let square = world.square(ACCOUNT);
        square.join(Person { is_us: true, ..person(US, "acme", "Acme Outdoor", &self.us) });
        for player in &self.customers {
            self.admit(square, player);
        }
        self.furnish(world.office(DESK));
    }

    fn admit(&self, square: &mut Square, player: &Player) {
        square.join(person(&player.id, &player.key, &player.name, &player.token));
    }

    fn furnish(&self, office: &mut Office) {
        office.team = TEAM.to_owned();
        for player in &self.staff {
            let kind = if player.role == Some(Role::Guest) { Kind::Guest } else { Kind::Full };
            office.hire(&player.id, &player.name, kind, &[&player.token]);
        }
        let ids: Vec<&str> = self.staff.iter().map(|player| player.id.as_str()).collect();
        slack::install(office, &self.app());
        let members: Vec<&str> = ids.into_iter().chain([BOT]).collect();
        office.found(CHANNEL, "support", &members);
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

    /// A member of staff by his name in scripts or his id.
    #[must_use]
    pub fn member(&self, who: &str) -> Option<&Player> {
        self.staff.iter().find(|player| player.key == who || player.id == who)
    }

    /// The bot's id at the desk.
    #[must_use]
    pub const fn bot(&self) -> &'static str {
        BOT
    }

    /// All that a client needs to act as anybody, by face.
    #[must_use]
    pub fn told(&self, network: Loopback, desk: Loopback) -> Value {
        let tokens: serde_json::Map<String, Value> =
            all(&self.customers, |p| p.token.clone().into());
        let accounts =
            all(&self.customers, |p| json!({"id": p.id, "name": p.name, "handle": p.key}));
        let users = all(
            &self.staff,
            |p| json!({"id": p.id, "name": p.name, "role": p.role.map_or("", Role::name)}),
        );
        json!({
            "mastodon": {
                "base": network.to_string(), "tokens": tokens, "accounts": accounts,
                "account": {"id": US, "name": ACCOUNT, "handle": "acme", "token": self.us},
            },
            "slack": {
                "base": format!("{desk}/api"), "team": TEAM, "desk": DESK, "app": APP, "bot": BOT,
                "bot_token": self.bot_token, "app_token": self.app_token,
                "user_tokens": all(&self.staff, |p| p.token.clone().into()), "users": users,
                "channels": {"support": CHANNEL}, "command": COMMAND,
            },
        })
    }
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
        ..Person::default()
    }
}
