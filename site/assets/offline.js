// After the first visit the site works without a network: see `sw.js` at its root.

// It fetches the whole site. The page comes first, and its figures: on a slow machine they start while it loads, and after.
const AFTER_LOAD_MS = 2000;

if ('serviceWorker' in navigator) {
  const register = () => {
    // A browser that forbids it, or a host without encryption: then the site needs its network, and nothing else is lost.
    navigator.serviceWorker.register(new URL('../../sw.js', import.meta.url)).catch(() => {});
  };
  const later = () => setTimeout(register, AFTER_LOAD_MS);
  if (document.readyState === 'complete') later();
  else addEventListener('load', later, { once: true });
}
