// Runs before the first paint: see vite.config.ts. `theme.ts` changes what is decided here.
(function () {
  var chosen = null;
  try {
    chosen = localStorage.getItem('api-analytics.theme');
  } catch (_) {
    // Storage may be closed to us: then the system decides.
  }
  var dark = chosen === 'dark' || (chosen !== 'light' && matchMedia('(prefers-color-scheme: dark)').matches);
  document.documentElement.dataset.theme = dark ? 'dark' : 'light';
})();
