// What the pages sandbox, compare and check share: the page's end of the line to the scribe
// (`await desk.ask('open', name, bytes)`), files of the site, figures, and where what came of it is said.
import { programs, worker } from './programs.js';

// Only pages with a desk know of the scribe: a lesson's reader never loads it.
programs.scribe = {
  script: new URL('./scribe.js', import.meta.url),
  module: new URL('./hockeystick_scribe_bg.wasm', import.meta.url),
};

export class Desk {
  #line;
  #asked = new Map();
  #next = 0;

  // Asks one thing. The promise fails with a sentence for the reader.
  async ask(call, ...args) {
    this.#line ??= this.#open();
    const { made, ready } = this.#line;
    await ready;
    return new Promise((resolve, reject) => {
      const id = this.#next++;
      this.#asked.set(id, { resolve, reject });
      made.postMessage({ id, call, args });
    });
  }

  // Ends whatever it is at; the next question starts anew, with an empty desk.
  close() {
    this.#line?.made.terminate();
    this.#line = undefined;
    this.#asked.clear();
  }

  #open() {
    const made = worker('scribe');
    const ready = new Promise((resolve, reject) => {
      const fail = (why) => {
        const error = new Error(`The program that reads files stopped: ${why}. Try again, or reload the page.`);
        reject(error);
        for (const call of this.#asked.values()) call.reject(error);
        this.close();
      };
      made.onmessage = ({ data }) => {
        if (typeof data === 'string') return fail(data);
        if (data.id === 'ready') return resolve();
        const call = this.#asked.get(data.id);
        this.#asked.delete(data.id);
        if (data.error === undefined) call?.resolve(data.found);
        else call?.reject(new Error(data.error));
      };
      made.onerror = (event) => {
        event.preventDefault();
        fail(event.message);
      };
    });
    // Whoever asks hears of a failure; nobody else needs to.
    ready.catch(() => {});
    return { made, ready };
  }
}

// A file of the site, by its path from the top.
export const fetchFile = async (path) => {
  const url = new URL(`../../${path}`, import.meta.url);
  const answer = await fetch(url).catch((error) => {
    throw new Error(`${path} cannot be loaded (${error.message}). Is there a network?`);
  });
  if (!answer.ok) throw new Error(`${path} cannot be loaded: HTTP ${answer.status}.`);
  return answer;
};

// A figure of this data, ready to be put on the page.
export const figureOf = (data, attributes = {}) => {
  const figure = document.createElement('hockeystick-figure');
  figure.dataset.figure = data;
  Object.assign(figure.dataset, attributes);
  return figure;
};

// Says what came of what was asked of the page.
export const say = (page, text, wrong = false) => {
  const said = page.querySelector('.check-said');
  said.classList.toggle('wrong', wrong);
  said.textContent = text;
};
