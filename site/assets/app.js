// The page's entry: loads the module, defines the custom elements, says so where they cannot run.
import init, { mount_challenge, mount_figure, mount_predict, start } from './hockeystick.js';

// The element that mounts itself when it is put on a page, and is freed when it is taken off for good.
const element = (mount) =>
  class extends HTMLElement {
    #mounted;

    connectedCallback() {
      if (this.#mounted) return;
      try {
        this.#mounted = mount(this);
      } catch (error) {
        say(this, `This figure cannot run: ${error.message ?? error}`);
      }
    }

    disconnectedCallback() {
      // Moving an element within the page disconnects it for a moment.
      queueMicrotask(() => {
        if (this.isConnected) return;
        this.#mounted?.free();
        this.#mounted = undefined;
      });
    }
  };

const say = (figure, text) => {
  const note = document.createElement('p');
  note.className = 'figure-note';
  note.setAttribute('role', 'status');
  note.textContent = text;
  figure.append(note);
};

const cannotRun = (why) => {
  document.documentElement.classList.add('no-figures');
  for (const figure of document.querySelectorAll('hockeystick-figure')) say(figure, why);
};

const worker = () => new Worker(new URL('./worker.js', import.meta.url), { type: 'module', name: 'simulation' });

if (typeof WebAssembly === 'undefined') {
  cannotRun('This browser has no WebAssembly, so the figure stands still. Everything in the text holds all the same.');
} else {
  try {
    await init();
    start(worker);
    customElements.define('hockeystick-figure', element(mount_figure));
    customElements.define('hockeystick-predict', element(mount_predict));
    customElements.define('hockeystick-challenge', element(mount_challenge));
  } catch (error) {
    cannotRun(`The simulation could not be loaded, so the figure stands still (${error.message ?? error}).`);
  }
}
