//! The demo as a visitor uses it, in a real browser without a screen.

use super::devtools::Browser;
use careline::sandbox::{Demo, Setup};
use std::path::PathBuf;

/// Pictures go where the build goes; `UPDATE=1` also renews the one of the README.
async fn keep(browser: &mut Browser, name: &str) {
    let bytes = super::base64(&browser.picture().await);
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    std::fs::write(folder.join(format!("{name}.png")), &bytes).expect("a picture");
    if name == "demo-held" && std::env::var_os("UPDATE").is_some() {
        let place = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/sandbox/demo.png");
        std::fs::write(place, &bytes).expect("a picture");
    }
}

async fn a_mention_and_its_answer(browser: &mut Browser) {
    browser.until("document.querySelectorAll('#people button').length === 8").await;
    browser.key("c").await;
    browser.until("document.activeElement.id === 'post'").await;
    browser.write("#post", "@acme my parcel is lost, and it was a present").await;
    browser.click("#compose button", "Post").await;
    browser.until("document.querySelector('#thread').innerText.includes('it was a present')").await;
    browser.click("#thread button", "Claim").await;
    browser.until("document.querySelector('#rail').innerText.includes('Maria Okoye looks')").await;
    browser.write("#say", "We will find it, or send another one today.").await;
    browser.click("#talk button", "Send").await;
    browser.until("document.querySelector('#rail .holding .count')").await;
    keep(browser, "demo-held").await;
    browser.until("document.querySelector('#timeline .post.ours')").await;
    let answer = browser.value("document.querySelector('#timeline .ours .body').innerText").await;
    assert!(answer.as_str().is_some_and(|text| text.contains("send another one today")));
    browser.until("document.querySelectorAll('#rail .step.done').length === 6").await;
}

async fn markup_stays_text(browser: &mut Browser) {
    browser.click("#people button", "B").await;
    browser.write("#post", "@acme <img src=x onerror=alert(1)><b>hi</b> javascript:alert(2)").await;
    browser.click("#compose button", "Post").await;
    let shown = "document.querySelector('#thread').innerText.includes('<b>hi</b>')";
    browser.until(shown).await;
    let planted =
        "document.querySelectorAll('#timeline img, #thread img[src=x], #thread [onerror]')";
    assert_eq!(browser.value(&format!("{planted}.length")).await, 0);
}

async fn forms_keep_what_was_written(browser: &mut Browser) {
    browser.click("#thread button", "Note").await;
    browser.until("document.querySelector('#form').open").await;
    browser.write("#form textarea", "Bilal likes angle brackets.").await;
    browser.click("#form button.primary", "").await;
    let shown = "document.querySelector('#thread').innerText.includes('likes angle brackets')";
    browser.until(&format!("!document.querySelector('#form').open && {shown}")).await;
}

async fn counts_are_right(browser: &mut Browser) {
    let read = "Object.fromEntries([...document.querySelectorAll('#ledger b')].map(b => \
        [b.nextSibling.textContent.trim(), Number(b.textContent)]))";
    let counts = browser.value(read).await;
    assert_eq!(counts["posts customers wrote"], 2, "{counts}");
    assert_eq!(counts["in threads"], 2, "{counts}");
    assert_eq!(counts["answers sent"], 1, "{counts}");
    for bad in ["lost", "doubled", "sent twice", "inside words outside"] {
        assert_eq!(counts[bad], 0, "{counts}");
    }
}

async fn every_size_fits(browser: &mut Browser) {
    for (name, width, height, scheme) in [
        ("demo-light", 1360, 850, "light"),
        ("demo-dark", 1360, 850, "dark"),
        ("demo-tablet", 900, 700, "light"),
        ("demo-phone", 390, 800, "light"),
    ] {
        browser.look(width, height, scheme).await;
        // A phone zooms out when something is too wide, so that its own width grows, too.
        let wide =
            browser.value("Math.max(document.documentElement.scrollWidth, innerWidth)").await;
        assert_eq!(wide.as_u64(), Some(u64::from(width)), "{name}");
        keep(browser, name).await;
    }
    for tab in ["life", "desk"] {
        browser.value(&format!("document.querySelector('[data-go={tab}]').click()")).await;
        browser.look(390, 800, "dark").await;
        keep(browser, &format!("demo-phone-{tab}")).await;
    }
}

