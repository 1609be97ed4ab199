//! Block Kit's limits, as the references of its blocks and elements state them (`[block-kit]`).
//!
//! Source: [block-kit] (named in `face/mod.rs`).

use serde_json::Value;
use std::collections::BTreeSet;

/// Mistakes found so far, each with its place.
struct Check {
    wrong: Vec<String>,
    ids: BTreeSet<String>,
    actions: BTreeSet<String>,
}

/// Every mistake of a list of blocks; `most` is 50 in messages, 100 in forms.
pub(super) fn check(blocks: &Value, most: usize) -> Vec<String> {
    let mut check = Check { wrong: Vec::new(), ids: BTreeSet::new(), actions: BTreeSet::new() };
    match blocks.as_array() {
        None => check.wrong.push("[ERROR] must be an array of blocks".into()),
        Some(all) => {
            check.at_most("blocks", all.len(), most);
            for (n, block) in all.iter().enumerate() {
                check.block(&format!("/blocks/{n}"), block);
            }
        }
    }
    check.wrong
}

fn chars(value: &Value) -> usize {
    value.as_str().map_or(0, |text| text.chars().count())
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

impl Check {
    fn no(&mut self, place: &str, what: &str) {
        self.wrong.push(format!("[ERROR] {what} [json-pointer:{place}]"));
    }

    fn at_most(&mut self, place: &str, count: usize, most: usize) {
        if count > most {
            self.no(place, &format!("no more than {most} allowed, {count} given"));
        }
    }

    fn between(&mut self, place: &str, count: usize, least: usize, most: usize) {
        if count < least {
            self.no(place, &format!("at least {least} needed"));
        }
        self.at_most(place, count, most);
    }

    /// Only these fields: Slack calls others "invalid additional property".
    fn only(&mut self, place: &str, value: &Value, fields: &[&str]) {
        let Some(all) = value.as_object() else { return self.no(place, "must be an object") };
        for field in all.keys().filter(|key| !fields.contains(&key.as_str())) {
            self.no(place, &format!("invalid additional property: {field}"));
        }
    }

    fn block(&mut self, at: &str, block: &Value) {
        if let Some(id) = block["block_id"].as_str() {
            self.between(&format!("{at}/block_id"), id.chars().count(), 1, 255);
            if !self.ids.insert(id.to_owned()) {
                self.no(at, "block_id already exists");
            }
        }
        match block["type"].as_str().unwrap_or_default() {
            "section" => self.section(at, block),
            "header" => {
                self.only(at, block, &["type", "block_id", "text"]);
                self.words(&format!("{at}/text"), &block["text"], 150, "plain_text");
            }
            "divider" => self.only(at, block, &["type", "block_id"]),
            "context" => self.context(at, block),
            "actions" => self.buttons(at, block),
            "image" => self.image(at, block),
            "input" => self.input(at, block),
            "rich_text" => self.rich(at, block),
            other => self.no(at, &format!("unsupported type: {other}")),
        }
    }

    /// `[section]`: text at most 3,000, ten fields of 2,000.
    fn section(&mut self, at: &str, block: &Value) {
        self.only(at, block, &["type", "block_id", "text", "fields", "accessory", "expand"]);
        if block["text"].is_null() && block["fields"].is_null() {
            self.no(at, "text or fields needed");
        }
        if !block["text"].is_null() {
            self.words(&format!("{at}/text"), &block["text"], 3000, "");
        }
        let fields = list(&block["fields"]);
        self.at_most(&format!("{at}/fields"), fields.len(), 10);
        for (n, field) in fields.iter().enumerate() {
            self.words(&format!("{at}/fields/{n}"), field, 2000, "");
        }
        if !block["accessory"].is_null() {
            self.element(&format!("{at}/accessory"), &block["accessory"]);
        }
    }

    fn context(&mut self, at: &str, block: &Value) {
        self.only(at, block, &["type", "block_id", "elements"]);
        let all = list(&block["elements"]);
        self.between(&format!("{at}/elements"), all.len(), 1, 10);
        for (n, element) in all.iter().enumerate() {
            let place = format!("{at}/elements/{n}");
            if element["type"] == "image" {
                self.picture(&place, element);
            } else {
                self.words(&place, element, 3000, "");
            }
        }
    }

    fn buttons(&mut self, at: &str, block: &Value) {
        self.only(at, block, &["type", "block_id", "elements"]);
        let all = list(&block["elements"]);
        self.between(&format!("{at}/elements"), all.len(), 1, 25);
        for (n, element) in all.iter().enumerate() {
            self.element(&format!("{at}/elements/{n}"), element);
        }
    }

    /// `[button]`: text 75, value 2,000, url 3,000, action_id 255 and unique in its block.
    fn element(&mut self, at: &str, element: &Value) {
        if element["type"] == "image" {
            return self.picture(at, element);
        }
        if element["type"] != "button" {
            return self.no(at, "unsupported element");
        }
        let fields = [
            "type",
            "action_id",
            "text",
            "value",
            "url",
            "style",
            "confirm",
            "accessibility_label",
        ];
        self.only(at, element, &fields);
        self.words(&format!("{at}/text"), &element["text"], 75, "plain_text");
        self.at_most(&format!("{at}/value"), chars(&element["value"]), 2000);
        self.at_most(&format!("{at}/url"), chars(&element["url"]), 3000);
        if !element["style"].is_null()
            && element["style"] != "primary"
            && element["style"] != "danger"
        {
            self.no(at, "style must be primary or danger");
        }
        self.action(at, element);
    }

    fn action(&mut self, at: &str, element: &Value) {
        if let Some(id) = element["action_id"].as_str() {
            self.between(&format!("{at}/action_id"), id.chars().count(), 1, 255);
            if !self.actions.insert(id.to_owned()) {
                self.no(at, "action_id already exists");
            }
        }
    }

    fn picture(&mut self, at: &str, value: &Value) {
        self.address(at, &value["image_url"]);
        if value["alt_text"].as_str().is_none() {
            self.no(at, "alt_text needed");
        }
        self.at_most(&format!("{at}/alt_text"), chars(&value["alt_text"]), 2000);
    }

    fn image(&mut self, at: &str, block: &Value) {
        self.only(at, block, &["type", "block_id", "image_url", "alt_text", "title"]);
        self.picture(at, block);
        if !block["title"].is_null() {
            self.words(&format!("{at}/title"), &block["title"], 2000, "plain_text");
        }
    }

    /// `[image]`: an address that Slack itself can fetch, at most 3,000 characters.
    fn address(&mut self, at: &str, value: &Value) {
        let text = value.as_str().unwrap_or_default();
        if !text.starts_with("https://") && !text.starts_with("http://") {
            self.no(at, "invalid image url");
        }
        self.at_most(at, text.chars().count(), 3000);
    }

    /// `[text object]`: 1 to so many characters; `only` = the one type that is allowed here.
    fn words(&mut self, at: &str, value: &Value, most: usize, only: &str) {
        self.only(at, value, &["type", "text", "emoji", "verbatim"]);
        let kind = value["type"].as_str().unwrap_or_default();
        let known = matches!(kind, "plain_text" | "mrkdwn") && (only.is_empty() || only == kind);
        if !known {
            self.no(at, &format!("unsupported text type: {kind}"));
        }
        self.between(at, chars(&value["text"]), 1, most);
    }

    /// `[input]`: a label of 2,000, one element; a plain field takes at most 3,000.
    fn input(&mut self, at: &str, block: &Value) {
        let fields =
            ["type", "block_id", "label", "element", "hint", "optional", "dispatch_action"];
        self.only(at, block, &fields);
        self.words(&format!("{at}/label"), &block["label"], 2000, "plain_text");
        if !block["hint"].is_null() {
            self.words(&format!("{at}/hint"), &block["hint"], 2000, "plain_text");
        }
        let element = &block["element"];
        if element["type"] != "plain_text_input" {
            return self.no(at, "unsupported input");
        }
        let most = usize::try_from(element["max_length"].as_u64().unwrap_or(3000)).unwrap_or(0);
        self.between(&format!("{at}/element/max_length"), most, 1, 3000);
        self.at_most(
            &format!("{at}/element/initial_value"),
            chars(&element["initial_value"]),
            most,
        );
        self.action(at, element);
    }

    fn rich(&mut self, at: &str, block: &Value) {
        self.only(at, block, &["type", "block_id", "elements"]);
        let all = list(&block["elements"]);
        self.between(&format!("{at}/elements"), all.len(), 1, 300);
        for (n, part) in all.iter().enumerate() {
            let place = format!("{at}/elements/{n}");
            match part["type"].as_str().unwrap_or_default() {
                "rich_text_section" | "rich_text_quote" | "rich_text_preformatted" => {
                    self.runs(&place, part);
                }
                "rich_text_list" => {
                    for section in list(&part["elements"]) {
                        self.runs(&place, section);
                    }
                }
                other => self.no(&place, &format!("unsupported rich text part: {other}")),
            }
        }
    }

    fn runs(&mut self, at: &str, part: &Value) {
        self.only(at, part, &["type", "elements", "border"]);
        for (n, run) in list(&part["elements"]).iter().enumerate() {
            let place = format!("{at}/elements/{n}");
            match run["type"].as_str().unwrap_or_default() {
                "text" => self.between(&format!("{place}/text"), chars(&run["text"]), 1, 3000),
                "link" => self.between(&format!("{place}/url"), chars(&run["url"]), 1, 3000),
                "date" if run["timestamp"].is_i64() && run["format"].is_string() => {}
                "user" | "channel" | "usergroup" | "broadcast" | "emoji" => {}
                other => self.no(&place, &format!("unsupported run: {other}")),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::check;
    use serde_json::json;

    #[test]
    fn finds_each_kind_of_mistake() {
        let label = |text: &str| json!({"type": "plain_text", "text": text});
        let button =
            |id: &str, text: &str| json!({"type": "button", "action_id": id, "text": label(text)});
        let good = json!([{"type": "actions", "block_id": "a", "elements": [button("x", "Go")]}]);
        assert_eq!(check(&good, 50), Vec::<String>::new());
        let cases = [
            json!([{"type": "divider", "block_id": "a"}, {"type": "divider", "block_id": "a"}]),
            json!([{"type": "actions", "elements": [button("x", "1"), button("x", "2")]}]),
            json!([{"type": "actions", "elements": [button("x", &"l".repeat(76))]}]),
            json!([{"type": "header", "text": {"type": "mrkdwn", "text": "x"}}]),
            json!([{"type": "section"}]),
            json!([{"type": "section", "text": {"type": "mrkdwn", "text": "x".repeat(3001)}}]),
            json!([{"type": "made_up"}]),
            json!([{"type": "divider", "colour": "red"}]),
            json!([{"type": "rich_text", "elements": [{"type": "rich_text_section",
                "elements": [{"type": "text", "text": ""}]}]}]),
            json!({"not": "a list"}),
        ];
        for case in cases {
            assert!(!check(&case, 50).is_empty(), "{case} must be refused");
        }
        let many: Vec<_> = (0..51).map(|_| json!({"type": "divider"})).collect();
        assert!(!check(&json!(many), 50).is_empty());
    }
}
