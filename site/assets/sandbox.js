// The page Sandbox: puts a board on the page, from a stage or a file, and saves it.
import { Desk, fetchFile, figureOf, say } from './desk.js';

// How long a board must be left alone before it is kept.
const SETTLED_MS = 400;
// What the list calls a board that is none of it.
const OWN = 'own';

// A browser that keeps nothing for a page throws when it is asked to: then only a file keeps a board.
const kept = (act) => {
  try {
    return act(sessionStorage);
  } catch {
    return undefined;
  }
};

// Whether the address holds a board: a place on the page is named without a sign of equality.
const isShared = () => location.hash.includes('=');

class Sandbox extends HTMLElement {
  #desk = new Desk();
  // Counts what the reader asked for: the answer to an earlier question puts no board there any more.
  #turn = 0;
  // Whether the board is there with which the page begins: there is none before.
  #begun = false;
  // The data of the board without anything on it.
  #empty;
  // The board that the last one took the place of, packed, and what the list called it.
  #before;
  // The board as the address gives it; none where it comes from nowhere else than from what is kept.
  #began = '';
  #settling;

  connectedCallback() {
    const select = this.#select;
    const own = new Option('Your board', OWN);
    own.hidden = true;
    select.append(own);
    this.#empty = this.#figure.dataset.figure;
    select.addEventListener('change', () => this.#choose());
    const input = this.querySelector('input[type="file"]');
    input.addEventListener('change', () => {
      const [file] = input.files;
      const data = async () => this.#desk.ask('board', file.name, new Uint8Array(await file.arrayBuffer()));
      if (file) this.#put(data, OWN);
      // The same file may be chosen again, after it has changed.
      input.value = '';
    });
    this.#control('save').addEventListener('click', () => this.#save());
    this.#control('back').addEventListener('click', () => {
      const { board, chosen } = this.#before;
      this.#put(async () => this.#desk.ask('board_of', board), chosen);
    });
    this.#begin().finally(() => (this.#begun = true));
  }

  disconnectedCallback() {
    clearTimeout(this.#settling);
    this.#desk.close();
  }

  // Begins with what the address asks for, or with the board that was left here before.
  async #begin() {
    await customElements.whenDefined('hockeystick-figure');
    // The figure has opened it.
    if (isShared()) return this.#follow();
    const slug = new URLSearchParams(location.search).get('stage') ?? '';
    const left = this.#left();
    const data = async () => this.#desk.ask('board_of', left);
    const why = left && (await this.#put(data, OWN, slug, 'Your board, as you left it.'));
    if (left && !why) return undefined;
    if (!slug) return this.#follow();
    this.#select.value = slug;
    if (this.#select.value) return this.#choose(why);
    this.#call('');
    this.#follow();
    say(this, `There is no stage \`${slug}\`: choose one from the list.`, true);
  }

  get #figure() {
    return this.querySelector('hockeystick-figure');
  }

  get #select() {
    return this.querySelector('select');
  }

  #control(name) {
    return this.querySelector(`[data-do="${name}"]`);
  }

  // Puts there what the list says, and says `why` it is not the board that is kept.
  #choose(why) {
    const slug = this.#select.value;
    const data = async () => (slug ? (await fetchFile(`figures/${slug}/sandbox.txt`)).text() : this.#empty);
    return this.#put(data, slug, slug, why, Boolean(why));
  }

  // Puts another board on the page, which the list calls `chosen`, and says `words`. The one that was there can be
  // brought back. Returns why it failed, if it did.
  async #put(data, chosen, slug = chosen === OWN ? '' : chosen, words = '', wrong = false) {
    const turn = ++this.#turn;
    try {
      const found = await data();
      if (turn !== this.#turn) return undefined;
      const board = this.#begun ? this.#figure.mounted?.stage() : undefined;
      const figure = figureOf(found, { name: 'sandbox' });
      figure.id = 'fig-sandbox';
      this.#before = board && { board, chosen: isShared() ? OWN : this.#called };
      this.#control('back').hidden = !board;
      // First: a figure of this name opens the board that the address holds.
      this.#remember(slug);
      this.#figure.replaceWith(figure);
      this.#call(chosen);
      this.#follow();
      // What could not be opened now may be another time.
      if (!wrong) kept((store) => store.removeItem('sandbox'));
      if (chosen === OWN) {
        this.#began = '';
        this.#keep();
      }
      say(this, words, wrong);
      return undefined;
    } catch (error) {
      if (turn !== this.#turn) return undefined;
      this.#call(this.#called);
      say(this, error.message, true);
      return error.message;
    }
  }

  // What the list calls the board that is there.
  #called = '';

  #call(chosen) {
    this.#called = chosen;
    this.#select.value = chosen;
  }

  // Keeps the board from now on, for whoever goes to another page and comes back.
  #follow() {
    this.#figure.mount();
    const { mounted } = this.#figure;
    // It says itself why it cannot run.
    if (!mounted) return;
    this.#began = String(mounted.stage());
    mounted.on_change(() => {
      clearTimeout(this.#settling);
      this.#settling = setTimeout(() => this.#keep(), SETTLED_MS);
    });
  }

  #keep() {
    const board = this.#figure.mounted?.stage();
    if (!board) return;
    if (String(board) === this.#began) {
      // All that was changed is undone.
      if (this.#called === OWN) kept((store) => store.removeItem('sandbox'));
      return;
    }
    this.#call(OWN);
    // The board that came with the address is another by now.
    if (isShared()) {
      this.#began = '';
      history.replaceState(null, '', location.pathname + location.search);
    }
    kept((store) => store.setItem('sandbox', JSON.stringify({ at: location.search, board: [...board] })));
  }

  // The board that was left on the page of this address.
  #left() {
    const { at, board } = kept((store) => JSON.parse(store.getItem('sandbox'))) ?? {};
    return at === location.search && Array.isArray(board) ? new Uint8Array(board) : undefined;
  }

  async #save() {
    const stage = this.#figure.mounted?.stage();
    if (!stage) return;
    try {
      const text = await this.#desk.ask('save', stage);
      const link = document.createElement('a');
      link.href = URL.createObjectURL(new Blob([text], { type: 'application/json' }));
      link.download = 'board.json';
      link.click();
      URL.revokeObjectURL(link.href);
      say(this, 'Saved as board.json. `loadgen predict board.json` reads it too.');
    } catch (error) {
      say(this, error.message, true);
    }
  }

  #remember(slug) {
    const url = new URL(location.href);
    url.hash = '';
    if (slug) url.searchParams.set('stage', slug);
    else url.searchParams.delete('stage');
    history.replaceState(null, '', url);
  }
}

customElements.define('hockeystick-sandbox', Sandbox);
