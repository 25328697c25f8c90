// The source pane: one document, the cited characters marked in it, and the way back to the claims that use them.
const source = {
  shown: null,      // the document's name
  pars: [],         // its paragraphs: {start, end, node}
  active: null,     // {doc, start, end, turn, label}
  asked: 0,

  async open(place, { focus = true, clicked = performance.now() } = {}) {
    const turn = ++source.asked;
    source.active = place;
    if (source.shown !== place.doc) {
      const answer = await call('page_open', { document: place.doc }, { quiet: !focus });
      if (turn !== source.asked) return;  // another was asked for meanwhile
      source.set(place.doc, answer.html);
    }
    if (focus) showPane('source');
    source.paint();
    source.reach(focus);
    source.lastMs = performance.now() - clicked;
  },

  set(doc, html) {
    const pane = $('#source');
    pane.innerHTML = html;
    pane.scrollTop = 0;
    source.shown = html.includes('class="document"') ? doc : null;
    const title = pane.querySelector('.title')?.textContent;
    const parts = title ? [title, ...pane.querySelector('.meta').textContent.split(' · ').slice(0, 2)] : [];
    $('#showing').textContent = apart(parts);
    source.pars = [...pane.querySelectorAll('.par')].map(node => (
      { node, start: Number(node.dataset.start), end: Number(node.dataset.end) }));
  },

  // Marks every span of this document that the conversation cites, and the active one strongly.
  paint() {
    if (source.shown === null) return;
    const pane = $('#source');
    for (const back of pane.querySelectorAll('.backs')) back.remove();
    for (const mark of pane.querySelectorAll('mark')) {
      const parent = mark.parentNode;
      mark.replaceWith(...mark.childNodes);
      parent.normalize();
    }
    for (const here of pane.querySelectorAll('.par.here')) here.classList.remove('here');
    const spans = new Map();
    for (const link of document.querySelectorAll('#turns a.cite')) {
      const p = placeOf(link);
      if (p.doc !== source.shown) continue;
      const key = p.start + '-' + p.end;
      if (!spans.has(key)) spans.set(key, { start: p.start, end: p.end, links: [] });
      spans.get(key).links.push(link);
    }
    const a = source.active;
    if (a && a.doc === source.shown && a.start !== undefined && a.end > a.start) {
      const key = a.start + '-' + a.end;
      if (!spans.has(key)) spans.set(key, { start: a.start, end: a.end, links: [] });
      spans.get(key).active = true;
    }
    const users = new Map();  // the text of a paragraph -> the markers that cite it
    // The active one last, so that its marks lie inside those of others that overlap it.
    for (const span of [...spans.values()].sort((x, y) => (x.active ? 1 : 0) - (y.active ? 1 : 0))) {
      for (const par of source.pars) {
        if (par.start >= span.end || par.end <= span.start) continue;
        const text = par.node.querySelector('.text');
        const marks = wrap(text, Math.max(span.start, par.start) - par.start, Math.min(span.end, par.end) - par.start,
          span.active ? 'active' : 'used');
        if (span.active) { par.node.classList.add('here'); const fold = par.node.closest('details'); if (fold) fold.open = true; }
        if (span.links.length && marks.length) users.set(text, [...users.get(text) ?? [], ...span.links]);
      }
    }
    for (const [text, links] of users) text.after(source.backs(links));
  },

  // Buttons that lead from a cited paragraph to the claims that use it, one a claim, in their order.
  backs(links) {
    const row = document.createElement('p');
    row.className = 'backs';
    const turns = [...document.querySelectorAll('#turns .turn')];
    const ordered = links.sort((a, b) => a.compareDocumentPosition(b) & Node.DOCUMENT_POSITION_FOLLOWING ? -1 : 1);
    const claims = new Map(ordered.map(link => [claimOf(link), link]).reverse());
    for (const [claim, link] of [...claims].reverse()) {
      const turn = link.closest('.turn');
      const alone = [...claims.keys()].filter(other => turn.contains(other)).length === 1;
      const button = document.createElement('button');
      button.type = 'button';
      button.textContent = `↩ used in answer ${turns.indexOf(turn) + 1}` + (alone ? '' : `, sentence ${claim.id.split('-').pop()}`);
      button.title = turn.querySelector('.question').textContent;
      button.addEventListener('click', () => backTo(link));
      row.append(button);
    }
    return row;
  },

  // Brings the active characters, or the document's title, into view, and the focus there.
  reach(focus) {
    const pane = $('#source');
    const target = pane.querySelector('mark.active:not(.between *)') ?? pane.querySelector('.title');
    if (!target) return;
    const place = () => {
      const top = target.getBoundingClientRect().top - pane.getBoundingClientRect().top;
      if (target.matches('mark')) pane.scrollTop += top - pane.clientHeight * 0.28;
      else pane.scrollTop = 0;
    };
    place();
    requestAnimationFrame(place);  // paragraphs out of view have a guessed height until they are laid out
    if (focus) { target.tabIndex = -1; target.focus({ preventScroll: true }); }
  },
};

// Puts mark elements around the code points [from, to) of an element's text; returns the marks.
function wrap(element, from, to, name) {
  const walker = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
  const nodes = [];
  for (let at = 0, node = walker.nextNode(); node && at < to; node = walker.nextNode()) {
    const text = node.nodeValue;
    let points = 0, left = -1, right = -1, unit = 0;
    for (const char of text) {
      if (left < 0 && at + points >= from) left = unit;
      if (right < 0 && at + points >= to) right = unit;
      points += 1;
      unit += char.length;
    }
    if (left < 0 && at + points >= from) left = unit;
    if (right < 0) right = unit;
    if (left >= 0 && left < right) nodes.push([node, left, right]);
    at += points;
  }
  return nodes.map(([node, left, right]) => {
    if (right < node.nodeValue.length) node.splitText(right);
    const inside = left ? node.splitText(left) : node;
    const mark = document.createElement('mark');
    mark.className = name;
    inside.replaceWith(mark);
    mark.append(inside);
    return mark;
  });
}

function placeOf(link) {
  const d = link.dataset;
  return { doc: d.doc, start: d.start === undefined ? undefined : Number(d.start),
    end: d.end === undefined ? undefined : Number(d.end), turn: d.turn, label: d.label };
}

// From a passage to the claim that uses it: the marker gets the focus, its sentence a moment's light.
function backTo(link) {
  document.querySelector('.app').dataset.sheet = '';
  const claim = claimOf(link);
  link.scrollIntoView({ block: 'center' });
  link.focus({ preventScroll: true });
  if (claim) { claim.classList.add('lit'); setTimeout(() => claim.classList.remove('lit'), 1600); }
}

function claimOf(link) {
  return link.closest('.markers')?.previousElementSibling ?? null;
}
