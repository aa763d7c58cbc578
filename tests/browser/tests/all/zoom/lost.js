// What a reader of this page cannot read or reach: text that is cut off, what is out of the window with no way to scroll
// there, and controls or cards that lie on one another. What a list that scrolls sideways holds can be reached. What is on
// a board has the board's own zoom; it must only not lie on one another.
(() => {
  const found = new Set();
  const told = (it) => `${it.tagName.toLowerCase()}.${it.getAttribute('class') ?? ''} “${it.textContent.trim().slice(0, 40)}”`;
  const style = (it) => getComputedStyle(it);
  const isThere = (it) =>
    it.checkVisibility({ visibilityProperty: true, opacityProperty: true }) && !it.closest('.unseen, .visually-hidden');
  const scrolls = (it) => it && (['auto', 'scroll'].includes(style(it).overflowX) || scrolls(it.parentElement));
  const holdsText = (it) => [...it.childNodes].some((child) => child.nodeType === Node.TEXT_NODE && child.data.trim());
  // The part of an element that whoever holds it does not hide.
  const seen = (it) => {
    let { left, right, top, bottom } = it.getBoundingClientRect();
    for (let around = it.parentElement; around; around = around.parentElement) {
      if (style(around).overflowX === 'visible') continue;
      const box = around.getBoundingClientRect();
      [left, right] = [Math.max(left, box.left), Math.min(right, box.right)];
      [top, bottom] = [Math.max(top, box.top), Math.min(bottom, box.bottom)];
    }
    return { left, right, top, bottom };
  };
  const cross = (a, b) =>
    Math.min(a.right, b.right) - Math.max(a.left, b.left) > 2 && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 2;
  const tellOfPairs = (things) => {
    const boxes = things.map(seen);
    things.forEach((a, i) => {
      for (let j = i + 1; j < things.length; j++) {
        const b = things[j];
        if (!a.contains(b) && !b.contains(a) && cross(boxes[i], boxes[j])) found.add(`${told(a)} lies on ${told(b)}`);
      }
    });
  };

  const all = [...document.body.querySelectorAll('*')].filter((it) => !it.closest('.world, svg, option') && isThere(it));
  for (const it of all) {
    const box = it.getBoundingClientRect();
    if (box.width < 2 || box.height < 2 || scrolls(it)) continue;
    const isCut = holdsText(it) && style(it).overflowX !== 'visible' && it.scrollWidth > it.clientWidth + 1;
    if (isCut) found.add(`cut off: ${told(it)}`);
    if (box.right > innerWidth + 1) found.add(`out of the window: ${told(it)}`);
  }
  // A link within a line of text may be broken over two: its box is not where it is.
  tellOfPairs(all.filter((it) => it.matches('a, button, input, select, summary, textarea') && !it.closest('p, li, dd, td')));
  for (const world of document.querySelectorAll('.world')) tellOfPairs([...world.querySelectorAll(':scope > .card, .machine-head')]);
  return [...found];
})();
