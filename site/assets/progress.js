// Which stages this reader has visited: kept in this browser, shown on the map and the ladder of the journey.
const KEY = 'hockeystick.visited';
// More than the journey has; what a stranger put there does not grow without bounds.
const MOST = 100;

// `01-single-server` of `/any/where/stages/01-single-server/`.
const stageOf = (path) => /\/stages\/([A-Za-z0-9-]+)\/(?:index\.html)?$/.exec(path)?.[1];

try {
  const text = localStorage.getItem(KEY) ?? '';
  const visited = new Set(text.split(/\s+/).filter(Boolean).slice(0, MOST));
  const here = stageOf(location.pathname);
  if (here && !visited.has(here) && visited.size < MOST) {
    visited.add(here);
    localStorage.setItem(KEY, [...visited].join(' '));
  }
  for (const link of document.querySelectorAll('.stages a[href], .ladder a[href]')) {
    if (!visited.has(stageOf(link.pathname))) continue;
    link.closest('li')?.classList.add('visited');
    const words = document.createElement('span');
    words.className = 'unseen';
    words.textContent = ' (visited)';
    link.append(words);
  }
} catch {
  // Storage is forbidden, or full: then there is no progress, and nothing else is lost.
}
