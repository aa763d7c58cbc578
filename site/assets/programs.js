// The programs of the page and its workers: each module is loaded and compiled once, whoever needs it first.

const at = (path) => new URL(path, import.meta.url);

// A module, compiled while it comes, or after it where the host does not say what it is.
const compile = async (url) => {
  const answer = await fetch(url);
  if (!answer.ok) throw new Error(`${url.pathname}: HTTP ${answer.status}`);
  const isNamed = answer.headers.get('Content-Type')?.startsWith('application/wasm');
  return isNamed ? WebAssembly.compileStreaming(answer) : WebAssembly.compile(await answer.arrayBuffer());
};

// A script may add programs of its own.
export const programs = {
  // The page and the simulator are one module: they share what they both know of a stage.
  simulator: { script: at('./simulator.js'), module: at('./hockeystick_site_bg.wasm') },
  theorist: { script: at('./theorist.js'), module: at('./hockeystick_theorist_bg.wasm') },
};

export const load = (name) => {
  const program = programs[name];
  program.loaded ??= compile(program.module).catch((error) => {
    // Whoever tries again has another chance.
    program.loaded = undefined;
    throw error;
  });
  return program.loaded;
};

const create = (name) => new Worker(programs[name].script, { type: 'module', name });

// Workers that stand ready.
const ready = new Map();

// Has a worker load its script while something else is done: whoever asks for one next gets it. It says nothing before it
// has its module, so nothing is lost until somebody listens.
export const prepare = (name) => {
  const made = create(name);
  // Whoever asks starts another, and hears why it cannot start.
  made.onerror = () => ready.delete(name);
  ready.set(name, made);
};

export const worker = (name) => {
  const made = ready.get(name) ?? create(name);
  ready.delete(name);
  load(name).then(
    (module) => made.postMessage(module),
    (error) => made.dispatchEvent(new ErrorEvent('error', { message: `it cannot be loaded (${error.message ?? error})` })),
  );
  return made;
};
