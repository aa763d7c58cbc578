// Which stages this reader has visited, and whose tasks are done: kept in this browser, shown on the map and the ladder.
const VISITED = 'hockeystick.visited';
const DONE = 'hockeystick.done';
// More than the journey has; what a stranger put there does not grow without bounds.
const MOST = 100;

// `01-single-server` of `/any/where/stages/01-single-server/`.
const stageOf = (path) => /\/stages\/([A-Za-z0-9-]+)\/(?:index\.html)?$/.exec(path)?.[1];
const read = (key) => new Set((localStorage.getItem(key) ?? '').split(/\s+/).filter(Boolean).slice(0, MOST));
const add = (key, stage) => {
  const kept = read(key);
  if (kept.has(stage) || kept.size >= MOST) return;
  localStorage.setItem(key, [...kept.add(stage)].join(' '));
};

const show = () => {
  const visited = read(VISITED);
  const done = read(DONE);
  for (const link of document.querySelectorAll('.stages a[href], .ladder a[href]')) {
    const stage = stageOf(link.pathname);
    const state = done.has(stage) ? 'done' : visited.has(stage) ? 'visited' : '';
    const item = link.closest('li');
    item?.classList.toggle('visited', state !== '');
    item?.classList.toggle('solved', state === 'done');
    link.querySelector('.unseen')?.remove();
    if (!state) continue;
    const words = document.createElement('span');
    words.className = 'unseen';
    words.textContent = state === 'done' ? ' (challenge met)' : ' (visited)';
    link.append(words);
  }
  for (const mark of document.querySelectorAll('.users-curve [data-stage]')) {
    mark.classList.toggle('visited', visited.has(mark.dataset.stage));
  }
  const progress = document.querySelector('.progress');
  if (!progress) return;
  const links = [...document.querySelectorAll('.stages h2 a')];
  const next = links.find((link) => !visited.has(stageOf(link.pathname)));
  const count = links.filter((link) => visited.has(stageOf(link.pathname))).length;
  const met = links.filter((link) => done.has(stageOf(link.pathname))).length;
  progress.hidden = count === 0;
  progress.querySelector('.so-far').textContent = `You have seen ${count} of ${links.length} stages and met ${met} of their challenges.`;
  const on = progress.querySelector('.go-on');
  on.hidden = !next;
  if (next) {
    on.href = next.href;
    on.textContent = `Go on: ${next.firstChild.textContent}`;
  }
};

try {
  const here = stageOf(location.pathname);
  if (here) {
    add(VISITED, here);
    // A task says itself when it is met.
    for (const task of document.querySelectorAll('hockeystick-challenge')) {
      new MutationObserver(() => {
        if (task.dataset.verdict === 'yes') add(DONE, here);
      }).observe(task, { attributeFilter: ['data-verdict'] });
    }
  }
  show();
  // A page that comes back as it was left has not seen what was read meanwhile.
  addEventListener('pageshow', ({ persisted }) => persisted && show());
  document.querySelector('.progress .forget')?.addEventListener('click', () => {
    localStorage.removeItem(VISITED);
    localStorage.removeItem(DONE);
    show();
    document.querySelector('h1')?.focus();
  });
} catch {
  // Storage is forbidden, or full: then there is no progress, and nothing else is lost.
}
