// The page's entry: loads the modules, defines the custom elements, says so where they cannot run.
import init, { mount_challenge, mount_figure, mount_predict, start } from './hockeystick_site.js';

const at = (path) => new URL(path, import.meta.url);

// A module, compiled while it comes, or after it where the host does not say what it is.
const compile = async (url) => {
  const answer = await fetch(url);
  if (!answer.ok) throw new Error(`${url.pathname}: HTTP ${answer.status}`);
  const isNamed = answer.headers.get('Content-Type')?.startsWith('application/wasm');
  return isNamed ? WebAssembly.compileStreaming(answer) : WebAssembly.compile(await answer.arrayBuffer());
};

// The programs of the workers. A module is loaded once, whoever needs it first, and compiled for all.
const programs = {
  simulator: { script: at('./simulator.js'), module: at('./hockeystick_simulator_bg.wasm') },
  theorist: { script: at('./theorist.js'), module: at('./hockeystick_theorist_bg.wasm') },
};

const load = (name) => {
  const program = programs[name];
  program.loaded ??= compile(program.module).catch((error) => {
    // Whoever tries again has another chance.
    program.loaded = undefined;
    throw error;
  });
  return program.loaded;
};

const worker = (name) => {
  const made = new Worker(programs[name].script, { type: 'module', name });
  load(name).then(
    (module) => made.postMessage(module),
    (error) => made.dispatchEvent(new ErrorEvent('error', { message: `it cannot be loaded (${error.message ?? error})` })),
  );
  return made;
};

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

if (typeof WebAssembly === 'undefined') {
  cannotRun('This browser has no WebAssembly, so the figure stands still. Everything in the text holds all the same.');
} else {
  try {
    // Any figure needs it in a moment: it comes beside the page's own module, not after it. A failure is told then.
    load('simulator').catch(() => {});
    await init();
    start(worker);
    customElements.define('hockeystick-figure', element(mount_figure));
    customElements.define('hockeystick-predict', element(mount_predict));
    customElements.define('hockeystick-challenge', element(mount_challenge));
  } catch (error) {
    cannotRun(`The simulation could not be loaded, so the figure stands still (${error.message ?? error}).`);
  }
}
