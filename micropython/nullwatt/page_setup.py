"""The page for setting up, in pieces of at most about 2 kB: a board rarely has more memory in one place."""

TEXT = (
    """<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>Set up nullwatt</title>
<meta name="viewport" content="width=device-width,initial-scale=1"><link rel="icon" href="data:,">
<style>
:root{color-scheme:light dark;--bg:#f4f5f7;--card:#fff;--ink:#16202c;--dim:#5d6b7a;--line:#dfe4ea;--field:#fff;
--edge:#aab4bf;--good:#0b7a5c;--accent:#1558c0;--on:#fff;--bad:#b42318}
@media(prefers-color-scheme:dark){:root{--bg:#0f141a;--card:#182029;--ink:#e8edf3;--dim:#93a1b0;--line:#2a3541;
--field:#10161d;--edge:#4a5866;--good:#43c59e;--accent:#6ea8fe;--on:#0b1017;--bad:#ff8a80}}
*{box-sizing:border-box}
body{margin:0;background:var(--bg);color:var(--ink);font:16px/1.45 system-ui,sans-serif}
main{max-width:36rem;margin:0 auto;padding:1rem}
header{display:flex;align-items:center;margin:.2rem 0 1rem}h1{font-size:1.15rem;margin:0;flex:1}
h2,summary{font-size:.8rem;letter-spacing:.06em;text-transform:uppercase;color:var(--dim);font-weight:600}
h2{margin:0 0 .8rem}summary{cursor:pointer}details[open] summary{margin-bottom:.8rem}
section,details{background:var(--card);border:1px solid var(--line);border-radius:12px;padding:1rem;
margin-bottom:1rem}
label{display:block;margin-bottom:.9rem}label>b{font-weight:550}
label.tick{display:flex;gap:0 .6rem;align-items:center;flex-wrap:wrap}
small{display:block;color:var(--dim);font-size:.82rem;flex-basis:100%}a{color:var(--accent)}
</style>""",
    """<style>
input:not([type=checkbox]),select,textarea{width:100%;margin-top:.2rem;padding:.55rem .6rem;font:inherit;
color:inherit;background:var(--field);border:1px solid var(--edge);border-radius:8px;min-width:0}
textarea{font:13px/1.5 ui-monospace,monospace;min-height:6rem;resize:vertical}
input[type=checkbox]{width:1.1rem;height:1.1rem;margin:0;accent-color:var(--accent)}
:focus-visible{outline:2px solid var(--accent);outline-offset:1px}
.wrong input,.wrong select,.wrong textarea{border-color:var(--bad)}
.error{color:var(--bad);font-size:.88rem;overflow-wrap:anywhere}.good{color:var(--good)}
button{font:inherit;padding:.6rem 1rem;border-radius:8px;border:1px solid var(--edge);background:none;color:inherit;
cursor:pointer}
button.main{background:var(--accent);border-color:var(--accent);color:var(--on);font-weight:600;width:100%}
button:disabled{opacity:.5;cursor:default}
.foot{position:sticky;bottom:0;background:var(--bg);padding:.6rem 0 1rem}#said{margin:0 0 .5rem;overflow-wrap:anywhere}
.net{display:flex;gap:.5rem;width:100%;text-align:left;margin-bottom:.4rem;overflow-wrap:anywhere}
.net span{margin-left:auto;color:var(--dim);white-space:nowrap}.net[aria-pressed=true]{border-color:var(--accent)}
#nets{margin:.5rem 0 1rem}[hidden]{display:none!important}
</style></head><body><main><header><h1>Set up nullwatt</h1><a href="/" id="back" hidden>Back</a></header>
<form id="form" autocomplete="off" novalidate>
<section id="wifi"><h2>Wi-Fi</h2><div id="scanner" hidden>
<button type="button" id="scan">Look for networks</button><div id="nets"></div></div></section>
<section id="meter"><h2>Grid meter</h2><label data-path="meter.type"><b>Kind</b><select id="type"></select></label>
<div id="keys"></div></section>
<details id="control"><summary>Control of the batteries</summary><label data-path="ct002"><b>Options as JSON</b>
<textarea id="ct002" spellcheck="false" placeholder='{"balancer": {"grid_target": 0}}'></textarea>
<small>Keys and blocks as in docs/options.md; empty = as they come.</small></label></details>
<div id="more"></div>
<div class="foot"><p id="said" role="status"></p><button class="main" id="save" disabled>Save and restart</button></div>
</form></main><script>
""",
    """
const $ = id => document.getElementById(id)
const NAMES = { mqtt: 'MQTT', web: 'This page', update: 'Updates', log: 'Log', watchdog: 'Watchdog' }
const ORDER = ['ssid', 'host', 'url', 'port', 'topic', 'topics', 'user', 'password', 'token', 'hostname', 'country']
const WORDS = { 'wifi.ssid': 'Name of the network', 'wifi.hostname': 'Name of the board', 'wifi.setup': 'Access point',
  'web.port': 'TCP port' }
let state, meterKeys = {}
function el(tag, set, ...inside) {
  const e = Object.assign(document.createElement(tag), set)
  e.append(...inside)
  return e
}
function said(text, kind) {
  $('said').textContent = text
  $('said').className = kind || ''
}
async function ask(path, body) {
  const how = body === undefined ? {} :
    { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) }
  const answer = await fetch(path, how), found = await answer.json()
  if (!answer.ok) throw Error(found.error)
  return found
}
function bounds(k) {
  const length = k.kind === 'str' ? ' characters' : ''
  if (k.low !== undefined && k.high !== undefined) return k.low + ' to ' + k.high + length
  return k.low !== undefined ? 'at least ' + k.low + length : k.high !== undefined ? 'at most ' + k.high + length : ''
}
function field(section, name, k, value) {
  const path = section + '.' + name, set = state.secrets.includes(path)
  const title = el('b', { textContent: WORDS[path] || name.replaceAll('_', ' ').replace(/^./, c => c.toUpperCase()) })
  const label = el('label', {}), notes = [k.help, k.kind === 'bool' || k.secret ? '' : bounds(k)]
  label.dataset.path = path
  let input
  if (k.choices) {
    input = el('select', {}, ...k.choices.map(c => el('option', { value: c, textContent: c })))
    input.value = value ?? k.default ?? k.choices[0]
  } else if (k.kind === 'bool') {
    input = el('input', { type: 'checkbox', checked: value ?? k.default ?? false })
""",
    """    label.className = 'tick'
  } else if (k.kind === 'list' || k.kind === 'dict') {
    const text = k.default === undefined ? '' : JSON.stringify(k.default)
    input = el('textarea', { value: value === undefined ? '' : JSON.stringify(value, null, 1), placeholder: text })
    notes.push('as JSON')
  } else {
    input = el('input', { type: k.secret ? 'password' : 'text', value: value ?? '', placeholder: k.default ?? '' })
    if (k.secret) Object.assign(input, { autocomplete: 'new-password', placeholder: set ? 'kept as it is' : '' })
    if (k.kind === 'int' || k.kind === 'float') input.inputMode = 'decimal'
  }
  input.dataset.key = name
  input.spellcheck = false
  label.append(...(k.kind === 'bool' ? [input, title] : [title, input]))
  if (k.required) title.append(' *')
  const text = notes.filter(Boolean).join('; ')
  if (text) label.append(el('small', { textContent: text }))
  if (!set) return [label]
  const forget = el('input', { type: 'checkbox' })
  forget.dataset.forget = name
  const words = 'Forget the ' + name.replaceAll('_', ' ')
  return [label, el('label', { className: 'tick' }, forget, el('span', { textContent: words }))]
}
function fields(box, section, keys, values) {
  const rank = ([name, k]) => (k.required ? 0 : 100) + (ORDER.indexOf(name) + 1 || 50)
  const all = Object.entries(keys).sort((a, b) => rank(a) - rank(b) || a[0].localeCompare(b[0]))
  for (const [name, k] of all) box.append(...field(section, name, k, values[name]))
}
function fail(path, text) {
  throw Object.assign(Error(path + ': ' + text), { path })
}
function json(path, text) {
  try { return JSON.parse(text) } catch (e) { return fail(path, 'is not JSON: ' + e.message) }
}
""",
    """
function read(box, section, keys) {
  const found = {}
  for (const input of box.querySelectorAll('[data-key]')) {
    const name = input.dataset.key, k = keys[name], path = section + '.' + name
    const had = (state.config[section] || {})[name] !== undefined
    if (k.kind === 'bool') {
      if (input.checked !== (k.default ?? false) || had) found[name] = input.checked
      continue
    }
    const text = k.secret ? input.value : input.value.trim()
    if (text === '' || k.choices && text === k.default && !had) continue
    if (k.kind === 'int' || k.kind === 'float') {
      found[name] = Number(text.replace(',', '.'))
      if (!Number.isFinite(found[name])) fail(path, text + ' must be a number')
    } else found[name] = k.kind === 'list' || k.kind === 'dict' ? json(path, text) : text
  }
  for (const tick of box.querySelectorAll('[data-forget]:checked')) found[tick.dataset.forget] = null
  return found
}
function collect() {
  const found = {}
  for (const section of Object.keys(state.sections)) {
    const values = read($(section), section, state.sections[section])
    found[section] = Object.keys(values).length || state.config[section] ? values : null
  }
  const type = $('type').value
  found.meter = type ? { type, ...read($('keys'), 'meter', meterKeys) } : null
  const text = $('ct002').value.trim()
  found.ct002 = text ? json('ct002', text) : null
  return found
}
function mark(text) {
  document.querySelectorAll('.error').forEach(e => e.id !== 'said' && e.remove())
  document.querySelectorAll('.wrong').forEach(e => e.classList.remove('wrong'))
  if (!text) return false
""",
    """  let best
  for (const label of document.querySelectorAll('[data-path]'))
    if (text.includes(label.dataset.path) && (!best || label.dataset.path.length > best.dataset.path.length))
      best = label
  if (!best) return false
  best.classList.add('wrong')
  best.append(el('small', { className: 'error', textContent: text }))
  if (best.closest('details')) best.closest('details').open = true
  best.scrollIntoView({ block: 'center' })
  return true
}
async function kind(type, values) {
  $('keys').replaceChildren()
  meterKeys = {}
  if (!type) return
  try {
    meterKeys = await ask('/api/meter?type=' + encodeURIComponent(type))
    fields($('keys'), 'meter', meterKeys, values)
  } catch (e) { $('keys').append(el('p', { className: 'error', textContent: e.message })) }
}
async function scan() {
  $('scan').disabled = true
  $('nets').replaceChildren('Looking\u2026')
  try {
    const ssid = document.querySelector('[data-path="wifi.ssid"] input'), nets = await ask('/api/networks')
    $('nets').replaceChildren(...nets.map(([name, rssi, free]) => {
      const b = el('button', { type: 'button', className: 'net' }, el('b', { textContent: name }),
        el('span', { textContent: rssi + ' dBm' + (free ? ', open' : '') }))
      b.onclick = () => {
        ssid.value = name
        for (const other of $('nets').children) other.setAttribute('aria-pressed', other === b)
        document.querySelector('[data-path="wifi.password"] input').focus()
      }
      return b
    }))
    if (!nets.length) $('nets').textContent = 'None found. Type the name.'
  } catch (e) { $('nets').textContent = e.message }
  $('scan').disabled = false
}
""",
    """
async function back(tries) {
  for (let n = 0; n < tries; n++) {
    await new Promise(done => setTimeout(done, 1500))
    try {
      const answer = await fetch('/api/status', { signal: AbortSignal.timeout(3000) })
      const s = (await answer.json()).state
      if (s.uptime < 30) return location.assign('/')
    } catch (e) { /* not yet */ }
  }
  said('Saved. Find the board in your network: http://' + name() + '.local', 'good')
}
const name = () => document.querySelector('[data-path="wifi.hostname"] input').value || 'nullwatt'
async function save(event) {
  event.preventDefault()
  mark('')
  $('save').disabled = true
  said('Saving\u2026')
  try {
    const answer = await ask('/api/config', collect())
    if (answer.forgotten.length) {
      said('Saved, but the address has changed: type again ' + answer.forgotten.join(', '), 'error')
      await load()
      return
    }
    said('Saved. The board restarts\u2026', 'good')
    await ask('/api/restart', {})
    await back(20)
  } catch (e) {
    said(mark(e.message) ? 'Not saved, see above.' : e.message, 'error')
  }
  $('save').disabled = false
}
async function load() {
  state = await ask('/api/config')
  const config = state.config
  $('wifi').querySelectorAll('label').forEach(e => e.remove())
  fields($('wifi'), 'wifi', state.sections.wifi, config.wifi || {})
  $('scanner').hidden = $('wifi').hidden = !state.scan
  $('back').hidden = state.setup
  const own = (config.meter || {}).type, known = state.meters
  const all = own && !known.includes(own) ? [...known, own] : known
""",
    """  $('type').replaceChildren(el('option', { value: '', textContent: 'Choose one' }),
    ...all.map(t => el('option', { value: t, textContent: t.replaceAll('_', ' ') })))
  $('type').value = own || ''
  $('ct002').value = config.ct002 ? JSON.stringify(config.ct002, null, 1) : ''
  const rest = Object.keys(state.sections).filter(s => s !== 'wifi'), order = Object.keys(NAMES)
  $('more').replaceChildren(...rest.sort((a, b) => order.indexOf(a) - order.indexOf(b)).map(s => {
    const box = el('details', { id: s }, el('summary', { textContent: NAMES[s] || s }))
    fields(box, s, state.sections[s], config[s] || {})
    return box
  }))
  await kind(own, config.meter || {})
  $('type').onchange = () => kind($('type').value, $('type').value === own ? config.meter : {})
  $('save').disabled = false
}
$('form').onsubmit = save
$('scan').onclick = scan
load().then(() => {
  if (state.problem) said(state.problem, 'error')
  if (state.scan && state.setup) scan()
  document.body.dataset.ready = 1
}, e => said(e.message, 'error'))
</script></body></html>
""",
)
