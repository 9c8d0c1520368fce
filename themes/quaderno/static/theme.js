// Quaderno: small comforts. Every page works without this file.

const store = 'scheme';
const TRIES = 30;
const PAUSE = 2000;

function remembered() {
  try {
    return localStorage.getItem(store) ?? '';
  } catch {
    return '';
  }
}

function paint(scheme) {
  if (scheme) document.documentElement.dataset.scheme = scheme;
  else delete document.documentElement.dataset.scheme;
}

// Light, dark, or what the device says.
function offerSchemes() {
  const choice = document.querySelector('.scheme select');
  if (!choice) return;
  choice.value = remembered();
  choice.addEventListener('change', () => {
    paint(choice.value);
    try {
      localStorage.setItem(store, choice.value);
    } catch {
      // Without storage the choice holds for this page.
    }
  });
  choice.closest('.scheme').hidden = false;
}

// The bar leads to the panel, so it hides while the panel is in view.
function watchPanel() {
  const bar = document.querySelector('.bar');
  const panel = document.getElementById('open');
  if (!bar || !panel) return;
  new IntersectionObserver(([entry]) => {
    bar.hidden = entry.isIntersecting;
  }).observe(panel);
}

// A form is sent once; its button keeps its width and says that it is at work. One that is answered
// by a file leaves its page where it is, so it may be sent again.
function sendOnce() {
  document.addEventListener('submit', (event) => {
    const form = event.target;
    if (form.method !== 'post' || 'file' in form.dataset) return;
    if (form.querySelector('[aria-busy="true"]')) {
      event.preventDefault();
      return;
    }
    (event.submitter ?? form.querySelector('button'))?.setAttribute('aria-busy', 'true');
  });
  addEventListener('pageshow', () => {
    for (const button of document.querySelectorAll('form [aria-busy="true"]')) {
      button.removeAttribute('aria-busy');
    }
  });
}

// Whoever comes back from paying reads on from the receipt line.
function focusReceipt() {
  if (location.hash === '#opened') {
    document.getElementById('opened')?.focus({ preventScroll: true });
  }
}

// While the bank has the last word, ask the page itself whether that is over.
function awaitBank() {
  const order = document.querySelector('[data-waiting]');
  if (!order) return;
  const status = order.querySelector('[role="status"]');
  let tries = 0;

  async function ask() {
    tries += 1;
    try {
      const answer = await fetch(location.pathname, { cache: 'no-store', redirect: 'manual' });
      if (answer.type === 'opaqueredirect') return goOn(order.dataset.paid);
      const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
      if (answer.ok && !page.querySelector('[data-waiting]')) {
        return goOn(page.querySelector('h1')?.textContent);
      }
    } catch {
      // No connection just now: the next try may have one.
    }
    if (tries < TRIES) setTimeout(ask, PAUSE);
    else status.textContent = order.dataset.late;
  }

  function goOn(words) {
    if (words) status.textContent = words;
    location.replace(location.pathname);
  }

  setTimeout(ask, PAUSE);
}

function start() {
  offerSchemes();
  watchPanel();
  sendOnce();
  focusReceipt();
  awaitBank();
}

paint(remembered());
if (document.readyState === 'loading') addEventListener('DOMContentLoaded', start);
else start();
