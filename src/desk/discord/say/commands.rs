//! The commands that are registered, made from the table of verbs.
//! Source: <https://docs.discord.com/developers/interactions/application-commands>.

use super::short;
use crate::case::command::{About, Field, Kind, VERBS, Verb};
use serde_json::Value;
use serenity::all::{CommandOptionType, CommandType, CreateCommand, CreateCommandOption};

/// Our slash command that takes any words; each verb has one of its own beside it. (Commands below
/// one command would end at 25.)
pub(crate) const COMMAND: &str = "careline";
/// The option that names a case.
pub(crate) const CASE: &str = "case";
/// Our entry in the menu of a message.
pub(crate) const SHORTCUT: &str = "Reply to customer";

fn text(hint: &str) -> CreateCommandOption {
    CreateCommandOption::new(CommandOptionType::String, "text", short(hint, 100))
}

fn command(verb: &Verb) -> CreateCommand {
    let command = CreateCommand::new(verb.name).kind(CommandType::ChatInput);
    let mut command = command.description(short(verb.summary, 100));
    for field in verb.fields {
        command = command.add_option(option(field));
    }
    if verb.about == About::Case {
        let hint = "The case, by number, customer or words; not needed in its own thread";
        let number = CreateCommandOption::new(CommandOptionType::Integer, CASE, hint);
        command = command.add_option(number.min_int_value(1).set_autocomplete(true));
    }
    command
}

/// A field as Discord asks for it: people are picked, what we know is completed.
fn option(field: &Field) -> CreateCommandOption {
    let kind = match field.kind {
        Kind::Person => CommandOptionType::User,
        Kind::Number => CommandOptionType::Integer,
        Kind::Text | Kind::Canned | Kind::When | Kind::OneOf(_) => CommandOptionType::String,
    };
    let option = CreateCommandOption::new(kind, field.name, short(field.hint, 100));
    let option = option.required(field.needed);
    match field.kind {
        Kind::Canned | Kind::When => option.set_autocomplete(true),
        Kind::OneOf(all) => all.iter().fold(option, |o, one| o.add_string_choice(*one, *one)),
        Kind::Text | Kind::Person | Kind::Number => option,
    }
}

fn all() -> Vec<CreateCommand> {
    let any = CreateCommand::new(COMMAND).kind(CommandType::ChatInput);
    let any =
        any.description("Look after customers' mentions").add_option(text("As in: claim #42"));
    let mut all: Vec<CreateCommand> = VERBS.iter().map(|verb| command(verb)).collect();
    all.extend([any, CreateCommand::new(SHORTCUT).kind(CommandType::Message)]);
    all
}

/// What shall be registered, as Discord takes it.
pub(crate) fn wanted() -> Value {
    let mut value = serde_json::to_value(all()).unwrap_or_default();
    tidy(&mut value);
    value
}

/// The commands as text, for whoever registers them by hand.
#[must_use]
pub fn commands() -> String {
    serde_json::to_string_pretty(&wanted()).unwrap_or_default() + "\n"
}

/// Leaves out what means nothing, so that ours and theirs can be compared.
fn tidy(value: &mut Value) {
    match value {
        Value::Array(all) => all.iter_mut().for_each(tidy),
        Value::Object(fields) => {
            fields.values_mut().for_each(tidy);
            fields.retain(|_, v| !is_nothing(v));
        }
        _ => {}
    }
}

fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::Array(all) => all.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        Value::String(text) => text.is_empty(),
        _ => false,
    }
}

/// Does what is registered differ from what shall be? Fields that only Discord sets are not
/// looked at.
pub(crate) fn changed(there: &Value) -> bool {
    let wanted = wanted();
    let (Some(wanted), Some(there)) = (wanted.as_array(), there.as_array()) else { return true };
    let found = |command: &Value| there.iter().any(|other| same(command, other));
    wanted.len() != there.len() || !wanted.iter().all(found)
}

fn same(ours: &Value, theirs: &Value) -> bool {
    match (ours, theirs) {
        (Value::Object(ours), Value::Object(theirs)) => {
            let none = Value::Null;
            let options = theirs.get("options").and_then(Value::as_array).map_or(0, Vec::len);
            let mine = ours.get("options").and_then(Value::as_array).map_or(0, Vec::len);
            options == mine
                && ours.iter().all(|(key, value)| same(value, theirs.get(key).unwrap_or(&none)))
        }
        (Value::Array(ours), Value::Array(theirs)) => {
            ours.len() == theirs.len() && ours.iter().zip(theirs).all(|(a, b)| same(a, b))
        }
        (Value::Number(a), Value::Number(b)) => a.as_f64() == b.as_f64(),
        (ours, theirs) => ours == theirs,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_verb_is_a_command_within_discords_limits() {
        assert!(VERBS.len() < 100, "an app has at most 100 slash commands");
        let wanted = wanted();
        let all = wanted.as_array().unwrap();
        assert_eq!(all.len(), VERBS.len() + 2);
        for (command, verb) in all.iter().zip(VERBS) {
            assert_eq!((&command["type"], &command["name"]), (&json!(1), &json!(verb.name)));
            assert!(command["description"].as_str().unwrap().chars().count() <= 100);
        }
        assert_eq!(all.last(), Some(&json!({"type": 3, "name": "Reply to customer"})));
    }

    #[test]
    fn options_fit_their_verbs() {
        let wanted = wanted();
        let of = |name: &str| {
            let command = wanted.as_array().unwrap().iter().find(|c| c["name"] == name).unwrap();
            command["options"].clone()
        };
        let assign = of("assign");
        assert_eq!((&assign[0]["type"], &assign[0]["required"]), (&json!(6), &json!(true)));
        assert_eq!((&assign[1]["type"], &assign[1]["autocomplete"]), (&json!(4), &json!(true)));
        assert_eq!(of("list")[0]["choices"][3]["value"], "unclaimed");
        assert_eq!(of("canned")[0]["autocomplete"], true);
        assert_eq!(of("help"), json!(null));
        assert_eq!(of("snooze")[0]["name"], "until");
    }

    #[test]
    fn only_a_real_difference_is_one() {
        let mut there = wanted();
        for command in there.as_array_mut().unwrap() {
            command["id"] = "1".into();
            command["version"] = "2".into();
            command["nsfw"] = false.into();
        }
        assert!(!changed(&there));
        let mut fewer = there.clone();
        fewer.as_array_mut().unwrap().pop();
        assert!(changed(&fewer));
        let mut other = there.clone();
        other[0]["description"] = "something else".into();
        assert!(changed(&other));
        assert!(changed(&json!([])));
        let mut more = there;
        more.as_array_mut().unwrap().push(json!({"name": "old", "type": 1}));
        assert!(changed(&more));
    }
}
