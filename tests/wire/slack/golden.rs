//! The shape of what we send and read, held against Slack's own descriptions where they are at
//! hand (`../shared`).

use super::*;
use crate::wire::shared;

/// Checks a value against the few words of JSON Schema that the manifest's schema lives by.
fn fits(value: &Value, schema: &Value, root: &Value, at: &str, wrong: &mut Vec<String>) {
    if let Some(name) = schema["$ref"].as_str() {
        let target = root.pointer(name.trim_start_matches('#')).unwrap_or(&Value::Null);
        return fits(value, target, root, at, wrong);
    }
    let length = value.as_str().map_or(0, |text| text.chars().count()) as u64;
    if schema["maxLength"].as_u64().is_some_and(|most| value.is_string() && length > most) {
        wrong.push(format!("{at}: too long"));
    }
    let allowed = schema["enum"].as_array();
    if allowed.is_some_and(|all| !all.contains(value)) {
        wrong.push(format!("{at}: {value} is not one of the allowed"));
    }
    for key in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        if value.is_object() && value.get(key).is_none() {
            wrong.push(format!("{at}: {key} is missing"));
        }
    }
    for (key, value) in value.as_object().into_iter().flatten() {
        match schema["properties"].get(key) {
            Some(schema) => fits(value, schema, root, &format!("{at}/{key}"), wrong),
            None if schema["additionalProperties"] == false => {
                wrong.push(format!("{at}: {key} is not known"));
            }
            None => {}
        }
    }
    for item in value.as_array().into_iter().flatten() {
        fits(item, &schema["items"], root, at, wrong);
    }
}

#[test]
fn the_manifest_is_one_that_slack_takes() {
    let verbs = ["help", "list", "claim"];
    for address in [None, Some("https://careline.example/slack")] {
        let text = careline::desk::slack::manifest(&verbs, address);
        let manifest: Value = serde_json::from_str(&text).unwrap();
        let command = &manifest["features"]["slash_commands"][0];
        assert_eq!(command["usage_hint"], "help | list | claim");
        assert_eq!(manifest["settings"]["socket_mode_enabled"], address.is_none());
        assert_eq!(command["url"].is_null(), address.is_none());
        let events = &manifest["settings"]["event_subscriptions"]["bot_events"];
        for event in ["message.channels", "message.groups", "app_mention"] {
            assert!(events.as_array().unwrap().contains(&event.into()), "{event}");
        }
        let Some(path) = shared("specs/slack-manifest/schemas/manifest.schema.2.0.0.json") else {
            continue;
        };
        let schema: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
        let mut wrong = Vec::new();
        fits(&manifest, &schema, &schema, "", &mut wrong);
        assert!(wrong.is_empty(), "{wrong:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn recorded_payloads_are_heard_or_kept_and_never_stop_the_desk() {
    let Some(folder) = shared("data/payloads/slack/events") else { return };
    let scene = Scene::listening().await;
    let root = scene.root();
    let mut count = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let text = std::fs::read(entry.unwrap().path()).unwrap();
        let Ok(mut payload) = serde_json::from_slice::<Value>(&text) else { continue };
        // The recordings are blanked; without its type nothing of one would be read.
        payload["type"] = "event_callback".into();
        count += 1;
        scene.change(|w| {
            let (at, member) = (w.now, ANN.to_owned());
            let (app, surface) = (app().id, "events_api".to_owned());
            w.office("office").note(at, What::Asked { member, app, surface, payload });
        });
    }
    assert!(count > 50, "{count} payloads");
    scene.say(ANN, Some(root), "still listening");
    scene.said("still listening").await;
}
