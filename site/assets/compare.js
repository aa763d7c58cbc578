// The page Compare: two figures that run as one, and the difference of what comes of them.
import { Desk, fetchFile, figureOf, say } from './desk.js';

// How long the boards must be left alone before their difference is asked for anew.
const SETTLED_MS = 700;
// Seconds of the simulation in a second of the reader's time, by the slider's place.
const SPEEDS = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100];

const shortly = (value) => value.toLocaleString('en', { maximumSignificantDigits: 3 });

class Compare extends HTMLElement {
  #desk = new Desk();
  #figures = {};
  #turn = 0;
  #settling;
  // What the two boards were when they were last compared.
  #compared = '';
  // Set while both are being set: what they tell of it is no news.
  #busy = false;

  connectedCallback() {
    for (const side of this.querySelectorAll('.compare-side')) {
      const select = side.querySelector('select');
      select.addEventListener('change', () => {
        this.#forget(side.dataset.side);
        this.#choose(side, select);
      });
    }
    const on = (name, event, act) => this.#control(name).addEventListener(event, act);
    on('run', 'click', () => {
      const wish = !this.#isRunning;
      this.#both((figure) => figure.run(wish));
    });
    on('step', 'click', () => this.#both((figure) => figure.step()));
    on('restart', 'click', () => this.#both((figure) => figure.restart()));
    on('load', 'input', ({ target }) => this.#setLoad(this.#loadAt(Number(target.value))));
    on('speed', 'input', ({ target }) => this.#both((figure) => figure.set_speed(SPEEDS[target.value])));
    on('seed', 'change', ({ target }) => this.#setSeed(target.value));
    this.#openAddress();
  }

  disconnectedCallback() {
    clearTimeout(this.#settling);
    this.#desk.close();
  }

  get #isRunning() {
    return Object.values(this.#figures).some((figure) => figure.mounted.is_running());
  }

  #control(name) {
    return this.querySelector(`[data-do="${name}"]`);
  }

  async #openAddress() {
    // Figures are made by the page's program: wait until it is there.
    await customElements.whenDefined('hockeystick-figure');
    const asked = new URLSearchParams(location.search);
    // Boards that a reader brings along, and what the list calls them.
    const brought = new URLSearchParams(location.hash.slice(1));
    const words = { a: 'as its author made it', b: 'as you left it' };
    const unknown = [];
    for (const side of this.querySelectorAll('.compare-side')) {
      const select = side.querySelector('select');
      const { side: name } = side.dataset;
      const slug = asked.get(name) ?? side.dataset.first;
      if (!slug) continue;
      select.value = slug;
      const board = brought.get(name);
      if (select.value && board) {
        const option = new Option(`${select.selectedOptions[0].text}, ${words[name]}`, slug, true, true);
        option.dataset.board = board;
        select.prepend(option);
      }
      if (select.value) await this.#choose(side, select);
      else unknown.push(`There is no stage \`${slug}\`: choose one from the list.`);
    }
    // Said last: whoever chooses a board says that all is well.
    if (unknown.length) say(this, unknown.join(' '), true);
  }

  async #choose(side, select) {
    const name = side.dataset.side;
    const place = side.querySelector('.compare-place');
    this.#turn++;
    delete this.#figures[name];
    place.replaceChildren();
    this.#note('Choose two boards.');
    if (!select.value) return this.#follow();
    const [option] = select.selectedOptions;
    try {
      const data = await (await fetchFile(`figures/${option.value}/board.txt`)).text();
      // Another was chosen meanwhile.
      if (!option.selected) return;
      const state = option.dataset.board;
      const figure = figureOf(data, state ? { name, state } : { name });
      place.replaceChildren(figure);
      // It says itself why it cannot run.
      if (!figure.mounted) return;
      this.#figures[name] = figure;
      figure.mounted.on_change(() => this.#changed(name));
      this.#join(figure.mounted);
      this.#remember();
      say(this, '');
    } catch (error) {
      if (option.selected) say(this, error.message, true);
    }
  }

  // The one that came last takes over how the other runs; both carry the larger load: the one that made the change needed.
  #join(figure) {
    const [a, b] = ['a', 'b'].map((name) => this.#figures[name]?.mounted);
    const other = a === figure ? b : a;
    const loads = [figure.load(), other?.load()].filter((load) => load > 0);
    const load = Math.max(...loads);
    this.#range = [load / 20, load * 4];
    const speed = Math.min(figure.speed(), other?.speed() ?? Infinity);
    const seed = other?.seed() ?? figure.seed();
    this.#both((it) => {
      it.run(false);
      it.set_speed(speed);
      it.set_seed(seed);
      if (loads.length) it.set_load(load);
    });
  }

  #range = [1, 100];

  #loadAt(place) {
    const [low, high] = this.#range;
    return Number((low * (high / low) ** (place / 100)).toPrecision(3));
  }

  #placeOf(load) {
    const [low, high] = this.#range;
    return (100 * Math.log(load / low)) / Math.log(high / low);
  }

