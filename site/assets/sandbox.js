// The page Sandbox: puts a board on the page, from a stage or a file, and saves it.
import { Desk, fetchFile, figureOf } from './desk.js';

class Sandbox extends HTMLElement {
  #desk = new Desk();
  // The board that the last one took the place of, packed.
  #before;

  connectedCallback() {
    const select = this.querySelector('select');
    const empty = this.#figure.dataset.figure;
    select.addEventListener('change', () => {
      this.#put(async () => (select.value ? (await fetchFile(`figures/${select.value}/sandbox.txt`)).text() : empty));
      this.#remember(select.value);
    });
    const input = this.querySelector('input[type="file"]');
    input.addEventListener('change', () => {
      const [file] = input.files;
      if (file) this.#put(async () => this.#desk.ask('board', file.name, new Uint8Array(await file.arrayBuffer())));
      // The same file may be chosen again, after it has changed.
      input.value = '';
      select.value = '';
    });
    this.#control('save').addEventListener('click', () => this.#save());
    this.#control('back').addEventListener('click', () => this.#put(async () => this.#desk.ask('board_of', this.#before)));
    const asked = new URLSearchParams(location.search).get('stage');
    if (!asked) return;
    select.value = asked;
    if (select.value) customElements.whenDefined('hockeystick-figure').then(() => select.dispatchEvent(new Event('change')));
    else this.#say(`There is no stage \`${asked}\`: choose one from the list.`, true);
  }

  disconnectedCallback() {
    this.#desk.close();
  }

  get #figure() {
    return this.querySelector('hockeystick-figure');
  }

  #control(name) {
    return this.querySelector(`[data-do="${name}"]`);
  }

  // Puts another board on the page. The one that was there can be brought back: nothing is lost.
  async #put(data) {
    try {
      const found = await data();
      const before = this.#figure.mounted?.stage();
      const figure = figureOf(found, { name: 'sandbox' });
      figure.id = 'fig-sandbox';
      this.#figure.replaceWith(figure);
      this.#before = before;
      this.#control('back').hidden = !before;
      this.#say('');
    } catch (error) {
      this.#say(error.message, true);
    }
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
