// What the browser keeps: conversations, a name, the theme. All of it under one prefix, in localStorage.
const store = {
  prefix: 'pilcrow:',
  read(key, fallback) {
    try {
      const text = localStorage.getItem(store.prefix + key);
      return text === null ? fallback : JSON.parse(text);
    } catch { return fallback; }
  },
  write(key, value) {
    try { localStorage.setItem(store.prefix + key, JSON.stringify(value)); return true; } catch { return false; }
  },
  drop(key) { try { localStorage.removeItem(store.prefix + key); } catch { /* nothing is kept then */ } },
  list() { return store.read('list', []).filter(row => row && typeof row.id === 'string'); },
  conversation(id) {
    const kept = store.read('c:' + id, null);
    return kept && Array.isArray(kept.turns) ? kept : null;
  },
  // Saved with its row in the list. A full storage gives up the oldest other conversation, and tries again.
  save(conversation) {
    conversation.updated = new Date().toISOString();
    for (;;) {
      const rows = store.list().filter(row => row.id !== conversation.id);
      const row = { id: conversation.id, title: conversation.title, updated: conversation.updated };
      if (store.write('c:' + conversation.id, conversation) && store.write('list', [row, ...rows])) return true;
      if (!rows.length) return false;
      store.forget(rows[rows.length - 1].id);
    }
  },
  forget(id) { store.drop('c:' + id); store.write('list', store.list().filter(row => row.id !== id)); },
  // Each tab goes on with its own conversation; a new tab with the last one.
  current(id) {
    try {
      if (id === undefined) return sessionStorage.getItem(store.prefix + 'current') ?? store.list()[0]?.id ?? null;
      sessionStorage.setItem(store.prefix + 'current', id ?? '');
    } catch { /* a browser that keeps nothing begins anew */ }
    return id;
  },
};
