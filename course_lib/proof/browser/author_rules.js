// Rules about what an author writes without knowing whom it hinders: words that only look like a
// heading or a list, text that is hard to read, what only a mouse can do, what moves by itself.
// courseAudit.authored(root) gives [{rule, where, what}].
(() => {
  const audit = (window.courseAudit = window.courseAudit || {});
  const { words, shown } = audit;  // of page_rules.js
  const MADE = '.jp-RenderedMarkdown, .jp-OutputArea-output, main';
  const NATIVE = 'a[href], button, input, select, textarea, summary, option, label, video, audio';
  const CONTROL = 'button, input:not([type=hidden]), select, textarea, [role=slider], .lm-AccordionPanel-title, .jupyter-widget-Collapse-header';

  audit.authored = (root) => {
    const found = [];
    const all = (selector) => [...root.querySelectorAll(selector)].filter((one) =>
      one.closest(MADE) && !one.closest('.cm-editor'));
    const tell = (rule, node, what) => found.push({ rule, where: audit.where(node), what });

    // WCAG 2.2, 1.3.1: who hears the page goes from heading to heading, and from item to item.
    const marks = () => all('p, div').forEach((one) => {
      if (one.closest('li, td, th, figure, .course-group, .jupyter-widgets, header, nav') || !shown(one)) return;
      const text = words(one);
      if (!text) return;
      const own = [...one.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
      // In the HTML edition an interactive stands as its output, its name in bold.
      const bold = one.tagName === 'P' && !one.closest('.output') && one.children.length === 1 && one.firstElementChild.matches('b, strong') && !own;
      const style = own && getComputedStyle(one);
      const large = own && parseFloat(style.fontSize) >= 20 && Number(style.fontWeight) >= 600;
      if ((bold || large) && text.split(' ').length <= 10 && !/:|[.!?;,…]["')]*$/.test(text)) {
        tell('heading without its mark', one, 'write it with #, or as h2, h3');
      }
      if (!own || one.tagName !== 'P') return;
      const items = one.innerText.split('\n').filter((line) => /^\s*([•◦▪‣·–*-]|\d+[.)])\s+\S/.test(line));
      if (items.length > 1) tell('list without its mark', one, 'write it as a list');
    });

    // Dyslexia and low vision.
    const reading = () => {
      const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
      const told = new Set();
      const once = (rule, node, what) => told.has(`${rule}${audit.where(node)}`) ||
        (told.add(`${rule}${audit.where(node)}`) && tell(rule, node, what));
      for (let node = walker.nextNode(); node; node = walker.nextNode()) {
        const one = node.parentElement;
        if (!node.data.trim() || !one.closest(MADE)) continue;
        if (one.closest('.cm-editor, pre, code, script, style, svg, sup, sub, option, mjx-container, [aria-hidden=true]')) continue;
        if (/[\u{1D400}-\u{1D7FF}]/u.test(node.data)) once('letters that are signs', one, 'use letters, and bold');
        // What a program or a table shows may be SQL.
        const capitals = !one.closest('td, th, .output, .jp-OutputArea-output') && /(?:\b[A-Z]{2,}\b[ ,]*|\bA\b[ ,]*){6,}/.test(node.data);
        const box = one.getBoundingClientRect();
        if (box.width < 2 || box.height < 2 || !shown(one)) continue;
        const style = getComputedStyle(one);
        const size = parseFloat(style.fontSize);
        const many = words(one).split(' ').length > 5;
        if (capitals || (many && style.textTransform === 'uppercase')) once('all in capitals', one, 'use small letters');
        if (size < 11) once('letters under 11 pixels', one, `${size}`);
        if (many && style.textAlign === 'justify') once('set in a block', one, 'align it left');
        const line = parseFloat(style.lineHeight);
        if (style.display === 'block' && line < 1.15 * size && box.height > 1.8 * line) once('lines too close', one, style.lineHeight);
        const cuts = style.overflowX !== 'visible' && style.display !== 'inline';
        const wide = /hidden|clip/.test(style.overflowX) && one.scrollWidth > one.clientWidth + 1;
        const high = /hidden|clip/.test(style.overflowY) && one.scrollHeight > one.clientHeight + 0.4 * size;
        if (cuts && (wide || high)) once('words cut off', one, 'give them room');
      }
    };

    const mouse = () => {
      all('[onclick], [ondblclick], [onmousedown], [onmouseover], [onmouseenter], [ondragstart], [draggable=true], [role=button], [role=link], [role=checkbox], [role=switch]')
        .filter((one) => !one.matches(NATIVE) && !(one.hasAttribute('tabindex') && one.tabIndex >= 0))
        .forEach((one) => tell('only for a mouse', one, 'use a button'));
      all('summary[tabindex^="-"], a[href][tabindex^="-"]').filter(shown)
        .forEach((one) => tell('only for a mouse', one, 'take its tabindex out'));
      all('[title]').filter((one) => one.title.trim() && words(one) && shown(one))
        .filter((one) => !one.matches('a, abbr, iframe, svg *, [role]') && !one.matches(NATIVE))
        .filter((one) => !one.closest('.jupyter-widgets') && words(one) !== one.title.trim())
        .forEach((one) => tell('words for a mouse only', one, 'say it in the text'));
    };

    const names = () => {
      const loose = all(CONTROL).filter((one) => !one.closest('.course-group'))
        .map((one) => one.closest('.jp-OutputArea-output .jupyter-widgets')).filter(Boolean);
      new Set(loose).forEach((one) => tell('control outside an interactive', one, 'put it into group(), with region()'));
      all('[aria-label]').filter((one) => /^(value|text|button|progress)(,.*)?$/.test(one.getAttribute('aria-label')))
        .filter(shown).forEach((one) => tell('stand-in for a name', one, 'give it a description'));
      all('button[aria-label], a[aria-label], [role=button][aria-label]').filter(shown).forEach((one) => {
        const seen = words(one).toLowerCase();
        if (/\w/.test(seen) && !one.getAttribute('aria-label').toLowerCase().includes(seen)) {
          tell('name without its visible words', one, 'who speaks to the computer says what is seen');
        }
      });
      all('.course-group').forEach((group) => {
        const labels = [...group.querySelectorAll('.widget-label')].filter(shown).map(words).filter(Boolean);
        const twice = labels.find((name, i) => labels.indexOf(name) !== i);
        if (twice) tell('two controls of one name', group, twice);
      });
      all('details').forEach((one) => {
        const name = words(one.querySelector(':scope > summary'));
        if (!name || /^(details|more|here|click|click here)$/i.test(name)) tell('fold without a name', one, 'say what is inside');
      });
    };

    const drawn = () => {
      const alts = new Map();
      all('img[alt]').filter((one) => one.alt.trim() && shown(one)).forEach((one) => {
        const other = alts.get(one.alt);
        if (other && other !== one.src) tell('alt text used twice', one, 'two pictures, two texts');
        alts.set(one.alt, one.src);
      });
      all('[style*="url("], embed').filter((one) => !words(one) && shown(one))
        .filter((one) => !one.matches('[role=img][aria-label], [aria-hidden=true], [aria-label], [title]'))
        .forEach((one) => tell('picture without words', one, 'use img with an alt text'));
      all('pre').filter((one) => !one.closest('.jp-CodeCell .jp-InputArea')).forEach((one) => {
        const rules = one.textContent.split('\n').filter((line) => /^\s*\+[-=]{2,}(\+|\s)|[┌└├][─┬┴]/.test(line));
        if (rules.length > 1) tell('drawn with letters', one, 'use a table or a picture');
      });
    };

    const moving = () => {
      all('animate, animateTransform, animateMotion').filter((one) => one.getAttribute('repeatCount') === 'indefinite')
        .forEach((one) => tell('motion that does not end', one.ownerSVGElement, 'let nothing move by itself'));
      all('img[src^="data:image/gif"]').filter((one) => atob(one.src.split(',')[1]).split('\x21\xf9\x04').length > 2)
        .forEach((one) => tell('motion that does not end', one, 'show its steps side by side'));
      all('[autofocus]').forEach((one) => tell('starts by itself', one, 'leave the keyboard where it is'));
      all('[style*="position: fixed"], [style*="position:fixed"]').filter(shown)
        .forEach((one) => tell('stands over the page', one, 'it covers what has the focus'));
    };

    [marks, reading, mouse, names, drawn, moving].forEach((part) => part());
    return found;
  };

  // What changes in three tenths of half a second, while nobody does anything, moves by itself.
  audit.restless = async (root) => {
    const times = new Map();
    const ear = new MutationObserver((changes) => changes.forEach(({ target }) => {
      const node = target.nodeType === 1 ? target : target.parentElement;
      if (!node || !node.closest('.jp-OutputArea-output, main')) return;
      times.set(node, (times.get(node) || new Set()).add(Math.floor(performance.now() / 100)));
    }));
    ear.observe(root, { subtree: true, childList: true, characterData: true, attributes: true,
      attributeFilter: ['style', 'src', 'aria-valuenow'] });
    await new Promise((done) => setTimeout(done, 500));
    ear.disconnect();
    return [...times].filter(([, tenths]) => tenths.size > 2).map(([node]) => (
      { rule: 'motion that does not end', where: audit.where(node), what: 'let the reader start it' }));
  };
})();
