// The page's entry: loads the modules, defines the custom elements, says so where they cannot run.
import init, { mount_challenge, mount_figure, mount_predict, start } from './hockeystick_site.js';
import { load, prepare, worker } from './programs.js';

// The module is fetched and compiled while the browser reads the page; the figures wait until it is read, for a question or
// a number in a sentence may stand anywhere. This script runs early, and others of the page may run after it.
const isRead = new Promise((done) => {
  if (document.readyState === 'loading') document.addEventListener('DOMContentLoaded', done, { once: true });
  else done();
});

// An address with a board may be opened where its page is open already. A place on the page is named without a `=`.
addEventListener('hashchange', () => location.hash.includes('=') && location.reload());

// Set while the elements that came with the page are made. What the reader does not see yet is mounted when the page is
// idle, one a task: six figures at once would hold up the first.
let opening = false;
const waiting = [];
const whenIdle = window.requestIdleCallback ?? ((call) => setTimeout(call, 30));

const mountWaiting = () => {
  if (waiting.length === 0) return;
  const next = () => {
    waiting.shift().mount();
    mountWaiting();
  };
  whenIdle(next, { timeout: 200 });
};

const isSeen = (element) => {
  const { top, bottom } = element.getBoundingClientRect();
  return top < window.innerHeight && bottom > 0;
};

// The element that mounts itself when it is put on a page, and is freed when it is taken off for good.
const element = (mount) =>
  class extends HTMLElement {
    #mounted;

    // What drives it, while it is on the page: of a figure, `MountedFigure`.
    get mounted() {
      return this.#mounted;
    }

    connectedCallback() {
      if (opening && !isSeen(this)) waiting.push(this);
      else this.mount();
    }

    mount() {
      if (this.#mounted || !this.isConnected) return;
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

// No figure needs it to open: it comes when the page is idle, or with the first inspector. Without it that has its knobs.
let inspector;
const loadInspector = async () => {
  inspector ??= await import('./inspector.js');
};
// Once it is there it hears of a panel in the same task, as it must to move the focus.
const inspect = (...panel) => (inspector ? inspector.inspect(...panel) : loadInspector().then(() => inspect(...panel), () => {}));

const cannotRun = async (why) => {
  await isRead;
  document.documentElement.classList.add('no-figures');
  for (const figure of document.querySelectorAll('hockeystick-figure')) say(figure, why);
};

if (typeof WebAssembly === 'undefined') {
  cannotRun('This browser has no WebAssembly, so the figure stands still. Everything in the text holds all the same.');
} else {
  try {
    await init({ module_or_path: await load('simulator') });
    await isRead;
    start(worker, inspect);
    // It starts while the figure is made that will ask for it.
    if ([...document.querySelectorAll('hockeystick-figure')].some(isSeen)) prepare('simulator');
    opening = true;
    customElements.define('hockeystick-figure', element(mount_figure));
    customElements.define('hockeystick-predict', element(mount_predict));
    customElements.define('hockeystick-challenge', element(mount_challenge));
    opening = false;
    mountWaiting();
    whenIdle(() => loadInspector().catch(() => {}));
  } catch (error) {
    cannotRun(`The simulation could not be loaded, so the figure stands still (${error.message ?? error}).`);
  }
}
