// The page Sandbox: puts a board on the page, from a stage or a file, and saves it.
import { Desk, fetchFile, figureOf } from './desk.js';

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

class Sandbox extends HTMLElement {
  #desk = new Desk();
  // The board that the last one took the place of, packed, and what the list called it.
  #before;
  // The board as it was put there.
  #began = '';
  #settling;

  connectedCallback() {
    const select = this.#select;
    const own = new Option('Your board', OWN);
    own.hidden = true;
    select.append(own);
    const empty = this.#figure.dataset.figure;
    select.addEventListener('change', () => {
      const slug = select.value;
      const data = async () => (slug ? (await fetchFile(`figures/${slug}/sandbox.txt`)).text() : empty);
      this.#put(data, slug);
    });
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
    this.#begin();
  }

  disconnectedCallback() {
    clearTimeout(this.#settling);
    this.#desk.close();
  }

  // Begins with what the address asks for, or with the board that was left here before.
  async #begin() {
    await customElements.whenDefined('hockeystick-figure');
    const slug = new URLSearchParams(location.search).get('stage') ?? '';
    const left = location.hash ? undefined : this.#left();
    if (left) {
      await this.#put(async () => this.#desk.ask('board_of', left), OWN, slug);
      return this.#say('Your board, as you left it.');
    }
    if (!slug) return this.#follow();
    this.#select.value = slug;
    if (this.#select.value) return this.#select.dispatchEvent(new Event('change'));
    this.#call('');
    this.#follow();
    this.#say(`There is no stage \`${slug}\`: choose one from the list.`, true);
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

  // Puts another board on the page, which the list calls `chosen`. The one that was there can be brought back.
  async #put(data, chosen, slug = chosen === OWN ? '' : chosen) {
    const was = this.#called;
    try {
      const found = await data();
      const board = this.#figure.mounted?.stage();
      const figure = figureOf(found, { name: 'sandbox' });
      figure.id = 'fig-sandbox';
      this.#figure.replaceWith(figure);
      this.#before = board && { board, chosen: was };
      this.#control('back').hidden = !board;
      this.#remember(slug);
      this.#call(chosen);
      this.#follow();
      kept((store) => store.removeItem('sandbox'));
      if (chosen === OWN) this.#keep('');
      this.#say('');
    } catch (error) {
      this.#call(was);
      this.#say(error.message, true);
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

  #keep(began = this.#began) {
    const board = this.#figure.mounted?.stage();
    if (!board || String(board) === began) return;
    this.#call(OWN);
    // The board that came with the address is another by now.
    if (location.hash) history.replaceState(null, '', location.pathname + location.search);
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
      this.#say('Saved as board.json. `loadgen predict board.json` reads it too.');
    } catch (error) {
      this.#say(error.message, true);
    }
  }

  #remember(slug) {
    const url = new URL(location.href);
    if (slug) url.searchParams.set('stage', slug);
    else url.searchParams.delete('stage');
    history.replaceState(null, '', url);
  }

  #say(text, wrong = false) {
    const said = this.querySelector('.check-said');
    said.classList.toggle('wrong', wrong);
    said.textContent = text;
  }
}

customElements.define('hockeystick-sandbox', Sandbox);
