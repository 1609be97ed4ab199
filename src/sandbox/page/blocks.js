"use strict";
// Draws what Slack would draw, from the JSON that was sent to it. Text only ever becomes text
// nodes, and only http addresses become links: nothing a customer wrote can become markup.

const h = (tag, props = {}, ...kids) => {
  const el = document.createElement(tag);
  for (const [key, value] of Object.entries(props)) {
    if (value === undefined || value === null || value === false) continue;
    if (key === "class") el.className = value;
    else if (key.startsWith("on")) el.addEventListener(key.slice(2), value);
    else el.setAttribute(key, value === true ? "" : String(value));
  }
  el.append(...kids.flat(9).filter((kid) => kid !== null && kid !== undefined && kid !== false));
  return el;
};

const Blocks = (() => {
  const EMOJI = {
    white_check_mark: "✅", hourglass_flowing_sand: "⏳", hourglass: "⌛", x: "❌", warning: "⚠️",
    lock: "🔒", eyes: "👀", incoming_envelope: "📨", speech_balloon: "💬", no_entry: "⛔", bell: "🔔",
    arrow_right: "➡️", memo: "📝", leftwards_arrow_with_hook: "↩️", outbox_tray: "📤", inbox_tray: "📥",
    question: "❓", pencil2: "✏️", wastebasket: "🗑️", paperclip: "📎", camera: "📷", heavy_check_mark: "✔️",
    see_no_evil: "🙈", shushing_face: "🤫", mag: "🔍", link: "🔗", closed_lock_with_key: "🔐", pray: "🙏",
    "+1": "👍", smile: "😄", heart: "❤️", wave: "👋",
  };
  let names = { users: {}, channels: {}, bases: [] };

  const entity = (text) =>
    text.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&");
  const emoji = (text) => text.replace(/:([a-z0-9_+-]+):/g, (all, name) => EMOJI[name] || all);
  const safe = (url) => (/^https?:\/\//i.test(url) ? url : null);
  const link = (url, label) => {
    const href = safe(url);
    return href
      ? h("a", { href, rel: "noreferrer noopener nofollow", target: "_blank", title: href }, label)
      : h("span", {}, label);
  };
  const source = (url) =>
    names.bases.some((base) => url.startsWith(base)) ? "/picture?u=" + encodeURIComponent(url) : null;
  const picture = (url, alt, cls) => {
    const src = source(url || "");
    return src
      ? h("img", { src, alt: alt || "", class: cls, loading: "lazy" })
      : h("span", { class: "no-picture" }, alt || "picture");
  };

  const date = (stamp, format, fallback) => {
    const at = new Date(Number(stamp) * 1000);
    if (Number.isNaN(at.getTime())) return fallback;
    const clock = at.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
    const secs = at.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", second: "2-digit" });
    const day = at.toDateString() === new Date().toDateString() ? "today" : at.toLocaleDateString();
    const known = { time: clock, time_secs: secs, ago: day + " " + clock };
    return (format || "{date} {time}").replace(/\{(\w+)\}/g, (_, part) => known[part] || day);
  };

  // <@U1>, <#C1|name>, <!date^…^…|…>, <https://…|label>
  const angle = (inner) => {
    const [target, label] = inner.split("|", 2);
    if (target.startsWith("@")) return h("b", { class: "call" }, "@" + (names.users[target.slice(1)] || "someone"));
    if (target.startsWith("#")) return h("b", { class: "call" }, "#" + (label || names.channels[target.slice(1)] || "channel"));
    if (target.startsWith("!date^")) {
      const [, stamp, format] = target.split("^");
      return document.createTextNode(date(stamp, format, label || ""));
    }
    if (target.startsWith("!")) return h("b", { class: "call" }, "@" + target.slice(1).split("^")[0]);
    return link(entity(target), entity(label || target));
  };

  const styled = (text) => {
    const out = [];
    const pattern = /(`[^`\n]+`)|(?<![\w*])\*([^*\n]+)\*(?![\w*])|(?<!\w)_([^_\n]+)_(?!\w)|(?<!\w)~([^~\n]+)~(?!\w)/g;
    let from = 0;
    for (const hit of text.matchAll(pattern)) {
      out.push(emoji(entity(text.slice(from, hit.index))));
      if (hit[1]) out.push(h("code", {}, entity(hit[1].slice(1, -1))));
      else if (hit[2]) out.push(h("b", {}, emoji(entity(hit[2]))));
      else if (hit[3]) out.push(h("i", {}, emoji(entity(hit[3]))));
      else out.push(h("s", {}, emoji(entity(hit[4]))));
      from = hit.index + hit[0].length;
    }
    out.push(emoji(entity(text.slice(from))));
    return out;
  };

  const inline = (text) => {
    const out = [];
    let from = 0;
    for (const hit of text.matchAll(/<([^<>\n]+)>/g)) {
      out.push(...styled(text.slice(from, hit.index)), angle(hit[1]));
      from = hit.index + hit[0].length;
    }
    out.push(...styled(text.slice(from)));
    return out;
  };

  const mrkdwn = (text) => {
    const out = [];
    let quote = null;
    for (const line of String(text || "").split("\n")) {
      const quoted = /^(&gt;|>) ?/.exec(line);
      if (quoted) {
        if (!quote) out.push((quote = h("blockquote")));
        quote.append(h("div", {}, ...inline(line.slice(quoted[0].length)), "\u200b"));
      } else {
        quote = null;
        out.push(h("div", {}, ...inline(line), line ? "" : "\u00a0"));
      }
    }
    return out;
  };

  const text = (object) => {
    if (!object) return [];
    if (object.type === "mrkdwn") return mrkdwn(object.text);
    return [h("div", { class: "plain" }, object.emoji === false ? object.text : emoji(object.text || ""))];
  };

  const piece = (el) => {
    if (el.type === "text") {
      const style = el.style || {};
      let node = document.createTextNode(el.text || "");
      for (const [key, tag] of [["code", "code"], ["strike", "s"], ["italic", "i"], ["bold", "b"]]) {
        if (style[key]) node = h(tag, {}, node);
      }
      return node;
    }
    if (el.type === "link") return link(el.url || "", el.text || el.url || "");
    if (el.type === "emoji") return document.createTextNode(EMOJI[el.name] || ":" + el.name + ":");
    if (el.type === "user") return h("b", { class: "call" }, "@" + (names.users[el.user_id] || "someone"));
    if (el.type === "channel") return h("b", { class: "call" }, "#" + (names.channels[el.channel_id] || "channel"));
    if (el.type === "broadcast") return h("b", { class: "call" }, "@" + el.range);
    if (el.type === "date") return document.createTextNode(date(el.timestamp, el.format, el.fallback || ""));
    return document.createTextNode(el.text || "");
  };

  const rich = (el) => {
    const kids = (el.elements || []).map((kid) => (kid.elements ? rich(kid) : piece(kid)));
    if (el.type === "rich_text_quote") return h("blockquote", { class: "rich" }, kids);
    if (el.type === "rich_text_preformatted") return h("pre", {}, kids);
    if (el.type === "rich_text_list") return h(el.style === "ordered" ? "ol" : "ul", {}, kids.map((kid) => h("li", {}, kid)));
    return h("div", { class: "rich" }, kids);
  };

  const button = (el, press) =>
    h("button", {
      type: "button", class: "slack " + (el.style || ""),
      onclick: () => (el.url && !el.value ? window.open(safe(el.url) || "about:blank", "_blank", "noopener") : press(el)),
    }, ...text(el.text).map((node) => node.textContent));

  const block = (b, press) => {
    switch (b.type) {
      case "header": return h("h3", {}, b.text && b.text.text ? emoji(b.text.text) : "");
      case "divider": return h("hr");
      case "section": return h("div", { class: "section" },
        h("div", { class: "main" }, b.text ? text(b.text) : null,
          b.fields ? h("div", { class: "fields" }, b.fields.map((f) => h("div", {}, text(f)))) : null),
        b.accessory && b.accessory.type === "image" ? picture(b.accessory.image_url, b.accessory.alt_text, "accessory") : null,
        b.accessory && b.accessory.type === "button" ? button(b.accessory, press) : null);
      case "context": return h("div", { class: "context-block" }, (b.elements || []).map((el) =>
        el.type === "image" ? picture(el.image_url, el.alt_text, "tiny") : h("span", {}, text(el))));
      case "image": return h("figure", {}, b.title ? h("figcaption", {}, b.title.text) : null,
        picture(b.image_url, b.alt_text, "wide"), h("figcaption", {}, b.alt_text || ""));
      case "actions": return h("div", { class: "actions" }, (b.elements || []).filter((el) => el.type === "button").map((el) => button(el, press)));
      case "rich_text": return h("div", { class: "rich-text" }, (b.elements || []).map(rich));
      default: return b.text ? h("div", {}, text(b.text)) : null;
    }
  };

  return {
    know: (users, channels, bases) => { names = { users, channels, bases }; },
    draw: (blocks, press) => (Array.isArray(blocks) ? blocks.map((b) => block(b, press)) : []),
    mrkdwn, text, source, emoji: (name) => EMOJI[name] || (/^[\w+-]+$/.test(name) ? ":" + name + ":" : name),
  };
})();
