// Passkeys: ask the browser to make or show one, and send what it answers with the form.

const OPTIONS = {
  make: (options) => ({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(options) }),
  show: (options) => ({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(options) }),
};

function isPossible() {
  return Boolean(globalThis.PublicKeyCredential?.parseRequestOptionsFromJSON);
}

async function answer(form) {
  const kind = form.dataset.passkey;
  const asked = await fetch(form.dataset.options, {
    method: 'POST',
    headers: { Accept: 'application/json' },
    body: new FormData(form),
  });
  if (!asked.ok) throw new Error(`the site answered ${asked.status}`);
  const options = OPTIONS[kind](await asked.json());
  const credential = kind === 'make'
    ? await navigator.credentials.create(options)
    : await navigator.credentials.get(options);
  return JSON.stringify(credential.toJSON());
}

async function send(event) {
  const form = event.currentTarget;
  const field = form.elements.credential;
  if (field.value) return;
  event.preventDefault();
  const failed = form.querySelector('[data-failed]');
  failed.hidden = true;
  try {
    field.value = await answer(form);
  } catch {
    failed.textContent = failed.dataset.failed;
    failed.hidden = false;
  }
  // A theme lets no busy form be sent again.
  form.querySelector('[aria-busy]')?.removeAttribute('aria-busy');
  if (field.value) form.requestSubmit();
}

if (isPossible()) {
  for (const form of document.querySelectorAll('form[data-passkey]')) {
    form.hidden = false;
    form.addEventListener('submit', send);
  }
}
