// Votes and events wait here until the server has them: IndexedDB, keyed by observer and study; memory where it is barred.

const NAME = "dermiqa";

function opened() {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(NAME, 1);
    request.onupgradeneeded = () => {
      for (const store of ["votes", "events"]) {
        const made = request.result.createObjectStore(store, { keyPath: "id", autoIncrement: true });
        made.createIndex("owner", "owner");
      }
    };
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
    request.onblocked = () => reject(new Error("blocked"));
  });
}

function finished(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

/** What one observer of one study has not handed in yet, oldest first. `durable` tells whether it outlives the tab. */
export class Queue {
  constructor(owner, database) {
    this.owner = owner;
    this.database = database;
    this.memory = { votes: [], events: [] };
    this.last = 0;
  }

  static async open(owner) {
    try {
      return new Queue(owner, await opened());
    } catch {
      return new Queue(owner, null);
    }
  }

  get durable() {
    return this.database !== null;
  }

  async add(store, entry) {
    const kept = { ...entry, owner: this.owner };
    if (!this.database) {
      kept.id = ++this.last;
      this.memory[store].push(kept);
      return kept;
    }
    const change = this.database.transaction(store, "readwrite", { durability: "strict" });
    kept.id = await finished(change.objectStore(store).add(kept));
    await new Promise((resolve, reject) => {
      change.oncomplete = resolve;
      change.onerror = change.onabort = () => reject(change.error);
    });
    return kept;
  }

  async all(store) {
    if (!this.database) {
      return [...this.memory[store]];
    }
    const index = this.database.transaction(store).objectStore(store).index("owner");
    const found = await finished(index.getAll(this.owner));
    return found.sort((a, b) => a.id - b.id);
  }

  async remove(store, id) {
    if (!this.database) {
      this.memory[store] = this.memory[store].filter((entry) => entry.id !== id);
      return;
    }
    await finished(this.database.transaction(store, "readwrite").objectStore(store).delete(id));
  }
}
