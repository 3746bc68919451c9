// What the walk by keyboard needs to know of the interactives of a lesson.
(() => {
  const audit = (window.courseAudit = window.courseAudit || {});
  const CONTROLS = 'summary, input:not([type=hidden]), select, textarea, button, [role=slider], [role=textbox], .lm-AccordionPanel-title, .jupyter-widget-Collapse-header';
  // A region that is hidden tells nothing.
  const live = (group) => [...group.querySelectorAll('[role=status], [aria-live=polite]')]
    .filter((one) => one.checkVisibility({ visibilityProperty: true }) && !one.closest('[aria-hidden=true]'));
  const spoken = (group) => live(group)
    .map((one) => one.textContent.trim()).join(' | ');
  const drawn = (group) => [...group.querySelectorAll('img')].map((one) => one.src.length + one.src.slice(-400)).join();
  const groups = () => [...document.querySelectorAll('.jp-OutputArea .course-group')];
  let ids = 0;
  const idOf = (node) => (node.dataset.audit = node.dataset.audit || String(++ids));

  const ringed = (style) => style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) > 0;
  // What could show the focus. An outline or shadow that is always there shows nothing.
  const look = (one) => [one, one.parentElement, one.closest('.widget-slider')].filter(Boolean).map((at) => {
    const style = getComputedStyle(at);
    return `${ringed(style) && style.outline} ${style.boxShadow}`;
  }).join(' | ');
  // A ring of 2 pixels and 3:1 (WCAG 2.2, 1.4.11 and 2.4.13); a shadow is taken as it is.
  const faint = (one) => {
    const style = getComputedStyle(one);
    if (!ringed(style)) return false;
    const thin = parseFloat(style.outlineWidth) < 2;
    return thin || audit.against(style.outlineColor, one.parentElement) < 3;
  };
  // A box around it that shows nothing beyond its edge cuts the ring off.
  const cut = (one) => {
    const style = getComputedStyle(one);
    const ring = parseFloat(style.outlineWidth) + parseFloat(style.outlineOffset) - 1;
    const inner = one.getBoundingClientRect();
    if (!ringed(style)) return false;
    for (let at = one.parentElement; at && !at.matches('.jp-OutputArea'); at = at.parentElement) {
      const outer = at.getBoundingClientRect();
      const beyond = inner.top - ring < outer.top || inner.bottom + ring > outer.bottom ||
        inner.left - ring < outer.left || inner.right + ring > outer.right;
      if (beyond && getComputedStyle(at).overflow !== 'visible') return true;
    }
    return false;
  };
  const NO_LOOK = 'false none';
  const unfocused = new WeakMap();

  audit.groups = () => groups().map((group) => {
    group.querySelectorAll(CONTROLS).forEach((one) => unfocused.set(one, look(one)));
    return describe(group);
  });
  const describe = (group) => ({
    cell: [...document.querySelectorAll('.jp-Notebook .jp-Cell')].indexOf(group.closest('.jp-Cell')),
    live: live(group).length,
    picture: group.querySelectorAll('img').length > 0,
    where: audit.where(group),
  });
  // Controls that can be used now. Of radio buttons the whole is one: Tab stops there once.
  audit.usable = (number) => {
    const seen = new Set();
    return [...groups()[number].querySelectorAll(CONTROLS)].filter((one) => {
      if (one.disabled || !one.checkVisibility({ visibilityProperty: true })) return false;
      if (one.type !== 'radio') return true;
      const whole = one.closest('.widget-radio-box');
      return !seen.has(whole) && seen.add(whole);
    }).map((one) => ({ id: idOf(one.type === 'radio' ? one.closest('.widget-radio-box') : one), where: audit.where(one) }));
  };
  // The control that has the focus, and whether the focus is still in this cell.
  audit.focused = (cell) => {
    const one = document.activeElement;
    const inside = document.querySelectorAll('.jp-Notebook .jp-Cell')[cell].contains(one);
    const group = groups().findIndex((each) => each.contains(one));
    if (!inside || group < 0) return { inside, control: null };
    const whole = one.type === 'radio' ? one.closest('.widget-radio-box') : one;
    const before = unfocused.get(one) || look(one).split(' | ').map(() => NO_LOOK).join(' | ');
    const seen = look(one) !== before;
    const control = { id: idOf(whole), group, role: roleOf(one), where: audit.where(one), seen, faint: faint(one), cut: cut(one), state: stateOf(one) };
    return { inside, control };
  };
  const ROLES = { BUTTON: 'button', TEXTAREA: 'textbox', SUMMARY: 'summary' };
  const roleOf = (one) => {
    if (one.getAttribute('role')) return one.getAttribute('role');
    if (one.tagName === 'SELECT') return one.size > 1 ? 'listbox' : 'combobox';
    if (one.type === 'text') return 'textbox';
    return ROLES[one.tagName] || one.type || one.tagName.toLowerCase();
  };
  const stateOf = (one) => {
    if (one.type === 'radio') {
      return [...one.closest('.widget-radio-box').querySelectorAll('input')].map((radio) => radio.checked).join();
    }
    if (one.type === 'checkbox') return String(one.checked);
    if (one.tagName === 'SUMMARY') return String(one.parentElement.open);
    return String(one.getAttribute('aria-valuetext') || one.getAttribute('aria-valuenow') || one.value || one.textContent);
  };
  audit.stateNow = () => (document.activeElement ? stateOf(document.activeElement) : '');
  // From now on it is heard what the group says and draws.
  audit.listen = (number) => {
    const group = groups()[number];
    const before = spoken(group);
    const pictureBefore = drawn(group);
    const begin = performance.now();
    const heard = (audit.heard = { after: null, kept: true, picture: false, told: () => {} });
    const lives = [...group.querySelectorAll('[role=status]')];
    audit.ear && audit.ear.disconnect();
    audit.ear = new MutationObserver(() => {
      if (heard.after === null && spoken(group) !== before) {
        heard.after = performance.now() - begin;
        heard.kept = lives.every((one) => one.isConnected);
      }
      if (drawn(group) !== pictureBefore) heard.picture = true;
      heard.told();
    });
    audit.ear.observe(group, { subtree: true, childList: true, characterData: true, attributes: true, attributeFilter: ['src'] });
  };
  const until = (what, limit) => new Promise((done) => {
    setTimeout(done, limit);
    (audit.heard.told = () => audit.heard[what] && done())();
  });
  const frame = () => new Promise(requestAnimationFrame);
  const moved = async (before) => {
    for (let i = 0; i < 12 && audit.stateNow() === before; i++) await frame();
    return audit.stateNow() !== before;
  };
  // What came of a key: milliseconds until the words changed, whether their region was kept and
  // the picture changed, and the control's state; null if the key did not move it from `before`,
  // which a button has not.
  // `words` and `picture`: milliseconds to wait for them.
  audit.cameOf = async ({ before, words, picture }) => {
    const pressed = before === null;
    if (!pressed && !(await moved(before))) return null;
    if (words) await until('after', words);
    for (let i = 0; pressed && i < 3; i++) await frame();  // further controls come with the words
    if (picture) await until('picture', picture);
    const { after, kept, picture: drawnAnew } = audit.heard;
    return { after, kept, picture: drawnAnew, state: audit.stateNow() };
  };
})();
