// The editor: a toolbar, an insert menu at the cursor, and a copy kept while somebody types.
// The textarea is the truth: every page works without this file.

const form = document.getElementById('editor');
const text = document.getElementById('f-body');
const status = document.getElementById('kept');
const PAUSE = 1500;

// Put words where the cursor is, so that the browser's own undo knows of it.
function put(words, from = text.selectionStart, to = text.selectionEnd) {
  text.focus();
  text.setSelectionRange(from, to);
  if (!document.execCommand('insertText', false, words)) text.setRangeText(words, from, to, 'end');
  text.dispatchEvent(new Event('input', { bubbles: true }));
}

function chosen() {
  return text.value.slice(text.selectionStart, text.selectionEnd);
}

function around(mark) {
  const [from, words] = [text.selectionStart, chosen()];
  put(`${mark}${words}${mark}`);
  text.setSelectionRange(from + mark.length, from + mark.length + words.length);
}

function link() {
  const [from, words] = [text.selectionStart, chosen()];
  put(`[${words}](https://)`);
  const start = words ? from + words.length + 3 : from + 1;
  text.setSelectionRange(start, words ? start + 8 : start);
}

// Begin each chosen line so, or no longer when all of them do.
function lines(beginning) {
  const from = text.value.lastIndexOf('\n', text.selectionStart - 1) + 1;
  const end = text.value.indexOf('\n', text.selectionEnd);
  const to = end < 0 ? text.value.length : end;
  const rows = text.value.slice(from, to).split('\n');
  const all = rows.every((row) => row.startsWith(beginning));
  const made = rows.map((row) => (all ? row.slice(beginning.length) : beginning + row)).join('\n');
  put(made, from, to);
}

// A line of its own, with an empty one before and after it.
function alone(line) {
  const before = text.value.slice(0, text.selectionStart);
  const after = text.value.slice(text.selectionEnd);
  const above = before === '' || before.endsWith('\n\n') ? '' : before.endsWith('\n') ? '\n' : '\n\n';
  const below = after.startsWith('\n\n') ? '' : after.startsWith('\n') ? '\n' : '\n\n';
  put(`${above}${line}${below}`);
}

function offerToolbar() {
  const bar = form.querySelector('.toolbar');
  const buttons = [...bar.querySelectorAll('button')];
  bar.hidden = false;
  bar.addEventListener('click', (event) => {
    const button = event.target.closest('button');
    if (!button) return;
    if (button.dataset.mark) around(button.dataset.mark);
    else if (button.dataset.line) lines(button.dataset.line);
    else if (button.dataset.alone) alone(button.dataset.alone);
    else link();
  });
  bar.addEventListener('keydown', (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    const at = buttons.indexOf(document.activeElement) + step;
    buttons[(at + buttons.length) % buttons.length].focus();
    event.preventDefault();
  });
  text.addEventListener('keydown', (event) => {
    if (!(event.ctrlKey || event.metaKey) || event.altKey || event.shiftKey) return;
    const act = { b: () => around('**'), i: () => around('*'), l: link }[event.key.toLowerCase()];
    if (!act) return;
    event.preventDefault();
    act();
  });
}

function quoted(words) {
  const plain = words.replaceAll('"', '”');
  return /[\s}]/.test(plain) ? `"${plain}"` : plain;
}

function directive(box) {
  const given = [...box.querySelectorAll('[data-argument]')]
    .map((input) => [input.dataset.argument, input.value.trim()])
    .filter(([, words]) => words)
    .map(([name, words]) => `${name}=${quoted(words)}`);
  return `{{ ${[box.dataset.embed, ...given].join(' ')} }}`;
}

function offerInsert() {
  form.querySelector('[data-insert]').addEventListener('click', (event) => {
    const button = event.target.closest('button[name="act"]');
    if (!button) return;
    event.preventDefault();
    const option = document.getElementById('f-picture')?.selectedOptions[0];
    const box = button.closest('[data-embed]');
    if (box) alone(directive(box));
    else if (option) alone(option.dataset.markdown);
  });
}

// Whoever switches a price on types it next.
function watchSwitches() {
  for (const box of document.querySelectorAll('[data-switch]')) {
    const field = document.getElementById(box.dataset.switch);
    if (!field) continue;
    box.addEventListener('change', () => {
      if (box.checked) field.focus();
      else field.value = '';
    });
    field.addEventListener('input', () => {
      box.checked = field.value.trim() !== '';
    });
  }
}

// What is typed is kept on the server, so that neither a crash nor a dead battery takes it.
function keepTyped() {
  let timer = 0;
  let isSent = false;
  let last = filled();
  let going = new AbortController();

  function filled() {
    return new URLSearchParams(new FormData(form)).toString();
  }

  async function keep() {
    clearTimeout(timer);
    const now = filled();
    if (isSent || now === last) return;
    last = now;
    going.abort();
    going = new AbortController();
    try {
      const answer = await fetch(form.dataset.keep, {
        method: 'POST',
        body: new URLSearchParams(now),
        headers: { Accept: 'application/json' },
        signal: going.signal,
      });
      if (!answer.ok) throw new Error(String(answer.status));
      const { kept } = await answer.json();
      status.textContent = form.dataset.kept.replace('{time}', `${kept.slice(11, 16)} UTC`);
    } catch (error) {
      if (error.name === 'AbortError') return;
      last = '';
      status.textContent = form.dataset.lost;
    }
  }

  function soon() {
    clearTimeout(timer);
    timer = setTimeout(keep, PAUSE);
  }

  for (const field of form.elements) {
    field.addEventListener('input', soon);
    field.addEventListener('change', soon);
  }
  addEventListener('visibilitychange', () => document.hidden && keep());
  form.addEventListener('submit', (event) => {
    if (event.submitter?.formTarget === '_blank') return;
    isSent = true;
    going.abort();
    clearTimeout(timer);
  });
  addEventListener('pageshow', () => {
    isSent = false;
  });
}

document.getElementById('error')?.focus();
watchSwitches();
if (status) {
  offerToolbar();
  offerInsert();
  keepTyped();
}
