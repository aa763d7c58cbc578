import init, { start_simulator } from './hockeystick_site.js';
import { listen } from './worker.js';

listen(init, start_simulator);
