// Two tabs of the pane that read the documents as news: who is quoted, and what happened when.
const news = {
  stale: { quotes: true, timeline: true },
  asked: { quotes: 0, timeline: 0 },

  // Documents or limits have changed: what is shown is read anew when it is looked at next.
  changed() {
    news.stale = { quotes: true, timeline: true };
    for (const name of ['quotes', 'timeline']) if (!$('#' + name).hidden) news.show(name);
  },

  show(name) {
    if (!news.stale[name]) return;
    news.stale[name] = false;
    news.read(name, $(`#${name}-about`).value.trim());
  },

  async read(name, about) {
    const turn = ++news.asked[name];
    const list = $(`#${name}-list`);
    list.setAttribute('aria-busy', 'true');
    const answer = await call('page_' + name, { about, ...limits.value() });
    if (turn !== news.asked[name]) return;  // another was asked for meanwhile
    list.removeAttribute('aria-busy');
    list.innerHTML = answer.html || '<p class="empty">Nothing could be read; try again.</p>';
    if (name === 'quotes') $('#quotes-all').hidden = !about;
  },

  voice(name) {
    $('#quotes-about').value = name;
    news.stale.quotes = false;
    showPane('quotes');
    $('#quotes').scrollTop = 0;
    return news.read('quotes', name);
  },

  listen() {
    for (const name of ['quotes', 'timeline']) {
      $(`#${name}-form`).addEventListener('submit', event => {
        event.preventDefault();
        news.read(name, $(`#${name}-about`).value.trim());
      });
      $(`#${name}-about`).addEventListener('search', () => news.read(name, $(`#${name}-about`).value.trim()));
    }
  },
};
