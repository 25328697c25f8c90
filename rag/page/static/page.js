// The page's behaviour. Gradio carries it: `ask` and `stop` are events, the rest are functions of the server.
// Text of documents, names and answers comes as HTML made by rag/page/markup.py, or is set as textContent; never else.
const $ = selector => document.querySelector(selector);
let hub = null;   // {trigger, server, upload, limits}

async function call(name, payload, { quiet = false } = {}) {
  let answer;
  try { answer = await hub.server[name](payload); }
  catch { answer = { error: 'The server did not answer; is Pilcrow still running?' }; }
  answer ??= { error: 'The server did not answer; is Pilcrow still running?' };
  if (answer.error && !quiet) toast(answer.error);
  if (answer.error && name === 'page_open') answer.html = '<p class="empty">This document cannot be shown.</p>';
  return { turns: [], html: '', publishers: '', where: '', ...answer };
}

async function start({ trigger, watch, props, server, upload }) {
  hub = { trigger, server, upload, limits: { files: 0, bytes: 0, formats: [] } };
  const app = $('.app');
  theme(store.read('theme', null));
  watch('value', () => talk.receive(props.value));
  listen(app);
  const begun = await call('page_begin', {});
  store.prefix = begun.prefix ?? store.prefix;
  hub.limits = begun.limits ?? hub.limits;
  $('#files').accept = hub.limits.formats.join(',');
  $('#drop-limits').textContent = begun.limitsWords ?? '';
  $('#examples').innerHTML = begun.examples ?? '';
  $('#answerer').innerHTML = begun.answerers ?? '';
  $('#answerer-label').hidden = $('#answerer').options.length < 2;
  $('.app').classList.toggle('fixed', begun.changes === false);
  $('#judge').value = begun.user ?? store.read('name', '');
  $('#judge').readOnly = Boolean(begun.user);
  await Promise.all([shelf.refresh(), talk.begin(store.current())]);
  limits.say();
  app.dataset.ready = 'yes';
  if (wide()) $('#question').focus();
}

const doing = {
  new: () => { talk.stop(); talk.begin(null); selectTab('collection'); $('#question').focus(); },
  drawer: () => { conversations(); $('#drawer').showModal(); },
  theme: () => theme(document.body.classList.contains('dark') ? 'light' : 'dark'),
  limits: node => { const open = $('#limits').hidden; $('#limits').hidden = !open; node.setAttribute('aria-expanded', String(open)); },
  'clear-limits': () => limits.clear(),
  stop: () => { talk.stop(); $('#question').focus(); },
  tab: node => selectTab(node.dataset.tab),
  back: () => back(),
  'show-pane': node => { came = node; showPane('collection'); $('#tab-collection').focus(); },
  example: node => talk.ask(node.textContent),
  'first-files': () => { if (wide()) selectTab('collection'); else showPane('collection'); $('#files').click(); },
  copy: node => talk.copy(node.closest('.turn')),
  retry: node => talk.retry(node.closest('.turn')),
  edit: node => talk.edit(node.closest('.turn')),
  judge: node => judge(node),
  'only-these': () => { limits.documents = [...shelf.chosen]; limits.say(); back(); $('#question').focus(); },
  remove: () => shelf.remove(),
  mend: () => shelf.mend(),
  mended: () => shelf.mended(),
  no: node => node.closest('dialog').close('no'),
  yes: node => node.closest('dialog').close('yes'),
  export: node => exported(node.dataset.form),
  clear: () => clear(),
  qrels: () => qrels(),
  voice: node => news.voice(node.dataset.name),
  voices: () => news.voice(''),
};

function listen(app) {
  app.addEventListener('click', event => {
    const node = event.target.closest('[data-do]');
    if (node) { doing[node.dataset.do]?.(node); return; }
    const link = event.target.closest('a[data-doc]');
    if (!link) return;
    event.preventDefault();
    note.hide();
    came = link;
    source.open(placeOf(link), { clicked: event.timeStamp });
  });
  $('#composer').addEventListener('submit', event => { event.preventDefault(); send(); });
  $('#question').addEventListener('keydown', event => {
    if (event.key === 'Enter' && !event.shiftKey && !event.isComposing) { event.preventDefault(); send(); }
  });
  $('#question').addEventListener('input', grow);
  for (const id of ['after', 'before', 'publisher']) $('#' + id).addEventListener('change', () => { limits.say(); shelf.refresh(); });
  let typing = 0;
  $('#find').addEventListener('input', () => { clearTimeout(typing); typing = setTimeout(() => shelf.refresh(), 200); });
  $('#mend').addEventListener('keydown', event => {
    if (event.key === 'Enter' && event.target.matches('input')) { event.preventDefault(); shelf.mended(); }
  });
  $('#judge').addEventListener('change', () => store.write('name', $('#judge').value.trim()));
  $('#files').addEventListener('change', () => { const files = [...$('#files').files]; $('#files').value = ''; shelf.add(files); });
  $('#list').addEventListener('change', event => {
    const doc = event.target.closest('.row')?.dataset.doc;
    if (doc !== undefined) { shelf.chosen[event.target.checked ? 'add' : 'delete'](doc); shelf.pick(); }
  });
  news.listen();
  dropping(app);
  note.listen(app);
  document.addEventListener('keydown', keys);
}

