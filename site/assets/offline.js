// After the first visit the site works without a network: see `sw.js` at its root.
if ('serviceWorker' in navigator) {
  const register = () => {
    // A browser that forbids it, or a host without encryption: then the site needs its network, and nothing else is lost.
    navigator.serviceWorker.register(new URL('../../sw.js', import.meta.url)).catch(() => {});
  };
  // It fetches what the page has fetched already; the page comes first.
  if (document.readyState === 'complete') register();
  else addEventListener('load', register, { once: true });
}
