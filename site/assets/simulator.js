import init, { start_worker } from './hockeystick_simulator.js';
import { listen } from './worker.js';

listen(init, start_worker);
