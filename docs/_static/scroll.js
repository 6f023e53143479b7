// What scrolls is reached by the keyboard and says what it is; what fits its page is no stop on the way.
const KINDS = {pre: "Code", ".table-wrapper": "Table", ".cell_output": "Result", ".formula": "Formula"};

const observer = new ResizeObserver(changed => changed.forEach(({target: box}) => {
  const kind = Object.keys(KINDS).find(selector => box.matches(selector));
  const scrolls = box.scrollWidth > box.clientWidth;
  Object.entries({tabindex: "0", role: "group", "aria-label": KINDS[kind]}).forEach(([name, value]) =>
    scrolls ? box.setAttribute(name, value) : box.removeAttribute(name));
}));

for (const kind of Object.keys(KINDS))
  document.querySelectorAll(`article ${kind}`).forEach(box => observer.observe(box));
