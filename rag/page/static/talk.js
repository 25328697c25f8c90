// Gradio reloads the page once the server is back, so the question has to be kept before it looks, after two seconds.
const LOOK_MS = 1500;

// The conversation: asking, what streams in, stopping, retrying, editing, and what survives a reload.
const talk = {
  now: null,        // the conversation: {id, title, created, updated, turns: [record]}
  asking: null,     // {id, question, draft, filters} while an answer is on its way

  begin(id) {
    const kept = id ? store.conversation(id) : null;
    talk.now = kept ?? { id: crypto.randomUUID?.() ?? fresh(), title: '', created: new Date().toISOString(), turns: [] };
    store.current(kept ? kept.id : null);
    $('#turns').replaceChildren();
    source.active = null;
    source.paint();
    talk.welcome();
    return kept ? talk.restore(kept) : undefined;
  },

  async restore(kept) {
    const answer = await call('page_render', { turns: kept.turns });
    if (talk.now !== kept) return;
    for (const turn of answer.turns) upsert(turn.id, turn.html);
    for (const record of kept.turns) pressed(record);
    if (answer.unreadable) toast(answer.unreadable);
    const last = document.querySelector('#turns .turn:last-child');
    if (last) { last.scrollIntoView({ block: 'start' }); preview(last); }
  },

  welcome() { $('#welcome').hidden = talk.now.turns.length > 0 || talk.asking !== null; },

  ask(question, turnId) {
    question = question.trim();
    if (!question || talk.asking) return;
    const before = turnId ? talk.now.turns.findIndex(turn => turn.id === turnId) : talk.now.turns.length;
    talk.asking = { id: turnId ?? fresh(), question, draft: '', conversation: talk.now };
    busy(true);
    say('Searching');
    upsert(talk.asking.id, waiting(talk.asking.id, question));
    talk.welcome();
    $('#turn-' + talk.asking.id).scrollIntoView({ block: 'start' });
    if (!document.activeElement?.checkVisibility() || document.activeElement === document.body) settle();
    talk.listen(talk.asking);
    const turns = talk.now.turns.slice(0, before < 0 ? undefined : before);
    talk.asking.filters = limits.value();
    hub.trigger('ask', {
      id: talk.asking.id, question, filters: talk.asking.filters, answerer: $('#answerer').value || '',
      history: turns.slice(-8).filter(turn => turn.answer).map(turn => ({
        question: turn.question,
        query: turn.answer.query,
        // As `Turn.of` has it: what nothing bears out is not carried on.
        answer: turn.answer.claims.filter(claim => claim.verdict !== 'unsupported').map(claim => claim.text).join(' '),
        marked: turn.answer.answers[0]?.text || '',
      })),
    });
  },

  // A value from the server: the turn as it stands, and its record when it is finished.
  receive(value) {
    if (!value || !talk.asking || value.turn !== talk.asking.id) return;
    if (talk.asking.conversation === talk.now) upsert(value.turn, value.html);
    talk.asking.draft = value.draft ?? '';
    if (value.said) say(value.said);
    for (const option of value.answerers ? $('#answerer').options : []) option.text = value.answerers[option.value] ?? option.text;
    if (value.record) talk.finish(value.record, value.source);
  },

  finish(record, opened) {
    const conversation = talk.asking.conversation;
    talk.asking = null;
    busy(false);
    const at = conversation.turns.findIndex(turn => turn.id === record.id);
    if (at < 0) conversation.turns.push(record); else conversation.turns[at] = record;
    conversation.title ||= conversation.turns[0].question.slice(0, 120);
    if (!store.save(conversation)) toast('This browser keeps nothing: the conversation will be gone after a reload.');
    store.current(conversation.id);
    if (conversation !== talk.now) return;
    const node = document.getElementById('turn-' + record.id);
    if (record.answer) say(spoken(record.answer));
    else if (record.state === 'stopped') say('Stopped.');
    if (opened) source.set(opened.document, opened.html);
    if (node) preview(node);
  },

  async stop() {
    if (!talk.asking) return;
    const { id, question, draft, filters } = talk.asking;
    hub.trigger('stop', {});
    const record = { id, question, asked: new Date().toISOString(), state: 'stopped', draft, fault: '', filters, answer: null };
    await talk.ended(record);
  },

  async broken(text) {
    if (!talk.asking) return;
    const { id, question, filters } = talk.asking;
    const record = { id, question, asked: new Date().toISOString(), state: 'failed', draft: '', filters, answer: null,
      fault: text || 'Something broke on the server; the terminal that runs Pilcrow shows what.' };
    await talk.ended(record);
  },

  // What came to no answer is kept and shown, by the server's words or, where it is gone, by ours.
  async ended(record) {
    const conversation = talk.asking.conversation;
    talk.finish(record);
    const answer = await call('page_render', { turns: [record] }, { quiet: true });
    if (conversation !== talk.now) return;
    if (answer.error) upsert(record.id, unanswered(record));
    for (const turn of answer.turns) upsert(turn.id, turn.html);
  },

  // Nothing tells the page that the server is gone, so while an answer is on its way the page looks.
  listen(asking) {
    setTimeout(async () => {
      if (talk.asking !== asking) return;
      const there = await fetch('gradio_api/app_id', { cache: 'no-store' }).then(() => true, () => false);
      if (talk.asking !== asking) return;
      if (there) talk.listen(asking);
      else talk.broken('The server did not answer; is Pilcrow still running?');
    }, LOOK_MS);
  },

  // An edited question drops what came after it: those answers followed from the old one.
  edit(node) {
    const at = talk.now.turns.findIndex(turn => turn.id === node.dataset.turn);
    if (at < 0 || talk.asking) return;
    const heading = node.querySelector('.question');
    const form = document.createElement('form');
    form.className = 'editing';
    const box = document.createElement('textarea');
    box.value = talk.now.turns[at].question;
    box.maxLength = 4000;
    box.setAttribute('aria-label', 'Edit the question');
    const later = talk.now.turns.length - at - 1;
    const hint = document.createElement('p');
    hint.className = 'aside';
    hint.textContent = later ? `Asking again drops the ${later === 1 ? 'later question' : later + ' later questions'}.` : '';
    const cancel = button('Cancel', () => { form.replaceWith(heading); heading.tabIndex = -1; heading.focus(); });
    const ask = button('Ask again', () => form.requestSubmit());
    ask.className = 'primary';
    form.append(box, hint, cancel, ask);
    const submit = () => {
      if (!box.value.trim()) return;
      for (const turn of talk.now.turns.splice(at)) document.getElementById('turn-' + turn.id)?.remove();
      store.save(talk.now);
      talk.ask(box.value);
    };
    form.addEventListener('submit', event => { event.preventDefault(); submit(); });
    box.addEventListener('keydown', event => {
      if (event.key === 'Enter' && !event.shiftKey && !event.isComposing) { event.preventDefault(); submit(); }
      if (event.key === 'Escape') { event.stopPropagation(); cancel.click(); }
    });
    heading.replaceWith(form);
    box.focus();
    box.setSelectionRange(box.value.length, box.value.length);
  },

  retry(node) {
    const turn = talk.now.turns.find(record => record.id === node.dataset.turn);
    if (turn) talk.ask(turn.question, turn.id);
  },

  async copy(node) {
    const turn = talk.now.turns.find(record => record.id === node.dataset.turn);
    if (!turn?.answer) return;
    const lines = [turn.question, '', turn.answer.abstained && turn.answer.reason !== 'small_talk' ? 'No answer.' : turn.answer.answer, ''];
    for (const c of turn.answer.citations) {
      lines.push(`[${c.label}] ${c.title ?? c.document} · ${c.publisher ?? 'no outlet'} · ${c.date ?? 'no date'}${c.page ? ` · page ${c.page}` : ''} · paragraph ${c.paragraph}`, `    “${c.quote}”`);
    }
    try { await navigator.clipboard.writeText(lines.join('\n')); toast('Copied, with its sources.'); }
    catch { toast('This browser does not let the page copy; select the text instead.'); }
  },
};

