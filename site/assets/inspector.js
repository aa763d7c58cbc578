// What a figure's inspector says of a kind of component: the words of the kind's own page, which is fetched when they are
// first asked for. So no lesson carries the words of every kind, and there is one place where they stand.
const pages = new Map();

const address = (kind) => new URL(`../../model/${kind}/`, import.meta.url);

const read = async (kind) => {
  const answer = await fetch(address(kind));
  if (!answer.ok) throw new Error(`HTTP ${answer.status}`);
  return new DOMParser().parseFromString(await answer.text(), 'text/html');
};

// Fills the empty slots in `panel`: each names, as a selector, what of the page goes there.
const tell = async (panel, kind) => {
  const slots = [...panel.querySelectorAll('[data-told]')];
  try {
    if (!pages.has(kind)) pages.set(kind, read(kind));
    const page = await pages.get(kind);
    for (const slot of slots) {
      const found = page.querySelector(slot.dataset.told);
      slot.replaceChildren(...(found ? document.importNode(found, true).childNodes : []));
    }
  } catch (error) {
    // Whoever asks again has another chance.
    pages.delete(kind);
    const link = document.createElement('a');
    link.href = address(kind).href;
    link.textContent = 'a page of its own';
    slots[0]?.replaceChildren(
      'What this is, what it leaves out and what its numbers mean stands on ', link,
      `, which could not be loaded (${error.message ?? error}). The knobs below work all the same.`,
    );
  }
  panel.classList.add('told');
};

// On a phone the inspector is a sheet at the bottom of the screen, in the browser's top layer: no box around the figure can
// clip it, and nothing moves that was there. A browser that has none shows it below the board.
const phone = matchMedia('(max-width: 640px)');

const arrange = (panel) => {
  const isSheet = phone.matches && 'popover' in panel;
  if (isSheet === panel.hasAttribute('popover')) return;
  if (isSheet) {
    panel.popover = 'manual';
    panel.showPopover();
  } else {
    panel.removeAttribute('popover');
  }
};

phone.addEventListener('change', () => document.querySelectorAll('.inspector').forEach(arrange));

// What was touched stays in sight, above the sheet.
const reveal = (panel) => {
  const thing = panel.closest('hockeystick-figure').querySelector('.card.chosen, .machine.chosen, .arrow.chosen');
  if (!thing || !panel.hasAttribute('popover')) return;
  const { top, bottom } = thing.getBoundingClientRect();
  const room = innerHeight - panel.offsetHeight;
  const below = bottom + 16 - room;
  if (below > 0) scrollBy(0, Math.min(below, top - 8));
  else if (top < 8) scrollBy(0, top - 8);
};

// A finger that draws the sheet down by its head closes it.
const AWAY_PX = 70;
const drawn = (panel) => {
  const [head, close] = [panel.querySelector('header'), panel.querySelector('header button')];
  let from;
  head.addEventListener('pointerdown', (event) => {
    if (!panel.hasAttribute('popover') || event.target.closest('button')) return;
    from = event.clientY;
    head.setPointerCapture(event.pointerId);
  });
  head.addEventListener('pointermove', ({ clientY }) => {
    if (from !== undefined) panel.style.translate = `0 ${Math.max(0, clientY - from)}px`;
  });
  for (const end of ['pointerup', 'pointercancel']) {
    head.addEventListener(end, ({ clientY }) => {
      const isAway = end === 'pointerup' && clientY - from > AWAY_PX;
      from = undefined;
      panel.style.translate = '';
      if (isAway) close.click();
    });
  }
};

// Who gives a component another name by keyboard goes on where they are: in the panel that takes this one's place.
let isNaming = false;
const named = (panel) => {
  if (isNaming) queueMicrotask(() => panel.querySelector('.name').focus());
  panel.addEventListener('keydown', ({ key, target }) => {
    isNaming = target.matches('.name') && ['Enter', 'Tab'].includes(key);
    setTimeout(() => { isNaming = false; });
  }, true);
};

// A panel was made, of a thing of this kind where it has one. It comes into the page in the same task.
export const inspect = (panel, kind) => {
  if (kind) tell(panel, kind);
  drawn(panel);
  named(panel);
  requestAnimationFrame(() => {
    if (!panel.isConnected) return;
    arrange(panel);
    reveal(panel);
    if ('toBreak' in panel.dataset) panel.querySelector('.breaks button')?.focus();
    else if (panel.hasAttribute('popover')) panel.focus({ preventScroll: true });
  });
};
