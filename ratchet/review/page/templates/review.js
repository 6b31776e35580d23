// Keys and sending without a new page load; every form works without this script, too. It holds no word of anyone.
'use strict';
(() => {
  const find = name => document.getElementById(name);
  const keys = find('keys');
  let busy = false, on = true;
  const say = words => { find('said').textContent = words; };

  function warn(words, link) {
    const old = document.querySelector('#desk .notice');
    if (old) old.remove();
    const notice = document.createElement('div'), text = document.createElement('p');
    notice.className = 'notice';
    notice.setAttribute('role', 'alert');
    text.textContent = words + ' ';
    if (link) {
      const go = document.createElement('a');
      go.href = link; go.target = '_blank'; go.rel = 'noopener'; go.textContent = 'Log in in another tab, then answer again.';
      text.append(go);
    }
    notice.append(text);
    find('desk').prepend(notice);
  }

  function show(page) {
    const desk = page.getElementById('desk');
    find('desk').replaceWith(document.adoptNode(desk));
    document.title = page.title;
    const focus = desk.querySelector('[data-focus]');
    if (focus) focus.focus({preventScroll: true});
    window.scrollTo(0, 0);
  }

  async function send(form, button) {
    if (busy) return;
    busy = true;
    const body = new URLSearchParams(new FormData(form, button));
    body.set('partial', '1');
    try {
      const reply = await fetch(button && button.hasAttribute('formaction') ? button.formAction : form.action,
        {method: 'POST', body, headers: {Accept: 'text/html'}, credentials: 'same-origin', redirect: 'error'});
      const page = new DOMParser().parseFromString(await reply.text(), 'text/html');
      if (reply.ok || reply.status === 409) {
        show(page);
        say(reply.ok ? 'Done. ' + find('place').textContent : '');
      } else {
        const notice = page.querySelector('.notice');
        warn('Not stored. ' + (notice ? notice.textContent.trim() : ''), reply.status === 401 ? '../../login' : '');
      }
    } catch {
      warn('Not stored: the gateway does not answer. What you typed is still here; answer again.');
    } finally {
      busy = false;
    }
  }

  document.addEventListener('submit', event => {
    if (!event.target.matches('[data-send]')) return;
    event.preventDefault();
    send(event.target, event.submitter);
  });

  document.addEventListener('keydown', event => {
    const at = event.target, typing = at.matches('input, textarea, select');
    if (event.key === 'Escape' && typing) { at.blur(); find('text')?.focus(); return; }
    if (!on || typing || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if ((event.key === ' ' || event.key === 'Enter') && at.matches('a, button, summary')) return;
    const mine = key => [...document.querySelectorAll('#desk [data-key]')].find(each => each.dataset.key === key);
    const goal = mine(event.key) || mine(event.key.toLowerCase());
    if (!goal) return;
    event.preventDefault();
    if (event.repeat) return;
    if (goal.matches('button')) goal.form.requestSubmit(goal);
    else if (goal.matches('summary')) {
      const help = goal.parentElement;
      help.open = !help.open;
      (help.open ? goal : find('text') || goal).focus();
    }
    else if (goal.matches('a')) goal.click();
    else goal.focus();
  });

  keys.hidden = false;
  keys.addEventListener('click', () => {
    on = !on;
    keys.setAttribute('aria-pressed', String(on));
    keys.textContent = 'Single keys: ' + (on ? 'on' : 'off');
  });
  const first = document.querySelector('[data-focus]');
  if (first) first.focus({preventScroll: true});
})();