  #setLoad(load) {
    this.#both((figure) => figure.set_load(load));
  }

  #setSeed(text) {
    const seed = Number(text.trim());
    if (!Number.isSafeInteger(seed) || seed < 0) return say(this, 'A seed is a whole number, such as 7.', true);
    say(this, '');
    this.#both((figure) => figure.set_seed(seed));
  }

  #both(act) {
    this.#busy = true;
    for (const figure of Object.values(this.#figures)) act(figure.mounted);
    this.#busy = false;
    this.#follow();
  }

  // The reader did something to one board. What the two have in common, the other does too.
  #changed(name) {
    if (this.#busy) return;
    const figure = this.#figures[name]?.mounted;
    if (!figure) return;
    const [running, speed, seed, load] = [figure.is_running(), figure.speed(), figure.seed(), figure.load()];
    this.#both((it) => {
      if (it === figure) return;
      if (it.is_running() !== running) it.run(running);
      if (it.speed() !== speed) it.set_speed(speed);
      if (it.seed() !== seed) it.set_seed(seed);
      if (load > 0 && it.load() !== load) it.set_load(load);
    });
  }

  // Shows what is common to both, and has their difference told when they have been left alone.
  #follow() {
    const figures = Object.values(this.#figures).map((figure) => figure.mounted);
    const [first] = figures;
    for (const control of this.querySelectorAll('[data-do]')) control.disabled = !first;
    if (!first) return;
    this.#control('run').textContent = this.#isRunning ? 'Pause both' : 'Play both';
    this.#slide('load', this.#placeOf(first.load() ?? 1), `${shortly(first.load() ?? 0)}/s`);
    const nearest = SPEEDS.reduce((best, speed, index) => (speed <= first.speed() * 1.001 ? index : best), 0);
    const speed = first.speed();
    this.#slide('speed', nearest, speed < 1 ? `1/${shortly(1 / speed)} ×` : `${shortly(speed)} ×`);
    if (document.activeElement !== this.#control('seed')) this.#control('seed').value = first.seed();
    clearTimeout(this.#settling);
    if (figures.length === 2) this.#settling = setTimeout(() => this.#tell(), SETTLED_MS);
  }

  #slide(name, place, words) {
    const slider = this.#control(name);
    slider.value = place;
    slider.style.setProperty('--fill', `${(100 * (slider.value - slider.min)) / (slider.max - slider.min)}%`);
    slider.setAttribute('aria-valuetext', words);
    slider.parentElement.querySelector('output').textContent = words;
  }

  async #tell() {
    const [a, b] = ['a', 'b'].map((name) => this.#figures[name]?.mounted);
    if (!a || !b) return;
    const [left, right, seed] = [a.stage(), b.stage(), a.seed()];
    const what = `${left} ${right} ${seed}`;
    if (what === this.#compared) return;
    const turn = ++this.#turn;
    const place = this.querySelector('.compare-table-place');
    if (!place.querySelector('table')) this.#note('Both boards are simulated, several times each …');
    this.#compared = what;
    try {
      await this.#desk.ask('compare', left, right, seed);
      for (;;) {
        const html = await this.#desk.ask('replicate');
        if (turn !== this.#turn) return;
        if (html === undefined) break;
        place.innerHTML = html;
      }
      say(this, 'The difference is told.');
    } catch (error) {
      if (turn === this.#turn) this.#note(error.message);
    }
  }

  // The choice of boards is in the address, to be sent to somebody.
  #remember() {
    const url = new URL(location.href);
    for (const side of this.querySelectorAll('.compare-side')) {
      const slug = side.querySelector('select').value;
      if (slug) url.searchParams.set(side.dataset.side, slug);
      else url.searchParams.delete(side.dataset.side);
    }
    history.replaceState(null, '', url);
  }

  // A board that the address holds for a side goes with its choice: the next figure there would open it.
  #forget(name) {
    const board = RegExp(`(#fig-${name}.s|\\b${name})=[^&]*&?`);
    history.replaceState(null, '', location.pathname + location.search + location.hash.replace(board, ''));
  }

  #note(text) {
    this.#compared = '';
    const note = document.createElement('p');
    note.className = 'check-note';
    note.textContent = text;
    this.querySelector('.compare-table-place').replaceChildren(note);
  }
}

customElements.define('hockeystick-compare', Compare);
