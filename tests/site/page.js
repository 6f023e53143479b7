// What a page that is opened is asked; browser.py calls these.
const frame = () => new Promise(requestAnimationFrame);
const drawn = () => frame().then(frame);  // when what watches sizes has been told
const seen = {
  missing: () => [...document.images].filter(i => !i.complete || !i.naturalWidth).map(i => i.src),

  // What makes the page wider than the window.
  overflow: () => {
    const page = document.documentElement, width = page.clientWidth;
    if (page.scrollWidth <= width) return [];
    return [...document.querySelectorAll("article *")]
      .filter(e => e.getBoundingClientRect().right > width + 1)
      .map(e => e.outerHTML.slice(0, 120)).slice(0, 5)
      .concat([`the page is ${page.scrollWidth} wide`]);
  },

  // Pictures that are shrunk until letters of 8 points, which is the least that is drawn, can't be read.
  shrunk: () => [...document.querySelectorAll("article img")]
    .map(i => [i.getBoundingClientRect().width / i.naturalWidth, i.alt])
    .filter(([scale]) => scale < 0.45).map(([scale, alt]) => `${scale.toFixed(2)}: ${alt}`),

  // What sticks out of the window, a box or its text, where nothing scrolls to it.
  cut: () => {
    const width = document.documentElement.clientWidth;
    const scrolls = e => e && e.tagName !== "ARTICLE"
      && (["auto", "scroll"].includes(getComputedStyle(e).overflowX) || scrolls(e.parentElement));
    const right = e => {
      const range = document.createRange();
      range.selectNodeContents(e);
      const boxes = e.matches("p, li, h1, h2, h3, dt") ? [e, range] : [e];
      return Math.max(...boxes.map(box => box.getBoundingClientRect().right));
    };
    return [...document.querySelectorAll("article *")]
      .filter(e => right(e) > width + 1 && !scrolls(e))
      .map(e => `${e.tagName} ${e.className}: ${e.textContent.slice(0, 60)}`).slice(0, 5);
  },

  // Boxes that scroll and that the keyboard doesn't reach, or that say nothing; and stops at boxes that don't scroll.
  stops: async () => {
    await drawn();
    const scrolls = e => e.scrollWidth > e.clientWidth
      && ["auto", "scroll"].includes(getComputedStyle(e).overflowX);
    return [...document.querySelectorAll("article *")]
      .filter(e => scrolls(e) !== (e.tabIndex === 0 && e.role === "group" && !!e.ariaLabel))
      .filter(e => scrolls(e) || e.role === "group")
      .map(e => e.outerHTML.slice(0, 120)).slice(0, 5);
  },

  axe: async () => {
    await drawn();
    const done = await axe.run(document);
    const why = node => (node.any[0] ?? node.all[0] ?? node.none[0])?.message;
    return done.violations.flatMap(v => v.nodes.map(n => `${v.id}: ${n.target}: ${why(n)}`));
  },
};
