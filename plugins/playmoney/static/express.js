// Pays on the page itself: orders by the form around the button, lets the bank charge, goes on.

async function pay(form) {
  const sent = new URLSearchParams(new FormData(form));
  sent.set('provider', 'playmoney');
  sent.set('inline', '1');
  const answer = await fetch(form.getAttribute('action'), {
    method: 'POST', body: sent, headers: { Accept: 'application/json' },
  });
  if (answer.status === 422) return form.submit();
  const said = await answer.json();
  if (!answer.ok) throw new Error(said.detail);
  if (said.data.pay) {
    await fetch(said.data.pay, { method: 'POST', body: new URLSearchParams({ how: 'pay' }), redirect: 'manual' });
  }
  location.assign(said.address);
}

for (const piece of document.querySelectorAll('[data-playmoney]')) {
  const [button, words] = piece.children;
  piece.hidden = false;
  button.addEventListener('click', () => {
    button.disabled = true;
    words.textContent = '';
    pay(piece.closest('form')).catch((error) => {
      words.textContent = error.message;
      button.disabled = false;
    });
  });
}