function dropping(app) {
  app.addEventListener('dragover', event => {
    if (![...event.dataTransfer.types].includes('Files')) return;
    event.preventDefault();
    $('#drop').classList.add('over');
    selectTab('collection');
  });
  app.addEventListener('dragleave', event => { if (!app.contains(event.relatedTarget)) $('#drop').classList.remove('over'); });
  app.addEventListener('drop', event => {
    if (!event.dataTransfer.files.length) return;
    event.preventDefault();
    $('#drop').classList.remove('over');
    shelf.add(event.dataTransfer.files);
  });
}

function keys(event) {
  const typing = event.target.matches('input, textarea, select');
  if (event.key === '/' && !typing && !event.ctrlKey && !event.metaKey) { event.preventDefault(); $('#question').focus(); }
  if (event.key === 'Escape' && !note.hide() && !document.querySelector('dialog[open]')) {
    if (document.querySelector('.app').dataset.sheet === 'open' || event.target.closest('#pane')) back();
    else if (talk.asking) talk.stop();
  }
  const tab = event.target.closest('[role=tab]');
  if (tab && ['ArrowLeft', 'ArrowRight'].includes(event.key)) {
    const step = event.key === 'ArrowRight' ? 1 : TABS.length - 1;
    const other = TABS[(TABS.indexOf(tab.dataset.tab) + step) % TABS.length];
    selectTab(other);
    $('#tab-' + other).focus();
  }
}

function send() {
  const box = $('#question');
  if (talk.asking || !box.value.trim()) return;
  const question = box.value;
  box.value = '';
  grow();
  talk.ask(question);
}

function grow() {
  const box = $('#question');
  box.style.height = 'auto';
  box.style.height = Math.min(box.scrollHeight, 180) + 'px';
}

function busy(on) {
  $('#ask').hidden = on;
  $('#stop').hidden = !on;
  $('.app').classList.toggle('busy', on);
}

// ---- The pane beside the answer, which on a narrow page lies over it

let came = null;   // by what the reader came to the pane: a marker, the button, a document of its list

const TABS = ['source', 'collection', 'quotes', 'timeline'];

function selectTab(name) {
  for (const tab of TABS) {
    const on = tab === name;
    $('#tab-' + tab).setAttribute('aria-selected', String(on));
    $('#tab-' + tab).tabIndex = on ? 0 : -1;
    $('#' + tab).hidden = !on;
  }
  $('#showing').hidden = name !== 'source';
  if (name === 'quotes' || name === 'timeline') news.show(name);
}

function showPane(name) {
  selectTab(name);
  $('.app').dataset.sheet = 'open';
}

function back() {
  $('.app').dataset.sheet = '';
  const link = came?.isConnected && !came.closest('#pane') ? came : null;
  (link ?? $('#question')).focus();
}

// ---- The note that a marker shows when pointed at or focused

const note = {
  link: null,
  timer: 0,
  listen(app) {
    app.addEventListener('pointerover', event => {
      const link = event.target.closest('a.cite');
      if (link) note.show(link);
      else if (event.target.closest('#note')) clearTimeout(note.timer);
      else if (note.link) note.later();
    });
    app.addEventListener('focusin', event => {
      const link = event.target.closest('a.cite');
      if (link && link.matches(':focus-visible')) note.show(link); else note.hide();
    });
    $('#talk-scroll').addEventListener('scroll', () => note.hide(), { passive: true });
  },
  show(link) {
    clearTimeout(note.timer);
    const from = document.getElementById(link.getAttribute('aria-describedby'));
    if (!from) return;
    note.link = link;
    const box = $('#note');
    box.querySelector('.quote').textContent = '“' + from.querySelector('.quote').textContent + '”';
    box.querySelector('.meta').textContent = apart([from.querySelector('.open').textContent, ...from.querySelector('.meta').textContent.split(' · ')]);
    box.hidden = false;
    const at = link.getBoundingClientRect(), size = box.getBoundingClientRect();
    const below = at.bottom + 8 + size.height < innerHeight;
    box.style.top = (below ? at.bottom + 8 : Math.max(8, at.top - size.height - 8)) + 'px';
    box.style.left = Math.max(8, Math.min(at.left - 24, innerWidth - size.width - 8)) + 'px';
  },
  later() { clearTimeout(note.timer); note.timer = setTimeout(() => note.hide(), 150); },
  hide() {
    clearTimeout(note.timer);
    const was = note.link !== null;
    note.link = null;
    $('#note').hidden = true;
    return was;
  },
};

