// The page Check: takes files, has them judged, shows what is found. Nothing leaves the browser.
import { Desk, fetchFile, figureOf, say } from './desk.js';

// Larger files are refused before they are read.
const BYTES_MAX = 64_000_000;

class Check extends HTMLElement {
  #desk = new Desk();
  // Counts what the reader asked for: an answer to an earlier question is not shown any more.
  #turn = 0;

  connectedCallback() {
    const input = this.#find('input[type="file"]');
    input.addEventListener('change', () => {
      this.#take([...input.files]);
      // The same file may be chosen again, after it has changed.
      input.value = '';
    });
    for (const button of this.querySelectorAll('[data-example]')) {
      button.addEventListener('click', () => this.#try(button.dataset.example));
    }
    const stage = this.#find('select');
    stage.addEventListener('change', () => stage.value && this.#against(stage.value, stage.selectedOptions[0].text));
    this.#acceptDrops();
    const asked = new URLSearchParams(location.search).get('stage');
    if (asked) {
      stage.value = asked;
      if (stage.value) stage.dispatchEvent(new Event('change'));
      else say(this, `There is no stage \`${asked}\`: choose one from the list.`, true);
    }
  }

  disconnectedCallback() {
    this.#desk.close();
  }

  #find(selector) {
    return this.querySelector(selector);
  }

  // A file may be dropped anywhere on the page: missing the box must not make the browser leave.
  #acceptDrops() {
    const box = this.#find('.check-drop');
    const lit = (on) => (event) => {
      event.preventDefault();
      box.classList.toggle('lit', on);
    };
    document.addEventListener('dragover', lit(true));
    document.addEventListener('dragleave', lit(false));
    document.addEventListener('drop', (event) => {
      lit(false)(event);
      this.#take([...event.dataTransfer.files]);
    });
  }

  async #take(files) {
    // What was dropped may be no file, such as words of the page.
    if (!files.length) return;
    await this.#work(async () => {
      for (const file of files) {
        if (file.size > BYTES_MAX) {
          throw new Error(`\`${file.name}\` is larger than 64 MB, too large for a page. \`loadgen check\` reads it.`);
        }
        say(this, `Reading ${file.name} …`);
        await this.#open(file.name, await file.arrayBuffer());
      }
    });
  }

  async #try(example) {
    await this.#work(async () => {
      say(this, 'Loading the example …');
      for (const name of ['RESULTS.json', 'FITTED.toml']) {
        const answer = await fetchFile(`measurements/${example}/${name}`);
        await this.#open(name, await answer.arrayBuffer());
      }
    });
  }

  async #against(slug, title) {
    await this.#work(async () => {
      const data = await (await fetchFile(`figures/${slug}/board.txt`)).text();
      await this.#desk.ask('take_figure', title, data);
    });
  }

  async #open(name, buffer) {
    const kind = await this.#desk.ask('open', name, new Uint8Array(buffer));
    if (kind === 'stage') this.#find('select').value = '';
  }

  // Does something that may fail, and then shows what is on the desk.
  async #work(act) {
    const turn = ++this.#turn;
    try {
      await act();
      if (turn === this.#turn) await this.#show(turn);
    } catch (error) {
      if (turn === this.#turn) say(this, error.message, true);
    }
  }

  async #show(turn) {
    const [about, place, found] = ['.check-about', '.check-figure', '.check-found'].map((it) => this.#find(it));
    about.innerHTML = await this.#desk.ask('measured');
    const figure = await this.#desk.ask('figure');
    place.replaceChildren();
    found.replaceChildren();
    if (!figure) {
      const missing = about.innerHTML ? 'Now the stage: drop its FITTED.toml, or choose one from the list.' : 'Now the measurement: drop RESULTS.json.';
      return say(this, missing);
    }
    place.append(figureOf(figure[0], { measured: figure[1] }));
    say(this, 'Judging: each step’s requests are simulated forty times …');
    for (;;) {
      const html = await this.#desk.ask('judge');
      if (turn !== this.#turn) return;
      if (html === undefined) break;
      found.innerHTML = html;
    }
    say(this, found.querySelector('.check-word')?.textContent ?? '');
  }
}

customElements.define('hockeystick-check', Check);