// An answer as it is read out. Small talk has a line and no answer.
function spoken(answer) {
  if (answer.reason === 'small_talk') return answer.answer;
  return answer.abstained ? 'No answer was found.' : 'Answer: ' + answer.answer;
}

// The turn as HTML of the server, in place of what it was; the focus stays on the same link where that is there again.
function upsert(id, html) {
  const old = document.getElementById('turn-' + id);
  let node = html;
  if (typeof html === 'string') {
    const holder = document.createElement('template');
    holder.innerHTML = html;
    node = holder.content.firstElementChild;
  }
  if (!node) return;
  if (!old) { $('#turns').append(node); reveal(node); return; }
  const focused = old.contains(document.activeElement) ? document.activeElement.getAttribute('href') : null;
  old.replaceWith(node);
  reveal(node);
  if (focused) node.querySelector(`a[href="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
}

// A row that is wider than the page shows the cell that answers, and not only its first ones.
function reveal(node) {
  for (const cell of node.querySelectorAll?.('.grid td.found') ?? []) {
    const grid = cell.closest('.grid');
    const over = cell.offsetLeft + cell.offsetWidth - grid.clientWidth;
    if (over > 0) grid.scrollLeft = Math.min(over, cell.offsetLeft);
  }
}

// What stands there until the server's first word.
function waiting(id, question) {
  const article = document.createElement('article');
  article.className = 'turn asking';
  article.id = 'turn-' + id;
  article.dataset.turn = id;
  const heading = document.createElement('h2');
  heading.className = 'question';
  heading.dir = 'auto';
  heading.textContent = question;
  article.append(heading);
  return article;
}

// A turn without an answer, where no server is there to make it.
function unanswered(record) {
  const article = waiting(record.id, record.question);
  article.className = 'turn ' + record.state;
  const said = document.createElement('p');
  said.className = 'fault';
  said.setAttribute('role', 'alert');
  said.textContent = record.fault || 'Stopped.';
  const again = button('Retry', () => {});
  again.dataset.do = 'retry';
  article.append(said, again);
  return article;
}

// The focus, where what had it is gone: to the next question, or on a narrow page to the answers, without a keyboard.
function settle() {
  $(wide() ? '#question' : '#talk-scroll').focus({ preventScroll: true });
}

// The first source of an answer beside it, without taking the focus: the first click has nothing to wait for.
function preview(node) {
  const link = node.querySelector('a.cite');
  if (!link) { source.paint(); return; }
  if (document.querySelector('.app').dataset.sheet !== 'open') selectTab('source');
  source.open(placeOf(link), { focus: false });
}

// Judgements given before the reload are shown as pressed.
function pressed(record) {
  const node = document.getElementById('turn-' + record.id);
  for (const [key, grade] of Object.entries(record.judged ?? {})) {
    const group = key === 'answer' ? node?.querySelector('.judging[data-subject=answer]')
      : node?.querySelector(`.source[data-label="${CSS.escape(key)}"] .judging`);
    for (const b of group?.querySelectorAll('button') ?? []) b.setAttribute('aria-pressed', String(b.dataset.grade === grade));
  }
}

function fresh() {
  return Array.from(crypto.getRandomValues(new Uint8Array(8)), byte => byte.toString(16).padStart(2, '0')).join('');
}
