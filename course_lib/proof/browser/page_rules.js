// Rules about what stands on a page: pictures, headings, tables, links, lists, sizes, motion.
// courseAudit.page(root, page) gives [{rule, where, what}]; `page` is true for a whole page of
// the HTML edition, false for the notebook panel of JupyterLab.
(() => {
  const audit = (window.courseAudit = window.courseAudit || {});
  const words = (node) => (node ? node.textContent.replace(/[\u200b\u00b6\s]+/g, ' ').trim() : '');
  const shown = (node) => node.checkVisibility({ opacityProperty: true, visibilityProperty: true });
  Object.assign(audit, { words, shown });
  const short = (text) => (text.length > 60 ? text.slice(0, 57) + '...' : text);

  // Where a finding is: the lesson's cell, and what is seen there.
  audit.where = (node) => {
    const cell = node.closest('.jp-Cell, [data-cell]');
    const all = cell && [...document.querySelectorAll('.jp-Notebook .jp-Cell')];
    const place = !cell ? '' : cell.dataset.cell || `cell ${all.indexOf(cell) + 1}`;
    const name = node.getAttribute('aria-label') || node.getAttribute('alt') ||
      words(node.labels && node.labels[0]) || words(node);
    return [place, `<${node.tagName.toLowerCase()}> ${short(name || node.className.toString())}`]
      .filter(Boolean).join(', ');
  };

  const STAND_IN = /^(image|picture|figure|no description.*|(todo|tbd|fixme)\b.*|.*\.(png|svg|jpe?g|gif))$/i;
  const VAGUE = /^(link|here|click here|more|read more|this|this page|this link|see here|details|learn more|more information|(https?:|www\.).*)$/i;

  audit.page = (root, page) => {
    const found = [];
    const all = (selector) => [...root.querySelectorAll(selector)];
    const tell = (rule, node, what) => found.push({ rule, where: audit.where(node), what });

    const pictures = () => all('img, svg[role=img], canvas').forEach((picture) => {
      if (picture.closest('.jp-InputArea-editor, button, [aria-hidden=true]')) return;
      const alt = (picture.getAttribute('alt') || picture.getAttribute('aria-label') || '').trim();
      const output = picture.closest('.course-group') || picture.closest('.jp-OutputArea-output') ||
        picture.closest('.output') || picture.closest('figure');
      const caption = picture.closest('figure') && words(picture.closest('figure').querySelector('figcaption'));
      if (!alt) return tell('picture without words', picture, 'give it an alt text');
      if (STAND_IN.test(alt)) return tell('stand-in for words', picture, `"${alt}" says nothing`);
      if (alt.length < 20) tell('alt text too short', picture, 'say what it shows');
      if (alt.length > 300) tell('alt text too long', picture, 'move the detail to the long text');
      if (caption && caption === alt) tell('alt text repeats the caption', picture, 'say something else');
      if (!output || !output.querySelector('details, table, [role=status], p')) {
        tell('picture without long text', picture, 'give it a longer text or its numbers');
      }
    });
    all('svg').forEach((drawing) => {
      if (drawing.closest('button, [aria-hidden=true], .jp-icon, .jp-InputArea-editor')) return;
      if (!drawing.getAttribute('role') && !drawing.querySelector('title')) {
        tell('drawing without a name', drawing, 'give it role="img" and a name');
      }
    });

    const headings = () => {
      const list = all('h1, h2, h3, h4, h5, h6').filter((one) => !one.closest('.jp-InputArea-editor'));
      const first = list.filter((one) => one.tagName === 'H1');
      if (first.length === 0) tell('no first heading', root, 'begin with one h1');
      first.slice(1).forEach((one) => tell('more than one first heading', one, 'use h2'));
      let level = 0;
      list.forEach((one) => {
        const now = Number(one.tagName[1]);
        if (level && now > level + 1) tell('heading level left out', one, `h${level} is followed by h${now}`);
        if (!words(one)) tell('empty heading', one, 'give it words or take it out');
        level = now;
      });
      // A page that lists other pages is itself the contents.
      const contents = list.length < 4 || [...root.querySelectorAll('ol a, ul a, nav a')]
        .some((link) => (link.getAttribute('href') || '').startsWith('#')) ||
        (page && [...root.querySelectorAll('main li a')].length > list.length);
      if (!contents) tell('no contents', list[0] || root, 'begin with a list of links to the headings');
    };

    const tables = () => all('table').forEach((table) => {
      const heads = [...table.querySelectorAll('th')];
      const caption = table.querySelector('caption');
      if (/^(presentation|none)$/.test(table.getAttribute('role'))) {
        if (heads.length || caption) tell('table without headers', table, 'its role takes them away');
        return;
      }
      if (!words(caption) || !(shown(caption) || !shown(table))) tell('table without a caption', table, 'say what it shows');
      if (!heads.length) return tell('table without headers', table, 'mark its headers as th');
      heads.filter((head) => !head.getAttribute('scope')).slice(0, 1)
        .forEach((head) => tell('header without scope', head, 'scope="col" or scope="row"'));
      heads.filter((head) => !words(head)).slice(0, 1)
        .forEach((head) => tell('empty table header', table, 'name the column'));
    });

    const links = () => all('a[href]').forEach((link) => {
      // JupyterLab links the addresses that a program prints; they are the text itself.
      if (link.matches('.jp-InternalAnchorLink, .anchor-link') || link.closest('pre')) return;
      const name = link.getAttribute('aria-label') || words(link) ||
        [...link.querySelectorAll('img')].map((one) => one.alt).join(' ');
      if (!name) tell('link without a name', link, 'give it words');
      else if (VAGUE.test(name)) tell('link name says nothing', link, 'say where it leads');
      if (page && shown(link) && link.closest('p, li, td') && link.closest('p, li, td') !== link) {
        const around = link.closest('p, li, td');
        const alone = words(around) === words(link) || link.closest('nav');
        const lined = getComputedStyle(link).textDecorationLine.includes('underline');
        if (!alone && !lined) tell('link told by colour only', link, 'underline it');
      }
    });

    const lists = () => all('li > input[type=checkbox][disabled], li > p > input[type=checkbox][disabled]')
      .filter((tick) => !tick.getAttribute('aria-label') && !(tick.labels && tick.labels.length))
      .forEach((tick) => tell('task box without a name', tick, 'name what is to be done'));

    const targets = () => all('button, select, summary, [role=slider], input:not([type=hidden])')
      .filter((one) => shown(one) && !one.disabled && !one.closest('.jp-InputArea-editor, .jp-InputPrompt, .jp-Collapser, .jp-Toolbar'))
      .forEach((one) => {
        // WCAG 2.5.8: a label that reacts belongs to the target, and so does the whole line of a box.
        const label = one.labels && one.labels[0];
        const box = (label && label.contains(one) ? label : one).getBoundingClientRect();
        if (one.matches('input[type=checkbox], input[type=radio]') && label) return;
        if (box.width < 24 || box.height < 24) {
          tell('target under 24 pixels', one, `it is ${Math.round(box.width)} by ${Math.round(box.height)}`);
        }
      });

    const groups = () => {
      all('[role=radiogroup], [role=group], fieldset').forEach((group) => {
        const by = group.getAttribute('aria-labelledby');
        const name = group.getAttribute('aria-label') || words(by && document.getElementById(by)) ||
          words(group.querySelector('legend'));
        if (!name) tell('group without a name', group, 'name what belongs together');
      });
      all('.widget-radio-box:not([role=radiogroup])').forEach((box) =>
        tell('group without a name', box, 'radio buttons belong to a named group'));
      all('.widget-radio-box').forEach((box) => {
        const names = new Set([...box.querySelectorAll('input')].map((radio) => radio.name));
        const strangers = all('input[type=radio]').some((one) => !box.contains(one) && names.has(one.name));
        if (names.size !== 1 || names.has('') || strangers) {
          tell('arrow keys leave the group', box, 'give its radio buttons one name, and to no others');
        }
      });
      all('.widget-toggle-button:not([aria-pressed])').forEach((one) =>
        tell('toggle without a state', one, 'aria-pressed says whether it is on'));
      all('input[placeholder], textarea[placeholder]').filter(shown).forEach((field) => {
        const named = field.getAttribute('aria-label') || words(field.labels && field.labels[0]);
        if (!named || named === field.placeholder) tell('placeholder as the only name', field, 'give it a label');
      });
    };

    const motion = () => {
      document.getAnimations().filter((one) => one.effect && root.contains(one.effect.target))
        .filter((one) => one.playState === 'running' && one.effect.getComputedTiming().endTime > 5000)
        .forEach((one) => tell('motion that does not end', one.effect.target, 'let nothing move by itself'));
      all('video[autoplay], audio[autoplay], marquee').forEach((one) =>
        tell('starts by itself', one, 'let the reader start it'));
    };

    const ERRORS = '[data-mime-type="application/vnd.jupyter.error"], [data-mime-type="application/vnd.jupyter.stderr"]';
  const errors = () => all(ERRORS).forEach((one) =>
      tell('error not announced', one, 'show an intended error with expect()'));

    const code = () => all('.jp-CodeCell .cm-line, div.highlight pre, pre.code').forEach((block) =>
      words(block) && block.textContent.split('\n').filter((line) => line.length > 79).slice(0, 1)
        .forEach((line) => tell('code line over 79 characters', block, `it has ${line.length}`)));

    const parts = [pictures, headings, tables, links, lists, targets, groups, motion, errors, code];
    parts.forEach((part) => part());
    return found;
  };

  // Rules for a whole page of the HTML edition, at the width of the window.
  audit.whole = async () => {
    for (let frame = 0; frame < 3; frame += 1) await new Promise(requestAnimationFrame);
    const found = [];
    const tell = (rule, what) => found.push({ rule, where: 'page', what });
    const root = document.documentElement;
    if (!root.lang) tell('page without a language', 'set lang');
    if (!document.title.trim()) tell('page without a title', 'set title');
    if (!document.querySelector('main')) tell('page without main', 'mark the main part');
    const skip = document.querySelector('a[href^="#"]');
    const target = skip && document.getElementById(skip.getAttribute('href').slice(1));
    if (!target || !target.closest('main')) tell('no way past the navigation', 'begin with a skip link to main');
    if (root.scrollWidth > root.clientWidth + 1) {
      tell('page wider than the window', `${root.scrollWidth} of ${root.clientWidth} pixels`);
    }
    document.querySelectorAll('pre, table, figure, div').forEach((one) => {
      const style = getComputedStyle(one);
      const scrolls = /auto|scroll/.test(style.overflowX) && one.scrollWidth > one.clientWidth + 1;
      if (scrolls && shown(one) && one.tabIndex < 0) {
        tell('scrolls, but not by keyboard', audit.where(one));
      }
    });
    const text = document.querySelector('main p');
    if (text) {
      const style = getComputedStyle(text);
      const size = parseFloat(style.fontSize);
      if (size < 16) tell('letters under 16 pixels', `${size}`);
      if (parseFloat(style.lineHeight) < 1.4 * size) tell('lines too close', style.lineHeight);
      if (text.clientWidth > 45 * size) tell('lines over 80 characters', `${text.clientWidth} pixels`);
    }
    return found;
  };
})();
