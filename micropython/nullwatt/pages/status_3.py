"""The page of what is going on, piece 3 of 5."""

TEXT = """
const $ = id => document.getElementById(id)
const number = w => Math.round(w).toLocaleString().replace(/^-(?=0$)/, '').replace('-', '\u2212')
const watts = w => w === undefined ? '\u2013' : number(w) + ' W'
const side = w => w > 0 ? 'import' : w < 0 ? 'export' : ''
function el(tag, kind, text, ...inside) {
  const e = document.createElement(tag)
  if (kind) e.className = kind
  if (text !== undefined) e.textContent = text
  e.append(...inside)
  return e
}
function bar(w, most, colour, want) {
  const at = v => 50 + 50 * Math.max(-1, Math.min(1, v / most))
  const b = el('div', 'bar'), i = el('i')
  i.style.left = Math.min(50, at(w)) + '%'
  i.style.width = Math.abs(at(w) - 50) + '%'
  i.style.background = colour
  b.append(i, el('i', 'mid'))
  if (want !== undefined) {
    const t = el('i', 'want')
    t.style.left = at(want) + '%'
    t.title = 'wanted: ' + watts(want)
    b.append(t)
  }
  return b
}
const scale = all => [800, 1200, 2500, 5000, 10000, 20000, 50000].find(s => all.every(v => Math.abs(v) <= s)) || 1e5
function span(s) {
  const d = Math.floor(s / 86400), h = Math.floor(s / 3600) % 24, m = Math.floor(s / 60) % 60
  return d ? d + ' d ' + h + ' h' : h ? h + ' h ' + m + ' min' : m ? m + ' min ' + s % 60 + ' s' : s + ' s'
}
"""
