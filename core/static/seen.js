// Says once that the panel came into view: for the daily sums, and with nothing of who saw it.

for (const panel of document.querySelectorAll('[data-seen]')) {
  const watch = new IntersectionObserver(([entry]) => {
    if (!entry.isIntersecting) return;
    watch.disconnect();
    navigator.sendBeacon('/seen/panel', new URLSearchParams({ resource: panel.dataset.seen }));
  });
  watch.observe(panel);
}
