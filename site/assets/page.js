// What runs on every page of the site.
import './progress.js';
import './offline.js';
