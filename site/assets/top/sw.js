// The site without a network, after the first visit. The build fills in its id and what there is to keep.
//
// A page comes from the network while there is one, so nobody reads yesterday's. What it loads lies below
// `assets/BUILD_ID/` and never changes: that comes from the cache. So a page and its programs are always of one build.
// A new build waits until no page of the old one is open, and only then clears what the old one kept. Until then its pages
// are shown and not kept: a cache holds one build, and without a network that build is whole. Data does not say of which
// build it is, and an old program may not read what is newer: figures are kept with the programs, measurements are not.
const CACHE = 'hockeystick-{{build}}';
const ASSETS = {{assets}};
const PAGES = {{pages}};
const FIGURES = {{figures}};
// Longer than this for a page is as good as no network, where the page was kept.
const PATIENCE_MS = 4000;

const root = new URL('./', location);
const at = (path) => new URL(path, root).href;

const own = async (url) => (await caches.open(CACHE)).match(url);

const remember = async (request, answer) => {
  // A redirect cannot be shown again from a cache, and an error should not be.
  if (!answer.ok || answer.redirected || answer.type !== 'basic') return;
  const cache = await caches.open(CACHE);
  await cache.put(request, answer);
};

// A page of another build would ask for programs that are not in this cache.
const rememberPage = async (request, answer) => {
  if ((await answer.clone().text()).includes('assets/{{build}}/')) await remember(request, answer);
};

const keep = (how) => async (path) => how(at(path), await fetch(at(path), { cache: 'no-cache' }));

addEventListener('install', (event) => {
  event.waitUntil(
    caches.open(CACHE).then(async (cache) => {
      // Without its programs there is nothing to offer offline: then the next visit tries again.
      await cache.addAll(ASSETS.map(at));
      // One file that is missing must not lose the others.
      await Promise.allSettled([...PAGES.map(keep(rememberPage)), ...FIGURES.map(keep(remember))]);
    }),
  );
});

addEventListener('activate', (event) => {
  const isOld = (name) => name.startsWith('hockeystick-') && name !== CACHE;
  event.waitUntil(caches.keys().then((names) => Promise.all(names.filter(isOld).map((name) => caches.delete(name)))));
});

const asset = async (request) => {
  // Of whichever build: a page that came from the network may be of the next one.
  const kept = await caches.match(request);
  if (kept) return kept;
  const answer = await fetch(request);
  if (request.url.startsWith(at('assets/{{build}}/'))) await remember(request, answer.clone());
  return answer;
};

// `stages`, `stages/` and `stages/index.html` are one page, whatever question its address asks.
const page = (url) => {
  const plain = new URL(url);
  plain.search = '';
  plain.hash = '';
  plain.pathname = plain.pathname.replace(/index\.html$/, '').replace(/\/([^/.]+)$/, '/$1/');
  return plain.href;
};

const fresh = async (request, event) => {
  const kept = own(page(request.url));
  const answer = fetch(request);
  answer.then((answer) => event.waitUntil(rememberPage(page(request.url), answer.clone())), () => {});
  const late = new Promise((done) => setTimeout(done, PATIENCE_MS)).then(async () => (await kept) ?? answer);
  try {
    return await Promise.race([answer, late]);
  } catch (error) {
    const instead = (await kept) ?? (request.mode === 'navigate' && (await own(at('offline.html'))));
    if (instead) return instead;
    throw error;
  }
};

addEventListener('fetch', (event) => {
  const { request } = event;
  if (request.method !== 'GET' || !request.url.startsWith(root.href)) return;
  // The stream by which `serve --watch` reloads a page does not end: here it would, with this worker.
  if (request.url.startsWith(at('__live/'))) return;
  const isAsset = request.url.startsWith(at('assets/'));
  event.respondWith(isAsset ? asset(request) : fresh(request, event));
});
