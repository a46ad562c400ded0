// What a wall must never do, looked for in the page itself; every function gives a list of complaints.
() => {
  const SLACK = 1.5;
  const name = (node) => `${node.className?.baseVal ?? node.className ?? node.tagName} "${(node.textContent ?? '').trim().slice(0, 40)}"`;
  const seen = (node) => node.checkVisibility({ checkOpacity: false, checkVisibilityCSS: true });
  const boxOf = (node) => {
    const range = document.createRange();
    range.selectNodeContents(node);
    const { left, right, top, bottom, width, height } = range.getBoundingClientRect();
    // A line of text is higher than its letters, even than a capital under two accents.
    if (getComputedStyle(node.parentElement).writingMode !== 'horizontal-tb') return { left: left + width * 0.14, right: right - width * 0.14, top, bottom };
    return { left, right, top: top + height * 0.14, bottom: bottom - height * 0.1 };
  };
  function* words(root) {
    const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
    for (let node = walker.nextNode(); node; node = walker.nextNode())
      if (node.textContent.trim() && node.parentElement && !node.parentElement.closest('title, .unseen') && seen(node.parentElement)) yield node;
  }
  const rows = () => {
    const all = [...document.querySelectorAll('.alarms .list > *')];
    return all.filter((row) => row.offsetLeft === all[0].offsetLeft);
  };
  const boxes = () => [...document.querySelectorAll('article, .counter, .banner, .simulated, .day, .alarms h2, .row > h2'), ...rows()].filter(seen);
  const outside = (inner, outer) => inner.left < outer.left - SLACK || inner.right > outer.right + SLACK || inner.top < outer.top - SLACK || inner.bottom > outer.bottom + SLACK;
  const meet = (a, b) => a.left < b.right - SLACK && b.left < a.right - SLACK && a.top < b.bottom - SLACK && b.top < a.bottom - SLACK;

  window.wall = {
    looked: () => ({ boxes: boxes().length, words: [...words(document.body)].length, hexes: document.querySelectorAll('.hex').length, rows: rows().length }),
    /** Words that leave their box, the page, or a hexagon; and anything shortened by an ellipsis. */
    cut() {
      const found = [];
      const root = document.documentElement;
      if (root.scrollWidth > window.innerWidth + SLACK) found.push(`the page is ${root.scrollWidth} wide`);
      for (const box of boxes()) {
        const outer = box.getBoundingClientRect();
        for (const word of words(box)) if (outside(boxOf(word), outer)) found.push(`out of its box: ${name(word.parentElement)} in ${name(box)}`);
        if (getComputedStyle(box).position !== 'sticky' && window.innerWidth > 900 && outside(outer, { left: 0, top: 0, right: window.innerWidth, bottom: window.innerHeight })) found.push(`off the screen: ${name(box)}`);
      }
      for (const node of document.querySelectorAll('.wall *')) if (getComputedStyle(node).textOverflow === 'ellipsis') found.push(`shortened: ${name(node)}`);
      for (const hex of document.querySelectorAll('.hex')) {
        const edge = hex.querySelector('polygon');
        for (const text of hex.querySelectorAll('text')) {
          const { x, y, width, height } = text.getBBox();
          // The letters stand in the middle of their line's box.
          for (const [px, py] of [[x, y + height * 0.25], [x + width, y + height * 0.25], [x, y + height * 0.8], [x + width, y + height * 0.8]])
            if (!edge.isPointInFill(new DOMPoint(px, py))) found.push(`touches its edge: ${name(text)}`);
        }
      }
      return found;
    },
    /** Words that do not stand out from their ground: under `least` to one, every stripe of a hatching counted. */
    faint(least) {
      const dot = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
      const light = (colour) => {
        dot.clearRect(0, 0, 1, 1);
        dot.fillStyle = colour;
        dot.fillRect(0, 0, 1, 1);
        const [r, g, b] = [...dot.getImageData(0, 0, 1, 1).data].map((part) => (part / 255 <= 0.04045 ? part / 255 / 12.92 : ((part / 255 + 0.055) / 1.055) ** 2.4));
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
      };
      const grounds = (node) => {
        const hex = node.closest('.hex');
        if (hex) return [getComputedStyle(hex.querySelector('polygon')).fill];
        for (let held = node; held; held = held.parentElement) {
          const style = getComputedStyle(held);
          if (style.backgroundImage !== 'none') return style.backgroundImage.match(/((ok)?l(ab|ch)|rgba?|color)\([^)]*\)/g);
          if (!/^(rgba\(0, 0, 0, 0\)|transparent)$/.test(style.backgroundColor)) return [style.backgroundColor];
        }
        return ['white'];
      };
      const found = [];
      for (const word of words(document.querySelector('.wall'))) {
        const held = word.parentElement;
        const ink = light(held.ownerSVGElement ? getComputedStyle(held).fill : getComputedStyle(held).color);
        for (const ground of grounds(held)) {
          const under = light(ground);
          const ratio = (Math.max(ink, under) + 0.05) / (Math.min(ink, under) + 0.05);
          if (ratio < least) found.push(`${ratio.toFixed(1)} to one: ${name(held)}`);
        }
      }
      return found;
    },
    /** Parts that stand on each other. */
    overlapping() {
      const found = [];
      const check = (parts) => parts.forEach((one, i) => parts.slice(i + 1).forEach((other) => {
        if (meet(one.getBoundingClientRect(), other.getBoundingClientRect())) found.push(`${name(one)} on ${name(other)}`);
      }));
      const visible = (list) => [...list].filter(seen);
      for (const tile of document.querySelectorAll('article')) {
        check(visible(tile.children));
        check(visible(tile.querySelectorAll('.value, .glyph')));
        check(visible(tile.querySelectorAll('.line, .delta')));
        check(visible(tile.querySelectorAll('footer > *')));
      }
      check(visible(document.querySelectorAll('h1, .counter, .simulated, time, .day')).filter((part) => !document.querySelector('.banner') || !part.matches('.counter')));
      check(visible(document.querySelectorAll('.banner, h1, .simulated, time, .day')));
      check([...visible(document.querySelectorAll('article, section.map, .row > h2, .alarms h2')), ...rows()].filter((part) => part.getBoundingClientRect().width));
      return [...new Set(found)];
    },
    /** Height of the capitals of every text, in units of the wall. */
    capitals() {
      const unit = Math.min(window.innerWidth / 384, window.innerHeight / 216);
      return [...words(document.querySelector('.wall'))].map((word) => {
        const held = word.parentElement;
        const scale = held.ownerSVGElement ? held.getScreenCTM().a : 1;
        return { text: word.textContent.trim(), of: held.className?.baseVal ?? held.className, px: parseFloat(getComputedStyle(held).fontSize) * scale, unit };
      });
    },
    /** What is left of a tile's look when colour is taken away. */
    shape(key) {
      const tile = document.querySelector(`article[data-tile="${key}"]`);
      const style = getComputedStyle(tile);
      const weight = getComputedStyle(tile.querySelector('.value')).fontWeight;
      const fill = style.backgroundImage !== 'none' ? 'hatched' : 'plain';
      const glyphs = [...tile.querySelectorAll('svg[class]')].filter((svg) => seen(svg) && !svg.closest('.spark')).map((svg) => [...svg.classList].filter((c) => !c.startsWith('svelte')).join('.'));
      return [style.outlineStyle, parseFloat(style.outlineWidth) > 0 ? 'line' : 'none', fill, weight, glyphs.join('+'), tile.querySelector('.badge') ? 'badge' : '', tile.querySelector('.loaded') ? 'progress' : ''].join(' ');
    },
  };
}
