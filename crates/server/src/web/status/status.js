// Shows times in the visitor's own zone, and refreshes the page once a minute. The page can be read without either.
(() => {
  const locale = navigator.language;
  const clock = new Intl.DateTimeFormat(locale, { hour: '2-digit', minute: '2-digit' });
  const moment = new Intl.DateTimeFormat(locale, { day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit' });
  const day = new Intl.DateTimeFormat(locale, { day: 'numeric', month: 'short' });

  function localise() {
    const today = new Date().toDateString();
    for (const element of document.querySelectorAll('time')) {
      const at = new Date(element.dateTime);
      const format = 'day' in element.dataset ? day : at.toDateString() === today ? clock : moment;
      element.textContent = format.format(at);
      element.title = at.toLocaleString(locale);
    }
    for (const element of document.querySelectorAll('[data-zone]')) {
      element.textContent = Intl.DateTimeFormat().resolvedOptions().timeZone ?? 'UTC';
    }
  }

  async function look() {
    if (document.hidden || document.querySelector('details[open]')) return;
    const answer = await fetch(location.pathname).catch(() => null);
    if (!answer?.ok) return;
    const main = new DOMParser().parseFromString(await answer.text(), 'text/html').querySelector('main');
    const shown = document.querySelector('main');
    if (!main || !shown || shown.contains(document.activeElement)) return;
    shown.replaceWith(main);
    localise();
  }

  localise();
  setInterval(look, 60_000);
})();
