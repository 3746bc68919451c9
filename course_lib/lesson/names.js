// Names for what ipywidgets 8.1 and JupyterLab 4.6 leave without one.
// Runs once a page; looks again, at most every 60 ms, when the page changes.
(() => {
  if (window.courseNames) return;
  window.courseNames = true;
  let ids = 0;
  let due = 0;
  const all = (selector, root) => (root || document).querySelectorAll(selector);
  const words = (node) => (node ? node.textContent.replace(/[\u200b\u00b6\s]+/g, ' ').trim() : '');
  const idOf = (node) => node.id || (node.id = 'course-name-' + (++ids));
  const set = (node, name, value) => {
    if (node && node.getAttribute(name) !== String(value)) node.setAttribute(name, value);
  };
  // " from 1 to 32", of what a slider takes
  window.courseRange = (handle) => {
    const [low, high] = ['aria-valuemin', 'aria-valuemax'].map((end) => handle.getAttribute(end));
    return low === null || high === null ? '' : ` from ${Number(low)} to ${Number(high)}`;
  };

  const sliders = () => all('.widget-slider').forEach((slider) => {
    const name = words(slider.querySelector('.widget-label')) || 'value';
    const readout = slider.querySelector('.widget-readout');
    const handles = all('[role=slider]', slider);
    const typing = readout && readout === document.activeElement;
    handles.forEach((handle, i) => {
      set(handle, 'aria-label', handles.length > 1 ? name + (i ? ', upper end' : ', lower end') : name);
      if (readout && handles.length === 1 && !typing) set(handle, 'aria-valuetext', words(readout));
    });
    if (readout && readout.isContentEditable) {
      const range = handles.length === 1 ? courseRange(handles[0]) : '';
      set(readout, 'role', 'textbox');
      set(readout, 'aria-label', name + ', type a value' + range);
      set(readout, 'tabindex', '0');
    }
  });
  const groups = () => {
    all('.widget-radio-box').forEach((box) => {
      const label = box.parentElement.querySelector(':scope > .widget-label');
      set(box, 'role', 'radiogroup');
      // Without a name the browser takes all radio buttons of a page for one group.
      all('input', box).forEach((radio) => set(radio, 'name', idOf(box)));
      if (label) set(box, 'aria-labelledby', idOf(label));
    });
    all('.widget-toggle-buttons').forEach((box) => {
      const label = box.querySelector('.widget-label');
      set(box, 'role', 'group');
      if (label) set(box, 'aria-labelledby', idOf(label));
    });
    all('.course-group').forEach((box) => {
      const name = box.querySelector('.course-name .widget-html-content');
      set(box, 'role', 'group');
      if (name) set(box, 'aria-labelledby', idOf(name));
    });
  };
  const buttons = () => {
    all('.widget-toggle-button').forEach((button) =>
      set(button, 'aria-pressed', button.classList.contains('mod-active')));
    all('.widget-play button').forEach((button) => {
      const icon = (button.querySelector('i') || {}).className || '';
      set(button, 'aria-label', (/pause|play|stop/.exec(icon) || ['repeat'])[0]);
    });
    all('.jupyter-widgets.widget-button').forEach((button) => {
      if (!words(button)) set(button, 'aria-label', button.title || 'button');
    });
  };
  const fields = () => {
    all('.widget-text input, .widget-textarea textarea').forEach((field) => {
      if (!field.labels || !words(field.labels[0])) {
        set(field, 'aria-label', field.placeholder.replace(/\u200b/g, '') || 'text');
      }
    });
    all('.widget-hprogress, .widget-vprogress').forEach((progress) => {
      const bar = progress.querySelector('.progress-bar');
      set(progress, 'role', 'progressbar');
      set(progress, 'aria-label', words(progress.querySelector('.widget-label')) || 'progress');
      if (bar) set(progress, 'aria-valuenow', Math.round(parseFloat(bar.style.width || '0')));
    });
  };
  const regions = () => all('.course-status .widget-html-content').forEach((region) => {
    set(region, 'role', 'status');
    set(region, 'aria-live', 'polite');
    set(region, 'aria-atomic', 'true');
  });
  const notebook = () => {
    all('.jp-Notebook .jp-Cell').forEach((cell, i) => {
      const kind = cell.classList.contains('jp-CodeCell') ? 'Code' : 'Text source';
      set(cell, 'role', 'article');
      set(cell.querySelector('.jp-InputArea-editor .cm-content'), 'aria-label', kind + ', cell ' + (i + 1));
    });
    all('.jp-collapseHeadingButton').forEach((button) => {
      const cell = button.closest('.jp-Cell');
      const heading = words(cell && cell.querySelector('h1,h2,h3,h4,h5,h6')) || 'without a heading';
      set(button, 'aria-label', 'Section: ' + heading);
      set(button, 'aria-expanded', !button.classList.contains('jp-mod-collapsed'));
    });
    all('.jp-Notebook li > input[type=checkbox][disabled]').forEach((tick) =>
      set(tick, 'aria-label', (tick.checked ? 'done: ' : 'to do: ') + words(tick.parentElement)));
  };

  const look = () => {
    due = 0;
    [sliders, groups, buttons, fields, regions, notebook].forEach((part) => part());
  };
  const later = () => { if (!due) due = setTimeout(look, 60); };
  new MutationObserver(later).observe(document.body, {
    subtree: true, childList: true, characterData: true,
    attributes: true, attributeFilter: ['class', 'style'],
  });
  look();
})();
