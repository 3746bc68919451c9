// What a reader without a mouse misses in ipywidgets 8.1 and JupyterLab 4.6. Runs once a page.
(() => {
  if (window.courseKeyboard) return;
  window.courseKeyboard = true;
  const SAME = 'As before: ';
  const GONE = 'The kernel was restarted, so this control does nothing. Run the cells again, from the top.';
  const statusOf = (node) => {
    const group = node.closest('.course-group');
    return group && group.querySelector('.course-status .widget-html-content');
  };
  const sentence = (words) => Object.assign(document.createElement('p'), { textContent: words });

  // In command mode JupyterLab takes letters and arrows as its own shortcuts, even from a
  // radio button or a list. There they belong to the control; Shift+Enter, Escape and the rest do not.
  const OWN = /^(Arrow|Home$|End$|Page|Enter$|Delete$|Backspace$|.$)/;
  document.body.addEventListener('keydown', (event) => {
    const plain = !event.ctrlKey && !event.metaKey && !event.altKey;
    const runs = event.key === 'Enter' && event.shiftKey;
    if (plain && !runs && OWN.test(event.key) && event.target.closest('.jupyter-widgets')) {
      event.stopPropagation();
    }
  });

  // After a restart no control is heard; it looks as before, so words must say it.
  let toldAt = 0;
  const gone = (event) => {
    const dead = event.target.closest('.course-group.jupyter-widgets-disconnected, .course-group .jupyter-widgets-disconnected');
    const status = dead && statusOf(dead);
    if (!status || /^(Tab|Shift|Escape)$/.test(event.key) || Date.now() - toldAt < 400) return;
    toldAt = Date.now();
    status.replaceChildren(sentence(status.textContent === GONE ? SAME + GONE : GONE));
  };
  ['click', 'keyup', 'change'].forEach((kind) => document.body.addEventListener(kind, gone, true));

  // While a cell runs the kernel hears no control; words say so, within half a second.
  const BUSY = 'A cell is still running. What you do here is heard when it has ended.';
  const runs = (notebook) => [...notebook.querySelectorAll('.jp-InputPrompt')]
    .some((one) => one.textContent.startsWith('[*]'));
  const ASKS = '.course-group :is(button, select, input[type=checkbox], [role=slider])';
  const waiting = (event) => {
    const status = event.target.closest(ASKS) && statusOf(event.target);
    const notebook = event.target.closest('.jp-Notebook');  // another one has a kernel of its own
    const busy = () => runs(notebook);
    if (!status || !notebook || /^(Tab|Shift|Escape)$/.test(event.key) || !busy()) return;
    const before = status.innerHTML;
    setTimeout(() => {
      if (!busy() || status.innerHTML !== before) return;
      const earlier = [...status.children].find((one) => one.textContent.endsWith(BUSY));
      const note = sentence(earlier ? SAME + BUSY : BUSY);
      if (earlier) earlier.remove();
      status.prepend(note);
      const wait = setInterval(() => {
        if (busy()) return;
        clearInterval(wait);
        setTimeout(() => note.remove(), 1000);  // an answer replaces it before
      }, 300);
    }, 300);
  };
  ['click', 'keyup', 'change'].forEach((kind) => document.body.addEventListener(kind, waiting, true));

  // A link to a heading takes the keyboard along, not only the page.
  document.body.addEventListener('click', (event) => {
    const link = event.target.closest('.jp-Notebook a[href^="#"]');
    if (!link) return;
    const name = decodeURIComponent(link.getAttribute('href').slice(1));
    const heading = [...link.closest('.jp-Notebook').querySelectorAll('h1,h2,h3,h4,h5,h6')]
      .find((one) => (one.dataset.jupyterId || one.id) === name);
    const cell = heading && heading.closest('.jp-Cell');
    if (cell) setTimeout(() => cell.focus({ preventScroll: true }), 150);  // JupyterLab scrolls first
  });

  // A typed value that the slider does not take is put right; this says so.
  const refused = (readout) => {
    const handle = readout.closest('.widget-slider').querySelector('[role=slider]');
    const typed = readout.textContent.trim();
    setTimeout(() => {
      const now = readout.textContent.trim();
      const status = statusOf(readout);
      const shown = 0.5 / 10 ** (now.split('.')[1] || '').length;  // as far as its decimals tell
      if (!status || typed === now || Math.abs(Number(typed) - Number(now)) <= shown + 1e-9) return;
      status.prepend(sentence(`"${typed}" is not possible; it goes${courseRange(handle)}. It is ${now} now.`));
    }, 250);
  };
  document.body.addEventListener('keydown', (event) => {
    if (event.key === 'Enter' && event.target.matches('.widget-readout')) refused(event.target);
  }, true);
  document.body.addEventListener('focusout', (event) => {
    if (event.target.matches('.widget-slider .widget-readout')) refused(event.target);
  }, true);
})();
