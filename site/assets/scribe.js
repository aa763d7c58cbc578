import init, { Desk } from './hockeystick_scribe.js';
import { listen } from './worker.js';

// One question at a time: the name of a call, what it takes, and what came of it.
listen(init, () => {
  const desk = new Desk();
  addEventListener('message', ({ data: { id, call, args } }) => {
    try {
      postMessage({ id, found: desk[call](...args) });
    } catch (error) {
      // A sentence for the reader is a string. Anything else means that the program itself failed.
      if (typeof error === 'string') postMessage({ id, error });
      else postMessage(`it failed: ${error.message ?? error}`);
    }
  });
  postMessage({ id: 'ready' });
});
