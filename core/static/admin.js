// The administration: a dialog that leads anywhere. Every page works without this file.

const dialog = document.getElementById('go');
const words = document.getElementById('go-words');
const links = [...dialog.querySelectorAll('li')];
const apple = /Mac|iPhone|iPad/.test(navigator.platform);

function plain(text) {
  return text.normalize('NFD').replace(/\p{M}/gu, '').toLowerCase();
}

function open() {
  words.value = '';
  sift();
  dialog.showModal();
}

function sift() {
  const wanted = plain(words.value).split(/\s+/);
  for (const link of links) {
    link.hidden = !wanted.every((word) => plain(link.textContent).includes(word));
  }
}

function shown() {
  return links.filter((link) => !link.hidden).map((link) => link.firstElementChild);
}

// Arrows walk through what is left; Enter in the field follows the first of it.
function walk(event) {
  const found = shown();
  const at = found.indexOf(document.activeElement);
  if (event.key === 'ArrowDown') found[at + 1]?.focus();
  else if (event.key === 'ArrowUp') (found[at - 1] ?? words).focus();
  else if (event.key === 'Enter' && document.activeElement === words && found.length) {
    found[0].click();
  } else return;
  event.preventDefault();
}

addEventListener('keydown', (event) => {
  if (event.key.toLowerCase() === 'k' && (event.ctrlKey || event.metaKey) && !event.altKey) {
    event.preventDefault();
    if (dialog.open) dialog.close();
    else open();
  }
});
words.addEventListener('input', sift);
dialog.addEventListener('keydown', walk);
dialog.addEventListener('click', (event) => {
  if (event.target === dialog) dialog.close();
});
// On a phone the fields of a list's filter are folded, unless something was chosen.
const filters = document.querySelector('.filters');
if (filters?.querySelectorAll('.filter').length > 2 && matchMedia('(max-width: 39.99rem)').matches) {
  const chosen = [...filters.elements].some((field) => field.name && field.value);
  const more = filters.querySelector('[data-more]');
  filters.classList.toggle('folded', !chosen);
  more.hidden = chosen;
  more.addEventListener('click', () => {
    filters.classList.remove('folded');
    more.hidden = true;
    filters.querySelector('.filter:nth-of-type(2) :is(input, select)').focus();
  });
}

for (const opener of document.querySelectorAll('[data-go]')) {
  const hint = opener.querySelector('kbd');
  if (apple) hint.textContent = '⌘ K';
  hint.hidden = false;
  opener.addEventListener('click', (event) => {
    event.preventDefault();
    open();
  });
}

// Settings that count only while others have certain values: `plugin.key=value plugin.other=on`.
for (const form of document.querySelectorAll('form.settings')) {
  const dependent = [...form.querySelectorAll('[data-visible-if]')];
  const stands = (field) => (field.type === 'checkbox' ? (field.checked ? 'on' : '') : field.value);
  const show = () => {
    for (const row of dependent) {
      row.hidden = !row.dataset.visibleIf.split(' ').every((pair) => {
        const [name, value] = pair.split('=');
        const field = form.elements.namedItem(name);
        return !field || stands(field) === value;
      });
    }
  };
  if (dependent.length) {
    form.addEventListener('input', show);
    show();
  }
}
