import init, { start_worker } from './hockeystick_theorist.js';
import { listen } from './worker.js';

listen(init, start_worker);
