"use strict";
// Draws what Discord would draw, from the text and the components that were sent to it. Text only
// ever becomes text nodes, and only http addresses become links.

const Markdown = (() => {
  let names = {};

  const link = (url, label) => (/^https?:\/\//i.test(url)
    ? h("a", { href: url, rel: "noreferrer noopener nofollow", target: "_blank", title: url }, label)
    : h("span", {}, label));
  const when = (seconds) => {
    const at = new Date(Number(seconds) * 1000);
    const clock = at.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
    const today = at.toDateString() === new Date().toDateString();
    return document.createTextNode(today ? "today " + clock : at.toLocaleDateString() + " " + clock);
  };

  // Rules in the order in which they are tried; each says how far it reaches.
  const RULES = [
    [/^\\([^A-Za-z0-9\s])/, (m) => document.createTextNode(m[1])],
    [/^`([^`\n]+)`/, (m) => h("code", {}, m[1])],
    [/^\[((?:\\.|[^\]\\\n])+)\]\(<?(https?:[^\s>)]+)>?\)/, (m) => link(m[2], inline(m[1]))],
    [/^<(https?:[^\s>]+)>/, (m) => link(m[1], m[1])],
    [/^<@!?(\d+)>/, (m) => h("b", { class: "call" }, "@" + (names[m[1]] || "someone"))],
    [/^<t:(\d+)(?::\w)?>/, (m) => when(m[1])],
    [/^\*\*([\s\S]+?)\*\*/, (m) => h("b", {}, inline(m[1]))],
    [/^__([\s\S]+?)__/, (m) => h("u", {}, inline(m[1]))],
    [/^~~([\s\S]+?)~~/, (m) => h("s", {}, inline(m[1]))],
    [/^\*([^\s*][^*]*)\*/, (m) => h("i", {}, inline(m[1]))],
    [/^https?:\/\/[^\s<]+/, (m) => link(m[0], m[0])],
  ];
  const inline = (text) => {
    const out = [];
    let rest = text;
    let plain = "";
    while (rest) {
      let hit = null;
      for (const [rule, make] of RULES) {
        const found = rule.exec(rest);
        if (found) { hit = [found, make]; break; }
      }
      if (hit) {
        if (plain) out.push(plain);
        plain = "";
        out.push(hit[1](hit[0]));
        rest = rest.slice(hit[0][0].length);
      } else {
        const c = String.fromCodePoint(rest.codePointAt(0));
        plain += c;
        rest = rest.slice(c.length);
      }
    }
    if (plain) out.push(plain);
    return out;
  };

  const draw = (text) => {
    const out = [];
    let quote = null;
    for (const line of String(text || "").split("\n")) {
      const quoted = /^> ?(.*)$/.exec(line);
      if (quoted) {
        if (!quote) out.push((quote = h("blockquote")));
        quote.append(h("div", {}, ...inline(quoted[1]), "\u200b"));
        continue;
      }
      quote = null;
      const small = /^-# (.*)$/.exec(line);
      out.push(small ? h("small", { class: "foot" }, ...inline(small[1]))
        : h("div", {}, ...inline(line), line ? "" : "\u00a0"));
    }
    return out;
  };

  const STYLES = { 1: "primary", 3: "primary", 4: "danger" };
  const rows = (components, press) => (Array.isArray(components) ? components : []).map((row) =>
    h("div", { class: "actions" }, (row.components || []).map((b) =>
      h("button", { type: "button", class: "slack " + (STYLES[b.style] || ""), disabled: b.disabled,
        onclick: () => press({ value: b.custom_id }) }, b.label))));

  return { know: (users) => { names = users; }, draw, rows };
})();
