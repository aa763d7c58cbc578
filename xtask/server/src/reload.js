// Reloads the page when the server announces a build, and when it comes back after a restart.
const events = new EventSource("/__live/events");
let lost = false;
events.onmessage = () => location.reload();
events.onerror = () => (lost = true);
events.onopen = () => lost && location.reload();
