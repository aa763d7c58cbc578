// Reloads the page when the server tells of another build than before. A stream that ends and begins again tells of the same.
const events = new EventSource("/__live/events");
let seen;
events.onmessage = ({ data }) => {
  seen ??= data;
  if (data !== seen) location.reload();
};
