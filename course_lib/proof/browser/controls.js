// What the walk by keyboard needs to know of the interactives of a lesson.
(() => {
  const audit = (window.courseAudit = window.courseAudit || {});
  const CONTROLS = 'input:not([type=hidden]), select, textarea, button, [role=slider], [role=textbox]';
  const spoken = (group) => [...group.querySelectorAll('[role=status], [aria-live=polite]')]
    .map((one) => one.textContent.trim()).join(' | ');
  const drawn = (group) => [...group.querySelectorAll('img')].map((one) => one.src.length + one.src.slice(-400)).join();
  const groups = () => [...document.querySelectorAll('.jp-OutputArea .course-group')];
  let ids = 0;
  const idOf = (node) => (node.dataset.audit = node.dataset.audit || String(++ids));

  audit.groups = () => groups().map((group) => ({
    cell: [...document.querySelectorAll('.jp-Notebook .jp-Cell')].indexOf(group.closest('.jp-Cell')),
    name: group.querySelector('.course-name')?.textContent.trim() || '',
    live: group.querySelectorAll('[role=status]').length,
    picture: group.querySelectorAll('img').length > 0,
    where: audit.where(group),
  }));
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
  audit.focused = (number) => {
    const one = document.activeElement;
    if (!one || !groups()[number].contains(one)) return null;
    const whole = one.type === 'radio' ? one.closest('.widget-radio-box') : one;
    const role = one.getAttribute('role') || (one.tagName === 'SELECT' ? (one.size > 1 ? 'listbox' : 'combobox')
      : one.tagName === 'BUTTON' ? 'button' : one.tagName === 'TEXTAREA' ? 'textbox' : one.type === 'text' ? 'textbox' : one.type || one.tagName.toLowerCase());
    const style = getComputedStyle(one);
    const seen = [one, one.parentElement, one.closest('.widget-slider')].filter(Boolean).some((at) => {
      const look = getComputedStyle(at);
      return (look.outlineStyle !== 'none' && parseFloat(look.outlineWidth) > 0) || look.boxShadow !== 'none';
    });
    return { id: idOf(whole), role, where: audit.where(one), seen, state: audit.state(one), readonly: style.pointerEvents === 'none' };
  };
  audit.state = (one) => {
    if (one.type === 'radio') {
      return [...one.closest('.widget-radio-box').querySelectorAll('input')].map((radio) => radio.checked).join();
    }
    if (one.type === 'checkbox') return String(one.checked);
    if (one.tagName === 'SUMMARY') return String(one.parentElement.open);
    return String(one.getAttribute('aria-valuetext') || one.getAttribute('aria-valuenow') || one.value || one.textContent);
  };
  audit.now = (number) => ({
    spoken: spoken(groups()[number]), drawn: drawn(groups()[number]),
    state: document.activeElement ? audit.state(document.activeElement) : '',
  });
  // Milliseconds from the next change of the words to when this was called; set by audit.listen.
  audit.listen = (number) => {
    const group = groups()[number];
    const before = spoken(group);
    const pictureBefore = drawn(group);
    const heard = (audit.heard = { after: null, kept: true, picture: false, begin: performance.now() });
    const lives = [...group.querySelectorAll('[role=status]')];
    audit.ear && audit.ear.disconnect();
    audit.ear = new MutationObserver(() => {
      if (heard.after === null && spoken(group) !== before) {
        heard.after = performance.now() - heard.begin;
        heard.kept = lives.every((one) => one.isConnected);
      }
      if (drawn(group) !== pictureBefore) heard.picture = true;
    });
    audit.ear.observe(group, { subtree: true, childList: true, characterData: true, attributes: true, attributeFilter: ['src'] });
  };
})();
