// Apple Pay and Google Pay by Stripe's Express Checkout Element. The page shows what it would cost;
// the site's answer names the payment, and Stripe charges the amount of that.
const STRIPE = "https://js.stripe.com/v3/";
const box = document.querySelector("[data-stripe-express]");
const form = box?.closest("form");
const said = box?.querySelector("[data-stripe-said]");

const loaded = () =>
  new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = STRIPE;
    script.onload = () => resolve(window.Stripe);
    script.onerror = reject;
    document.head.append(script);
  });

const say = (words) => {
  said.textContent = words;
  said.hidden = !words;
};

// Order and begin: the form's own fields name what is bought, never what it costs.
const begin = async () => {
  const body = new FormData(form);
  body.set("provider", "stripe");
  body.set("inline", "1");
  return fetch(form.action, { method: "POST", body, headers: { Accept: "application/json" } });
};

const confirm = async (stripe, elements) => {
  const checked = await elements.submit();
  if (checked.error) return checked.error.message;
  const answer = await begin();
  if (answer.status === 422) {
    form.submit(); // the order asks something first, on a page of its own
    return "";
  }
  const found = await answer.json();
  if (!answer.ok) return found.detail || box.dataset.failed;
  if (!found.data?.client_secret) {
    location.assign(found.address);
    return "";
  }
  const paid = await stripe.confirmPayment({
    elements,
    clientSecret: found.data.client_secret,
    confirmParams: { return_url: found.address },
  });
  return paid.error ? paid.error.message || box.dataset.failed : "";
};

const start = async () => {
  const Stripe = await loaded();
  const { key, amount, currency, language } = box.dataset;
  const stripe = Stripe(key, { locale: language });
  const elements = stripe.elements({ mode: "payment", amount: Number(amount), currency });
  const buttons = elements.create("expressCheckout");
  buttons.on("ready", ({ availablePaymentMethods }) => {
    box.hidden = !Object.values(availablePaymentMethods || {}).some(Boolean);
  });
  buttons.on("confirm", async (event) => {
    say("");
    const problem = await confirm(stripe, elements).catch(() => box.dataset.failed);
    if (!problem) return;
    say(problem);
    event.paymentFailed?.({ reason: "fail" });
  });
  buttons.mount("#stripe-express");
};

if (form) start().catch(() => {}); // without Stripe's script the other ways are still there