/// Chooses a network or a desk on the page.
async fn choose(browser: &mut Browser, id: &str, name: &str) {
    let choose = format!(
        "(() => {{ const s = document.querySelector('#{id}'); s.value = '{name}'; \
         s.dispatchEvent(new Event('change')); }})()"
    );
    browser.value(&choose).await;
    browser.until(&format!("!document.querySelector('#{id}').disabled")).await;
}

/// Another network and the other desk: chosen on the page, drawn as Discord draws.
async fn another_pair(browser: &mut Browser) {
    browser.look(1360, 850, "light").await;
    choose(browser, "net", "bluesky").await;
    choose(browser, "office", "discord").await;
    browser.until("document.querySelectorAll('#timeline .post').length === 0").await;
    browser.write("#post", "@acme the *blue* lantern <b>hums</b>. Is that safe?").await;
    browser.click("#compose button", "Post").await;
    let said = "document.querySelector('#thread').innerText.includes('the *blue* lantern')";
    browser.until(said).await;
    browser.click("#thread button", "Claim").await;
    browser.until("document.querySelector('#rail').innerText.includes('Maria Okoye looks')").await;
    browser.write("#say", "It is **quite** safe, only a loose screw.").await;
    browser.click("#talk button", "Send").await;
    browser.until("document.querySelector('#rail .holding .count')").await;
    keep(browser, "demo-discord").await;
    browser.until("document.querySelector('#timeline .post.ours')").await;
    let answer = browser.value("document.querySelector('#timeline .ours .body').innerText").await;
    assert!(answer.as_str().is_some_and(|text| text.contains("It is quite safe")), "{answer}");
    browser.click("#thread button", "Note").await;
    browser.until("document.querySelector('#form').open").await;
    browser.write("#form textarea", "A screw.").await;
    browser.click("#form button.primary", "").await;
    let shown = "document.querySelector('#thread').innerText.includes('A screw.')";
    browser.until(&format!("!document.querySelector('#form').open && {shown}")).await;
    keep(browser, "demo-discord-note").await;
    let planted = "document.querySelectorAll('#thread img, #thread .text b b')";
    assert_eq!(browser.value(&format!("{planted}.length")).await, 0);
}

/// A Page on Facebook: what its customers cannot do is not offered, and an answer is made private.
async fn a_page_on_facebook(browser: &mut Browser) {
    choose(browser, "net", "facebook").await;
    choose(browser, "office", "slack").await;
    browser.until("document.querySelectorAll('#timeline .post').length === 0").await;
    for (id, hidden) in [("cw-label", true), ("pic-label", true), ("audience-label", false)] {
        let shown = browser.value(&format!("document.querySelector('#{id}').hidden")).await;
        assert_eq!(shown, hidden, "{id}");
    }
    browser.write("#post", "@acme my kettle whistles out of tune").await;
    browser.click("#compose button", "Post").await;
    let said = "document.querySelector('#thread').innerText.includes('out of tune')";
    browser.until(said).await;
    browser.click("#thread button", "Claim").await;
    browser.until("document.querySelector('#rail').innerText.includes('Maria Okoye looks')").await;
    browser.write("#say", "Which tune should it be?").await;
    browser.click("#talk button", "Send").await;
    browser.until("document.querySelector('#rail .holding .count')").await;
    browser.click("#thread button", "Private").await;
    browser.until("document.querySelector('#thread').innerText.includes(', privately')").await;
    keep(browser, "demo-facebook").await;
    browser.until("document.querySelector('#timeline .post.ours .tag.private')").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_visitor_sees_a_mention_answered() {
    let Some(mut browser) = Browser::start().await else {
        println!("there is no Chromium on this machine; the page was not looked at");
        return;
    };
    let demo = Demo::start(Setup::default()).await.expect("a demo");
    let home = format!("{}/", demo.page);
    browser.look(1360, 850, "light").await;
    browser.open(&home).await;
    a_mention_and_its_answer(&mut browser).await;
    markup_stays_text(&mut browser).await;
    forms_keep_what_was_written(&mut browser).await;
    counts_are_right(&mut browser).await;
    every_size_fits(&mut browser).await;
    another_pair(&mut browser).await;
    a_page_on_facebook(&mut browser).await;
    assert_eq!(browser.errors, Vec::<String>::new());
    let foreign = browser.asked.iter().find(|url| !url.starts_with(&home) && *url != "about:blank");
    assert_eq!(foreign, None);
    demo.end().await;
}