// ---- Judging, conversations, export

async function judge(node) {
  const group = node.closest('.judging');
  const turn = talk.now.turns.find(record => record.id === node.closest('.turn').dataset.turn);
  const label = group.dataset.subject === 'passage' ? Number(node.closest('.source').dataset.label) : null;
  const again = node.getAttribute('aria-pressed') === 'true';
  const grade = again ? '' : node.dataset.grade;
  const answer = await call('page_judge', { turn, label, grade, judge: $('#judge').value });
  if (answer.error) return;
  for (const b of group.querySelectorAll('button')) b.setAttribute('aria-pressed', String(b === node && !again));
  turn.judged = { ...turn.judged, [label ?? 'answer']: grade };
  store.save(talk.now);
  toast(answer.said);
}

function conversations() {
  const rows = store.list().map(row => {
    const item = document.createElement('li');
    const open = button(row.title || 'Untitled', () => { $('#drawer').close(); talk.stop(); talk.begin(row.id); });
    open.className = 'conversation';
    open.dir = 'auto';
    if (row.id === talk.now.id) open.setAttribute('aria-current', 'true');
    const when = document.createElement('span');
    when.className = 'meta';
    when.textContent = new Date(row.updated).toLocaleString(undefined, { dateStyle: 'medium', timeStyle: 'short' });
    const drop = button('Delete', async () => {
      if (await forgotten(row.id, `“${row.title || 'Untitled'}” is kept`)) conversations();
    });
    drop.setAttribute('aria-label', 'Delete ' + (row.title || 'Untitled'));
    item.append(open, when, drop);
    return item;
  });
  if (!rows.length) {
    const none = document.createElement('li');
    none.className = 'empty';
    none.textContent = 'None yet.';
    rows.push(none);
  }
  $('#conversations').replaceChildren(...rows);
  $('#this-one').hidden = !talk.now.turns.length;
}

async function clear() {
  $('#drawer').close();
  await forgotten(talk.now.id, 'It is kept');
}

// Deletes a conversation once that is confirmed; whether it was. An answer on its way would store it again.
async function forgotten(id, kept) {
  if (!await confirmed('Delete this conversation?', `${kept} in this browser only, so it cannot be brought back.`, 'Delete')) return false;
  if (talk.asking?.conversation.id === id) await talk.stop();
  store.forget(id);
  if (id === talk.now.id) talk.begin(null);
  return true;
}

async function exported(form) {
  const answer = await call('page_export', { form, title: talk.now.title, turns: talk.now.turns });
  if (!answer.error) saved(answer.name, answer.text);
}

async function qrels() {
  const answer = await call('page_qrels', {});
  if (!answer.error) saved(answer.name, answer.text);
}

function saved(name, text) {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([text], { type: 'text/plain;charset=utf-8' }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}

// ---- Small things

// Whether the source lies beside the answer, not over it; the style says the same width.
function wide() { return matchMedia('(min-width: 900px)').matches; }

// Names and dates in a line; the direction in which one is written does not reach the others (isolates of Unicode).
function apart(parts) { return parts.map(part => `\u2068${part}\u2069`).join(' · '); }

function button(words, action) {
  const made = document.createElement('button');
  made.type = 'button';
  made.textContent = words;
  made.addEventListener('click', action);
  return made;
}

function confirmed(title, text, yes) {
  const box = $('#confirm');
  $('#confirm-title').textContent = title;
  $('#confirm-text').textContent = text;
  $('#confirm-yes').textContent = yes;
  box.returnValue = '';
  box.showModal();
  return new Promise(done => box.addEventListener('close', () => done(box.returnValue === 'yes'), { once: true }));
}

// For a screen reader, which does not see the steps change.
function say(text) { $('#status').textContent = text; }

let toasting = 0;
function toast(text) {
  const box = $('#toast');
  // What lies outside an open dialog is dimmed by it, and not read aloud.
  ([...document.querySelectorAll('dialog[open]')].pop() ?? $('.app')).append(box);
  box.textContent = text;
  box.hidden = false;
  clearTimeout(toasting);
  toasting = setTimeout(() => { box.hidden = true; }, 6000);
}

function theme(name) {
  const dark = name ? name === 'dark' : matchMedia('(prefers-color-scheme: dark)').matches;
  document.body.classList.toggle('dark', dark);
  if (name) store.write('theme', name);
}

window.pilcrow = { start, talk, source };
