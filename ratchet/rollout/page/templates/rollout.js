// Refreshes the page while nobody types and somebody looks; it works without this script, too. It holds no word of anyone.
'use strict';
(() => {
  const EVERY_MS = 5000;
  const typing = () => [...document.querySelectorAll('input[type=text]')].some(each => each.value || each === document.activeElement);

  const warn = () => { const sign = document.getElementById('stale'); if (sign) sign.hidden = false; };

  async function refresh() {
    if (document.hidden || typing()) return;
    let page;
    try {
      const reply = await fetch(location.pathname, {headers: {Accept: 'text/html'}, credentials: 'same-origin', cache: 'no-store'});
      if (!reply.ok) { warn(); return; }
      page = new DOMParser().parseFromString(await reply.text(), 'text/html');
    } catch {
      warn();  // the gateway restarts: what stands here stays, and the next turn tries again
      return;
    }
    const fresh = page.querySelector('main');
    if (!fresh || typing() || window.getSelection().toString()) return;
    document.querySelector('main').replaceWith(document.adoptNode(fresh));
    document.title = page.title;
  }
  setInterval(refresh, EVERY_MS);
})();
