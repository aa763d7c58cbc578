// The reader's choice of light or dark, before the first paint; without one, the system's.
(() => {
  const root = document.documentElement;
  const key = 'hockeystick-theme';
  const wanted = () => {
    try {
      return localStorage.getItem(key);
    } catch {
      return null; // storage is forbidden: the choice lasts as long as the page
    }
  };
  const apply = (theme) => {
    if (theme === 'light' || theme === 'dark') root.dataset.theme = theme;
    else delete root.dataset.theme;
  };
  apply(wanted());

  const system = matchMedia('(prefers-color-scheme: dark)');
  const isDark = () => (root.dataset.theme ?? (system.matches ? 'dark' : 'light')) === 'dark';
  // Canvases cannot see a custom property change.
  const tell = () => root.dispatchEvent(new CustomEvent('themechange', { bubbles: true }));
  system.addEventListener('change', tell);
  // A page that comes back as it was left, or in another tab, has not seen the choice.
  const again = () => {
    apply(wanted());
    tell();
  };
  addEventListener('pageshow', ({ persisted }) => persisted && again());
  addEventListener('storage', ({ key: changed }) => changed === key && again());

  document.addEventListener('DOMContentLoaded', () => {
    const button = document.querySelector('.theme');
    if (!button) return;
    const label = () => {
      const other = isDark() ? 'light' : 'dark';
      button.setAttribute('aria-label', `Use the ${other} theme`);
      button.title = `Use the ${other} theme`;
    };
    button.hidden = false;
    label();
    button.addEventListener('click', () => {
      const next = isDark() ? 'light' : 'dark';
      // A choice that is the system's own is no choice: the page follows the system again.
      const choice = (next === 'dark') === system.matches ? null : next;
      apply(choice);
      try {
        if (choice) localStorage.setItem(key, choice);
        else localStorage.removeItem(key);
      } catch {
        // As above.
      }
      tell();
    });
    root.addEventListener('themechange', label);
  });
})();
