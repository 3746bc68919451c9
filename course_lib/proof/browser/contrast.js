// Contrast of every text that is seen, counted from computed colours (WCAG 2.2, 1.4.3).
// axe looks at few texts of a live notebook, so this counts them all.
(() => {
  const audit = (window.courseAudit = window.courseAudit || {});
  const parse = (css) => {
    const parts = (css.match(/[\d.]+(e-?\d+)?/g) || []).map(Number);
    if (css.startsWith('color(srgb')) return [parts[0] * 255, parts[1] * 255, parts[2] * 255, parts[3] ?? 1];
    return [parts[0] || 0, parts[1] || 0, parts[2] || 0, parts[3] ?? (parts.length ? 1 : 0)];
  };
  const over = (top, under) => [0, 1, 2].map((i) => top[i] * top[3] + under[i] * (1 - top[3])).concat(1);
  const channel = (value) => {
    const part = value / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  };
  const light = (colour) => 0.2126 * channel(colour[0]) + 0.7152 * channel(colour[1]) + 0.0722 * channel(colour[2]);
  const ratio = (one, other) => {
    const [low, high] = [light(one), light(other)].sort((a, b) => a - b);
    return (high + 0.05) / (low + 0.05);
  };
  const ground = (node) => {
    const layers = [];
    for (let at = node; at; at = at.parentElement) {
      const colour = parse(getComputedStyle(at).backgroundColor);
      if (colour[3] > 0) layers.push(colour);
      if (colour[3] === 1) break;
    }
    const page = getComputedStyle(document.documentElement).colorScheme.includes('dark') &&
      matchMedia('(prefers-color-scheme: dark)').matches ? [18, 18, 18, 1] : [255, 255, 255, 1];
    return layers.reduceRight((under, top) => over(top, under), page);
  };
  const faded = (node) => {
    let left = 1;
    for (let at = node; at; at = at.parentElement) left *= Number(getComputedStyle(at).opacity);
    return left;
  };

  // Of two colours as CSS writes them, the first seen on what lies behind `node`.
  audit.against = (css, node) => ratio(over(parse(css), ground(node)), ground(node));
  audit.contrast = (root) => {
    const found = new Map();
    const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
    const seen = new Set();
    let looked = 0;
    const judge = (node, colour, least) => {
      const under = ground(node);
      const value = ratio(over(colour, under), under);
      const pair = `rgb(${colour.slice(0, 3).map(Math.round)}) on ${under.slice(0, 3).map(Math.round)}`;
      if (value + 0.005 >= least || found.has(pair)) return;
      found.set(pair, { rule: 'text contrast', where: audit.where(node), what: `${value.toFixed(2)}: ${pair}` });
    };
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
      const parent = node.parentElement;
      if (!node.data.trim() || seen.has(parent)) continue;
      seen.add(parent);
      if (parent.closest('script, style, noscript, template, option, [aria-hidden=true], :disabled')) continue;
      if (!parent.checkVisibility({ visibilityProperty: true, opacityProperty: true })) continue;
      const style = getComputedStyle(parent);
      const size = parseFloat(style.fontSize);
      const box = parent.getBoundingClientRect();
      if (box.width < 2 || box.height < 2) continue;  // kept for screen readers only
      const colour = parse(style.color);
      colour[3] *= faded(parent);
      const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
      looked += 1;
      judge(parent, colour, large ? 3 : 4.5);
    }
    // What is written into a field is no text of the page.
    root.querySelectorAll('input, textarea, select').forEach((field) => {
      if (field.matches(':disabled, [type=checkbox], [type=radio], [type=hidden], [type=color], [type=range]')) return;
      if (field.closest('.cm-editor') || !field.checkVisibility({ visibilityProperty: true })) return;
      if (!field.value) return;
      const colour = parse(getComputedStyle(field).color);
      colour[3] *= faded(field);
      judge(field, colour, 4.5);
    });
    return { looked, found: [...found.values()] };
  };

  // Code as plain text, for audits that look at every place, and its coloured words again.
  let coloured = [];
  audit.plainCode = (root) => {
    const blocks = [...root.querySelectorAll('pre')].filter((one) => !one.querySelector('a, button'));
    coloured = blocks.map((one) => [one, [...one.childNodes]]);
    blocks.forEach((one) => one.replaceChildren(one.textContent));
  };
  audit.colouredCode = () => {
    coloured.forEach(([one, words]) => one.replaceChildren(...words));
    coloured = [];
  };
})();
