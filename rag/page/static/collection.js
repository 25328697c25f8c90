// The collection's tab: adding files, the list, limits of a question, removing.
const shelf = {
  known: { n: 0, publishers: [] },
  chosen: new Set(),

  async refresh() {
    const answer = await call('page_list', { find: $('#find').value, ...limits.dates() });
    $('#list').innerHTML = answer.html;
    shelf.known = answer;
    $('#where').textContent = answer.where;
    shelf.none(answer.empty);
    const select = $('#publisher');
    const before = select.value;
    select.innerHTML = answer.publishers;
    select.value = before;
    if (select.selectedIndex < 0) select.selectedIndex = 0;
    shelf.pick();
    news.changed();
  },

  // Where there is no document at all, the first screen says so, and there is nothing to find.
  none(on) {
    $('.app').classList.toggle('none', on === true);
    $('#begin').hidden = on !== true;
    $('#lead').hidden = on === true;
  },

  // Boxes that are ticked, whether the list shows them now or not.
  pick() {
    for (const row of document.querySelectorAll('#list .row')) {
      row.querySelector('input').checked = shelf.chosen.has(row.dataset.doc);
    }
    const n = shelf.chosen.size;
    $('#chosen-tools').hidden = n === 0;
    $('#chosen-count').textContent = n === 1 ? '1 chosen' : `${n} chosen`;
  },

  async add(files) {
    if (hub.limits.files === 0) { toast($('#drop-limits').textContent); return; }
    const rows = [...files].slice(0, hub.limits.files).map(file => [file, result(file.name, 'waiting')]);
    if (files.length > rows.length) result('', `Only the first ${rows.length} of ${files.length} files are taken at a time.`, 'bad');
    for (const [file, row] of rows) {
      const ending = file.name.includes('.') ? file.name.slice(file.name.lastIndexOf('.')).toLowerCase() : '';
      if (!hub.limits.formats.includes(ending)) { row('not a format that Pilcrow reads', 'bad'); continue; }
      if (file.size > hub.limits.bytes) { row(`larger than ${hub.limits.bytesWords}`, 'bad'); continue; }
      row('sending …');
      try {
        const sent = await hub.upload(file);
        if (!sent?.path) { row('could not be sent', 'bad'); continue; }
        row('reading and indexing …');
        const answer = await call('page_add', { path: sent.path, name: file.name }, { quiet: true });
        row(answer.error ?? answer.said, answer.error ? 'bad' : 'good');
      } catch { row('could not be sent', 'bad'); }
    }
    await shelf.refresh();
  },

  async remove() {
    const names = [...shelf.chosen];
    const more = names.length > 6 ? [`and ${names.length - 5} more`] : [];
    if (!await confirmed(`Remove ${names.length === 1 ? 'this document' : names.length + ' documents'}?`,
      [...names.slice(0, more.length ? 5 : 6), ...more].join('\n') + '\n\nWhat is removed leaves the collection; files on disk stay. Earlier answers keep their quotes.', 'Remove')) return;
    const answer = await call('page_remove', { documents: names });
    if (answer.error) return;
    if (names.includes(source.shown)) source.set(null, '<p class="empty">This document was removed.</p>');
    shelf.chosen.clear();
    $('#tab-collection').focus();
    limits.documents = limits.documents.filter(name => !names.includes(name));
    limits.say();
    toast(answer.said);
    await shelf.refresh();
  },

  mend() {
    const names = [...shelf.chosen];
    const row = [...document.querySelectorAll('#list .row')].find(r => r.dataset.doc === names[0]);
    $('#mend-date').value = names.length === 1 ? row?.dataset.date ?? '' : '';
    $('#mend-publisher').value = names.length === 1 ? row?.dataset.publisher ?? '' : '';
    $('#mend').showModal();
  },

  async mended() {
    const answer = await call('page_mend', { documents: [...shelf.chosen], date: $('#mend-date').value, publisher: $('#mend-publisher').value });
    if (answer.error) return;
    $('#mend').close();
    toast(answer.said);
    if (shelf.chosen.has(source.shown)) source.shown = null;
    await shelf.refresh();
  },
};

// Which documents a question may look at.
const limits = {
  documents: [],
  dates() { return { after: $('#after').value, before: $('#before').value, publisher: $('#publisher').value }; },
  value() { return { ...limits.dates(), documents: limits.documents }; },
  clear() {
    $('#after').value = $('#before').value = '';
    $('#publisher').selectedIndex = 0;
    limits.documents = [];
    limits.say();
    shelf.refresh();
  },
  say() {
    const { after, before, publisher } = limits.dates();
    const parts = [];
    if (limits.documents.length) parts.push(limits.documents.length === 1 ? limits.documents[0] : `${limits.documents.length} documents`);
    if (publisher) parts.push(publisher);
    if (after) parts.push('from ' + after);
    if (before) parts.push('to ' + before);
    $('#limits-button').textContent = parts.length ? 'Only ' + parts.join(', ') : 'All documents';
    $('#limits-button').title = parts.length ? $('#limits-button').textContent : '';
    $('#limits-button').classList.toggle('on', parts.length > 0);
    $('#chosen').textContent = limits.documents.length ? 'Documents: ' + limits.documents.join(', ') : 'Documents: all (tick some in the collection to ask only those)';
  },
};

// A row of the upload's results; the function returned changes what it says.
function result(name, said, grade = '') {
  const row = document.createElement('li');
  const who = document.createElement('span');
  who.className = 'name';
  who.textContent = name;
  const what = document.createElement('span');
  row.append(who, ' ', what);
  const set = (text, mark = '') => { what.textContent = text; row.className = mark; };
  set(said, grade);
  $('#results').append(row);
  return set;
}
