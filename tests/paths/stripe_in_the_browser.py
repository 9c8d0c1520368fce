"""What stands for Stripe's script and for Apple's session in a browser, which has neither here."""

SCRIPT = """
// In place of https://js.stripe.com/v3/: the same calls, in the order that the real one demands.
window.Stripe = (key) => {
  if (!/^pk_/.test(key)) throw new Error("a publishable key, please");
  return {
    elements(wish) {
      if (wish.mode !== "payment" || !Number.isInteger(wish.amount)) throw new Error("an amount");
      if (wish.currency !== wish.currency.toLowerCase()) throw new Error("small letters");
      const elements = {
        submitted: false,
        async submit() { elements.submitted = true; return {}; },
        create(kind) {
          const heard = {};
          return {
            on(name, listener) { heard[name] = listener; return this; },
            mount(place) {
              const has = Boolean(window.ApplePaySession?.canMakePayments());
              if (has) {
                const button = document.createElement("button");
                button.type = "button";
                button.textContent = "Apple Pay";
                button.onclick = () => {
                  new ApplePaySession(3, { total: { amount: (wish.amount / 100).toFixed(2) } });
                  heard.confirm({ expressPaymentType: "apple_pay", paymentFailed() {} });
                };
                document.querySelector(place).append(button);
              }
              setTimeout(() => heard.ready({ availablePaymentMethods: { applePay: has } }));
            },
          };
        },
      };
      return elements;
    },
    async confirmPayment({ elements, clientSecret, confirmParams }) {
      if (!elements.submitted) throw new Error("elements.submit() comes first");
      const [intent, rest] = clientSecret.split("_secret_");
      if (!rest) throw new Error("a client secret, please");
      await window.payAtStripe(intent);
      const back = new URL(confirmParams.return_url);
      back.searchParams.set("payment_intent", intent);
      back.searchParams.set("redirect_status", "succeeded");
      location.assign(back);
      return new Promise(() => {});
    },
  };
};
"""

WALLET = """
window.ApplePaySession = class {
  static canMakePayments() { return true; }
  constructor(version, request) {
    if (!navigator.userActivation.isActive) throw new Error("only when somebody pressed a button");
    if (!/^\\d+\\.\\d{2}$/.test(request.total.amount)) throw new TypeError("a decimal amount");
  }
};
"""
