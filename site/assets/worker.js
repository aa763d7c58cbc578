// The worker's entry. The first message is the page's own module, compiled already.
import init, { start_worker } from './hockeystick.js';

addEventListener(
  'message',
  async ({ data }) => {
    try {
      await init({ module_or_path: data });
      start_worker();
    } catch (error) {
      postMessage(`the simulation cannot start: ${error.message ?? error}`);
    }
  },
  { once: true },
);
